"""/v1/account and /v1/sessions: what somebody sees and changes of how they sign in themselves, and where they are."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from hub.errors import NotAllowed
from hub.records import KeyId, Person
from hub.web.auth import ANY, Asker, Caller, Hub
from hub.web.problems import PROBLEMS
from hub.web.replaying import SHOWN_ONCE
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.signing_in import Elsewhere, OneTime, ProviderView, Secret, qr_of, redirect_of, way_cookie

ONCE = {"scope": ANY, SHOWN_ONCE: True}


class NewPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A password to be, and another address if that's to change, too."""

    new: Secret
    old: Annotated[str, Meta(max_length=1024)] = ""
    """Empty: there's none yet."""
    email: Annotated[str, Meta(max_length=320)] = ""
    """Empty: the one there is."""


class OwnPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proves that it's oneself."""

    password: Secret


class AppCode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proves that the app has the secret, and that it's oneself."""

    setting_up: Annotated[str, Meta(min_length=1, max_length=1000)]
    code: OneTime
    password: Secret


class AppToBe(Struct, frozen=True, kw_only=True):
    """What an authenticator app needs; it's shown this once."""

    secret: str
    uri: str
    qr: str
    """The address as a picture to be scanned: an SVG as a data: URL."""
    setting_up: str
    """Goes back with a code of the app, within ten minutes."""


class RecoveryCodes(Struct, frozen=True, kw_only=True):
    """Codes for when the app is lost, each good once; they're shown this once."""

    recovery: list[str]


class LinkedView(Struct, frozen=True, kw_only=True):
    """Who one is to an identity provider."""

    provider: str
    """Its name here; empty if it isn't configured any more."""
    title: str
    issuer: str
    subject: str
    email: str
    created_at: datetime
    used_at: datetime | None


class AccountOfOne(Struct, frozen=True, kw_only=True):
    """How somebody signs in."""

    email: str
    """Empty: not by a password."""
    has_password: bool
    changed_at: datetime | None
    """When the password was set."""
    totp_at: datetime | None
    """Since when an authenticator app's codes are asked for; null: they aren't."""
    totp_needed: bool
    """Whether one's role needs an app."""
    recovery_left: int
    linked: list[LinkedView]
    providers: list[ProviderView]
    """Who else vouches for people of this tenant."""


class SessionView(Struct, frozen=True, kw_only=True):
    """Where one is signed in."""

    id: KeyId
    device: str
    created_at: datetime
    seen_at: datetime
    """When it was used last, some minutes more or less."""
    expires_at: datetime | None
    current: bool
    """Whether it's the one that asks."""


class AccountController(Controller):
    """How one signs in oneself. For a browser's session alone: a key changes nothing about who holds it."""

    path = "/v1"
    tags = ("account",)

    @get("/account", opt={"scope": ANY}, responses=PROBLEMS, summary="How do I sign in?")
    async def read(self, services: Hub, caller: Asker) -> AccountOfOne:
        """Return how one signs in; nothing that proves it."""
        person, entrance = await signed_in(services, caller), services.entrance
        login = await entrance.credentials.of(person)
        known = {each.issuer: each for each in entrance.passports.providers(person.tenant)}
        linked = [
            LinkedView(
                provider=known[each.issuer].name if each.issuer in known else "",
                title=(known[each.issuer].title or known[each.issuer].name) if each.issuer in known else each.issuer,
                issuer=each.issuer,
                subject=each.subject,
                email=each.email,
                created_at=each.created_at,
                used_at=each.used_at,
            )
            for each in await entrance.passports.of(person)
        ]
        return AccountOfOne(
            email=login.email if login else "",
            has_password=bool(login and login.password),
            changed_at=login.changed_at if login and login.password else None,
            totp_at=login.totp_at if login else None,
            totp_needed=entrance.logins.needs_totp(person.role),
            recovery_left=len(login.recovery) if login else 0,
            linked=linked,
            providers=[ProviderView(name=each.name, title=each.title or each.name) for each in known.values()],
        )

    @put("/account/password", status_code=204, opt={"scope": ANY}, responses=PROBLEMS, summary="Set a password")
    async def change_password(self, services: Hub, caller: Asker, data: JSONBody[NewPassword]) -> None:
        """Set a password, the first one or another; one's other sessions end."""
        person = await signed_in(services, caller)
        await services.entrance.credentials.change_password(
            person, caller.key, old=data.old, new=data.new, email=data.email
        )

    @post("/account/totp", status_code=201, opt=ONCE, responses=PROBLEMS, summary="Begin with an authenticator app")
    async def begin_totp(self, services: Hub, caller: Asker) -> AppToBe:
        """Return what an app needs. Its codes aren't asked for before it has shown one."""
        person = await signed_in(services, caller)
        secret, uri, setting_up = await services.entrance.credentials.begin_totp(person)
        return AppToBe(secret=secret, uri=uri, qr=qr_of(uri), setting_up=setting_up)

    @post("/account/totp/confirm", status_code=200, opt=ONCE, responses=PROBLEMS, summary="Confirm an app")
    async def confirm_totp(self, services: Hub, caller: Asker, data: JSONBody[AppCode]) -> RecoveryCodes:
        """Have the app's codes be asked for from now on, in place of an earlier one's."""
        person = await signed_in(services, caller)
        codes = await services.entrance.credentials.confirm_totp(person, data.setting_up, data.code, data.password)
        return RecoveryCodes(recovery=list(codes))

    @post("/account/totp/end", status_code=204, opt={"scope": ANY}, responses=PROBLEMS, summary="Do without an app")
    async def end_totp(self, services: Hub, caller: Asker, data: JSONBody[OwnPassword]) -> None:
        """Have no code be asked for any more; where one's role needs an app, it's refused."""
        await services.entrance.credentials.end_totp(await signed_in(services, caller), data.password)

    @post("/account/recovery", status_code=200, opt=ONCE, responses=PROBLEMS, summary="Renew the recovery codes")
    async def renew_recovery(self, services: Hub, caller: Asker, data: JSONBody[OwnPassword]) -> RecoveryCodes:
        """Return fresh recovery codes; those of before are void."""
        person = await signed_in(services, caller)
        codes = await services.entrance.credentials.renew_recovery(person, data.password)
        return RecoveryCodes(recovery=list(codes))

    @post("/account/oidc/{name:str}", status_code=200, opt=ONCE, responses=PROBLEMS, summary="Link a provider")
    async def link(
        self, request: Request[Any, Any, Any], services: Hub, caller: Asker, name: FromPath[str]
    ) -> Response[Elsewhere]:
        """Return where to send the browser, so that a provider vouches for one from then on."""
        await signed_in(services, caller)
        back = redirect_of(request, services, name)
        url, way = await services.entrance.passports.begin(name, back, session=caller.key)
        return Response(Elsewhere(url=url), cookies=[way_cookie(services, way)])

    @delete("/account/oidc", status_code=204, opt={"scope": ANY}, responses=PROBLEMS, summary="Unlink a provider")
    async def unlink(
        self,
        services: Hub,
        caller: Asker,
        issuer: Annotated[str, QueryParameter(min_length=1, max_length=1000)],
        subject: Annotated[str, QueryParameter(min_length=1, max_length=255)],
    ) -> None:
        """Have a provider not vouch for one any more; one's last way in stays."""
        await services.entrance.passports.unlink(await signed_in(services, caller), issuer, subject)

    @get("/sessions", opt={"scope": ANY}, responses=PROBLEMS, summary="Where am I signed in?")
    async def sessions(self, services: Hub, caller: Asker) -> Page[SessionView]:
        """Return one's sessions, the last used first."""
        await signed_in(services, caller)
        places = await services.entrance.sessions.of(caller.tenant, caller.person)
        return Page(
            items=[
                SessionView(
                    id=place.session.id,
                    device=place.session.device,
                    created_at=place.key.created_at,
                    seen_at=place.session.seen_at,
                    expires_at=place.key.expires_at,
                    current=place.session.id == caller.key.id,
                )
                for place in places
            ]
        )

    @delete("/sessions/{id:str}", status_code=204, opt={"scope": ANY}, responses=PROBLEMS, summary="End a session")
    async def end(self, services: Hub, caller: Asker, id: FromPath[str]) -> None:
        """End one of one's sessions; it's over at once."""
        await signed_in(services, caller)
        await services.entrance.sessions.end(caller.tenant, caller.person, KeyId(id))

    @delete("/sessions", status_code=204, opt={"scope": ANY}, responses=PROBLEMS, summary="End all other sessions")
    async def end_others(self, services: Hub, caller: Asker) -> None:
        """End all of one's sessions but the one that asks."""
        await signed_in(services, caller)
        await services.entrance.sessions.end_others(caller.tenant, caller.person, caller.key.id)


async def signed_in(services: Services, caller: Caller) -> Person:
    """Return who's signed in; raises NotAllowed for a bearer key."""
    person = await services.store.person(caller.tenant, caller.person) if caller.by == "cookie" else None
    if person is None:
        raise NotAllowed("this is for whoever signed in, not for a key; open the page /account in a browser")
    return person
