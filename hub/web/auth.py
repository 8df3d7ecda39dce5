"""Who asks, and may they: a bearer key or a browser's session, one scope for each endpoint, closed by default."""

from typing import Any, Literal, cast

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from msgspec import Struct

from hub.errors import NotAllowed
from hub.records import Key, PersonId, TenantId
from hub.web.services import Services

COOKIE = "agenthost_session"
ANY = "any"
"""For an endpoint's scope: every good key may."""


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
        """Return the Caller as `user`, or None; `auth` then says what was wrong."""
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
        session = await services.people.whose(connection.cookies[COOKIE]) if COOKIE in connection.cookies else None
        if session is None:
            return AuthenticationResult(
                user=None,
                auth="Authorization: missing; send 'Authorization: Bearer KEY' "
                "(the owner's key lies in owner.key in the data folder), or sign in",
            )
        return AuthenticationResult(user=Caller(key=session, by="cookie"), auth=None)


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let through who has the scope that the endpoint names in `opt`; an endpoint that names none is closed.

    `opt={"open": True}` is for everybody, `opt={"scope": ANY}` for every good key.
    """
    if handler.opt.get("open"):
        return
    caller = caller_of(connection)
    if caller is None:
        raise NotAuthorizedException(detail=str(connection.scope.get("auth")))
    scope = handler.opt.get("scope")
    if scope is None:
        raise NotAllowed("this endpoint is closed: it names no scope; tell the maintainers")
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


def provide_caller(request: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """Give `caller` to endpoints that aren't open."""
    caller = caller_of(request)
    if caller is None:
        raise NotAuthorizedException(detail=str(request.scope.get("auth")))
    return caller
