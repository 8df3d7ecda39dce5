"""Who asks, and may they: a bearer key or a browser's session, one scope for each endpoint, closed by default."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from msgspec import Struct

from hub.errors import NotAllowed
from hub.flow.doing import Doer, comes
from hub.records import HOME, Key, PersonId, TenantId
from hub.web.cookies import SESSION, name_of
from hub.web.services import Services

ANY = "any"
"""For an endpoint's scope: every good key may."""
WHOLE = "whole"
"""In an endpoint's `opt`: it's about the hub as a whole, so keys of other tenants than the hub's own may not."""
RUNS: Mapping[str, Any] = {"scope": "admin", WHOLE: True}
"""The `opt` of what only whoever runs the hub may."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks, by which key, and how the key came along."""

    key: Key
    by: Literal["bearer", "cookie"]

    @property
    def person(self) -> PersonId:
        """Who this key speaks for."""
        return self.key.person

    @property
    def tenant(self) -> TenantId:
        """The wall that this key stays within."""
        return self.key.tenant

    def may(self, scope: str) -> bool:
        """Say whether the key has a scope, outright or by being an admin's."""
        return scope in self.key.scopes or "admin" in self.key.scopes

    def needs(self, scope: str) -> None:
        """Raise NotAllowed unless the key has a scope."""
        if not self.may(scope):
            raise NotAllowed(
                f"key: {self.key.name!r} lacks the scope {scope} (it has {', '.join(self.key.scopes)}); "
                f"use another key, or make one: agenthost keys create NAME --scopes {scope}"
            )


class Authentication(AbstractAuthenticationMiddleware):
    """Finds out who asks. It refuses nobody: that's the guard's, which knows what the endpoint wants."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Return the Caller as `user`, or None; `auth` then says what was wrong. What's done from here on is theirs."""
        found = await self._found(connection)
        key = found.user.key if isinstance(found.user, Caller) else None
        way = "nobody" if key is None else "session" if key.kind == "session" else "key"
        comes(Doer(person=key.person if key else None, way=way, key=key.id if key else None))
        return found

    async def _found(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        services = services_of(connection)
        header = connection.headers.get("authorization")
        if header is not None:
            kind, _, secret = header.partition(" ")
            if kind.lower() != "bearer":
                return AuthenticationResult(user=None, auth="Authorization: must be 'Bearer KEY'")
            key = await services.people.whose(secret.strip())
            if key is None:
                return AuthenticationResult(
                    user=None, auth="Authorization: that key is unknown, revoked or past its end; use a good one"
                )
            return AuthenticationResult(user=Caller(key=key, by="bearer"), auth=None)
        given = connection.cookies.get(name_of(services.config, SESSION))
        session = await services.people.whose(given) if given else None
        if session is None:
            return AuthenticationResult(
                user=None,
                auth="Authorization: missing; send 'Authorization: Bearer KEY' "
                "(the owner's key lies in owner.key in the data folder), or sign in",
            )
        return AuthenticationResult(user=Caller(key=session, by="cookie"), auth=None)


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let through who has the scope that the endpoint names in `opt`; an endpoint that names none is closed.

    `opt={"open": True}` is for everybody, `opt={"scope": ANY}` for every good key; with `WHOLE: True` it must be of
    the hub's own tenant.
    """
    if handler.opt.get("open"):
        return
    caller = caller_of(connection)
    if caller is None:
        raise NotAuthorizedException(detail=str(connection.scope.get("auth")))
    scope = handler.opt.get("scope")
    if scope is None:
        raise NotAllowed("this endpoint is closed: it names no scope; tell the maintainers")
    if handler.opt.get(WHOLE) and caller.tenant != HOME:
        raise NotAllowed("key: this is about the whole hub, and your tenant is one of several; ask whoever runs it")
    if scope != ANY:
        caller.needs(scope)


def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller | None:
    """Return who asks, if that's known."""
    user = connection.scope.get("user")
    return user if isinstance(user, Caller) else None


def services_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Services:
    """Return the services that this web was built with."""
    return cast("Services", connection.app.state.services)


Hub = NamedDependency[Services]
"""An endpoint's parameter `services`."""
Asker = NamedDependency[Caller]
"""An endpoint's parameter `caller`."""


def provide_services(request: ASGIConnection[Any, Any, Any, Any]) -> Services:
    """Give `services` to endpoints."""
    return services_of(request)


def provide_caller(request: ASGIConnection[Any, Any, Any, Any], services: Hub) -> Caller:
    """Give `caller` to endpoints that aren't open.

    It asks for `services` only to come after them: two that could come at once, Litestar has resolved in tasks of
    their own, which takes a third of the time that a request does.
    """
    caller = caller_of(request)
    if caller is None:
        raise NotAuthorizedException(detail=str(request.scope.get("auth")))
    return caller
