"""/sign-in/oidc/{name}: where identity providers send people back to, and where these go from there.

Whatever comes, the browser is sent to a page of ours and to none that the request names. Why it didn't work is told by
a word behind the #, which the page has a sentence for.
"""

import logging
from typing import Any

from litestar import Controller, Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath

from hub.errors import Decided, EgressError, NotAllowed, NotFound, PersonError, TooMany
from hub.flow.passports import Unlinked
from hub.web.auth import Hub
from hub.web.cookies import WAY, a_cookie, name_of
from hub.web.services import Services
from hub.web.signing_in import address_of, redirect_of, session_cookies
from hub.web.tries import Tries

log = logging.getLogger(__name__)

WORDS: tuple[tuple[type[Exception], str], ...] = (
    (Unlinked, "nobody-here"),
    (Decided, "begin-again"),
    (NotFound, "begin-again"),
    (TooMany, "too-many"),
    (EgressError, "provider-away"),
    (PersonError, "provider-said-no"),
)
"""What the page has sentences for, by what went wrong."""


class VouchedController(Controller):
    """The way back from an identity provider."""

    include_in_schema = False
    opt = {"open": True}  # noqa: RUF012 - Litestar reads it from the class

    @get("/sign-in/oidc/{name:str}")
    async def back(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        tries: NamedDependency[Tries],
        name: FromPath[str],
    ) -> Response[None]:
        """Sign in whoever the provider vouches for, or link them."""
        try:
            tries.count(address_of(request))
            if "error" in request.query_params or not request.query_params.get("code"):
                raise NotAllowed("the provider, or the person there, said no")
            return await _believed(request, services, name)
        except (PersonError, EgressError) as fault:
            word = next(word for kind, word in WORDS if isinstance(fault, kind))
            return _to(f"/sign-in#!{word}", _gone(services))


async def _believed(request: Request[Any, Any, Any], services: Services, name: str) -> Response[None]:
    told, back = request.query_params, redirect_of(request, services, name)
    way = request.cookies.get(name_of(services.config, WAY), "")
    arrived = await services.entrance.passports.finish(
        name, back, sealed=way, state=told.get("state", ""), code=told["code"], issuer=told.get("iss", "")
    )
    if arrived.linked:
        return _to("/account#!linked", _gone(services))
    return _to("/", _gone(services), *await session_cookies(request, services, arrived.person, arrived.before))


def _gone(services: Services) -> Cookie:
    return a_cookie(services.config, WAY, "", 0, same_site="lax")


def _to(page: str, *cookies: Cookie) -> Response[None]:
    return Response(None, status_code=303, headers={"Location": page, "Cache-Control": "no-store"}, cookies=cookies)
