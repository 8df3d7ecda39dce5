"""/registry/v1/accounts, /session, /tokens: open an account, sign in and out, make tokens."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.errors import NotAllowed
from hub.registry.accounts import EVERYTHING, LIFETIME, Caller
from hub.registry.parts import Parts
from hub.registry.records import Token
from hub.registry.web.auth import Asker, Registry, session_cookie
from hub.registry.web.gate import QUOTA, spend
from hub.web.problems import PROBLEMS
from hub.web.replaying import SHOWN_ONCE

NOTHING = ResponseSpec(None, description="It's over.", generate_examples=False)
Line = Annotated[str, Meta(max_length=300)]


class NewAccount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who opens an account."""

    name: Line
    publisher: Line = ""
    """What their packages are published under; empty: the same as the name."""
    email: Line = ""
    password: Line


class SignIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who comes back."""

    name: Line
    password: Line


class NewPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A password in the place of another."""

    old: Line
    new: Line


class NewToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token that's wished for."""

    name: Line
    scopes: Annotated[tuple[Line, ...], Meta(max_length=20)]
    days: Annotated[float, Meta(gt=0, le=366)] = LIFETIME.days


class Me(Struct, frozen=True, kw_only=True):
    """Who one is to a registry."""

    id: str
    name: str
    email: str
    publishers: tuple[str, ...]
    role: str
    """member, moderator or admin."""
    created_at: datetime


class Session(Struct, frozen=True, kw_only=True):
    """An account that was signed in to; a browser gets the token as a cookie besides."""

    token: str
    account: Me


class TokenView(Struct, frozen=True, kw_only=True):
    """A token, without what it's proved by."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime


class FreshToken(Struct, frozen=True, kw_only=True):
    """A token as it's shown once."""

    token: str
    id: str
    expires_at: datetime


class TokenList(Struct, frozen=True, kw_only=True):
    """A listing."""

    items: list[TokenView]
    next: str | None = None


class AccountsController(Controller):
    """Accounts, sessions and tokens."""

    tags = ("accounts",)

    @post("/accounts", opt={QUOTA: "sign-ups", SHOWN_ONCE: True}, responses=PROBLEMS)
    async def sign_up(self, data: JSONBody[NewAccount], parts: Registry) -> Response[Session]:
        """Open an account with a publisher of its own."""
        if not parts.config.sign_up:
            raise NotAllowed("this registry opens no accounts by itself; write to its admins")
        publisher = data.publisher or data.name
        _, token = await parts.accounts.create(data.name, data.email, data.password, publisher)
        return await _signed_in(parts, token, 201)

    @post("/session", status_code=200, opt={QUOTA: "sign-ins", SHOWN_ONCE: True}, responses=PROBLEMS)
    async def sign_in(
        self, request: Request[Any, Any, Any], data: JSONBody[SignIn], parts: Registry
    ) -> Response[Session]:
        """Sign in by name and password."""
        spend(request, f"name:{data.name}")
        _, token = await parts.accounts.sign_in(data.name, data.password)
        return await _signed_in(parts, token, 200)

    @delete("/session", status_code=204, responses={**PROBLEMS, 204: NOTHING})
    async def sign_out(self, caller: Asker, parts: Registry) -> Response[None]:
        """End this session, or this token."""
        await parts.accounts.revoke(caller, caller.token)
        return Response(None, status_code=204, cookies=[session_cookie("", secure=_secure(parts))])

    @get("/me", responses=PROBLEMS)
    async def me(self, caller: Asker, parts: Registry) -> Me:
        """Show whose token this is."""
        return await _me(parts, caller)

    @put("/password", status_code=204, opt={QUOTA: "sign-ins"}, responses=PROBLEMS)
    async def change_password(self, data: JSONBody[NewPassword], caller: Asker, parts: Registry) -> None:
        """Set another password; all other sessions and tokens end with the old one. For a browser's session alone."""
        if EVERYTHING not in caller.scopes:
            raise NotAllowed("a token changes no password; sign in with the one that you have")
        await parts.accounts.change_password(caller, data.old, data.new)

    @get("/tokens", responses=PROBLEMS)
    async def tokens(self, caller: Asker, parts: Registry) -> TokenList:
        """List one's tokens, newest first."""
        return TokenList(items=[_view(token) for token in await parts.accounts.tokens(caller)])

    @post("/tokens", opt={SHOWN_ONCE: True}, responses=PROBLEMS)
    async def make_token(self, data: JSONBody[NewToken], caller: Asker, parts: Registry) -> FreshToken:
        """Make a token; it's shown this once."""
        token, told = await parts.accounts.make_token(caller, data.name, data.scopes, timedelta(days=data.days))
        return FreshToken(token=told, id=token.id, expires_at=token.expires_at)

    @delete("/tokens/{id:str}", status_code=204, responses=PROBLEMS)
    async def revoke_token(self, id: FromPath[str], caller: Asker, parts: Registry) -> None:
        """End one of one's tokens."""
        await parts.accounts.revoke(caller, id)


async def _signed_in(parts: Parts, token: str, status: int) -> Response[Session]:
    caller = await parts.accounts.caller(token)
    if caller is None:
        raise NotAllowed("this account was suspended just now")
    session = Session(token=token, account=await _me(parts, caller))
    return Response(session, status_code=status, cookies=[session_cookie(token, secure=_secure(parts))])


async def _me(parts: Parts, caller: Caller) -> Me:
    account = caller.account
    return Me(
        id=account.id,
        name=account.name,
        email=account.email,
        publishers=tuple(await parts.accounts.publishers(account.id)),
        role="admin" if caller.admin else account.role,
        created_at=account.created_at,
    )


def _view(token: Token) -> TokenView:
    return TokenView(
        id=token.id,
        name=token.name,
        scopes=token.scopes,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


def _secure(parts: Parts) -> bool:
    return parts.url.startswith("https://")
