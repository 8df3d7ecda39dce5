"""/v1/people/me/preferences: when to leave somebody alone, when to tell them how things are, and in which language."""

from typing import Annotated

from litestar import Controller, get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from bridges.http import convert
from hub.errors import BadRequest
from hub.flow.hours import clock_time, hours
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import MAIN
from hub.web.languages import languages
from hub.web.problems import PROBLEMS
from hub.web.services import Services

Words = Annotated[str, Meta(max_length=100)]


class PreferencesView(Struct, frozen=True, kw_only=True):
    """What somebody prefers; empty is: none."""

    quiet: str
    """Hours like 22:00-07:00."""
    zone: str
    """Whose clocks count for them."""
    digest: str
    """The time of day of the daily digest, like 08:00."""
    language: str
    """The code of the language that the web site is shown in, like de."""


class NewPreferences(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What's to be changed; what's left out stays as it is, and an empty text ends it."""

    quiet: Words | None = None
    """Hours like 22:00-07:00, perhaps with a zone: 22:00-07:00 Europe/Berlin."""
    digest: Words | None = None
    """A time of day like 08:00. The digest comes into the chat where one was wished for last, else the main chat."""
    language: Words | None = None
    """The code of a language that the web site has, like de: it's shown in that wherever this person signs in."""


class PreferencesController(Controller):
    """When to leave somebody alone, and when to tell them how things are."""

    path = "/v1/people/me/preferences"
    tags = ("people",)

    @get(opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="Read your preferences")
    async def preferences(self, services: Hub, caller: Asker) -> PreferencesView:
        """Return this person's quiet hours, the time of their digest, and their language."""
        return await _view(services, caller)

    @put(opt={"scope": "tasks:write"}, responses=PROBLEMS, summary="Change your preferences")
    async def prefer(self, services: Hub, caller: Asker, data: JSONBody[NewPreferences]) -> PreferencesView:
        """Have this person left alone, or told, at other times."""
        who, habits = (caller.tenant, caller.person), services.habits
        wished = hours(data.quiet) if data.quiet else None
        if data.language and data.language not in languages():
            raise BadRequest("language", f"must be one of {', '.join(languages())}")
        if data.digest:
            clock_time(data.digest, "digest")  # all of it is right, or none is kept
        if data.quiet is not None:
            await habits.keep_quiet(*who, wished)
        if data.digest is not None:
            before = await habits.preferences.wish(*who)
            to = before.address if before else convert.address(caller.person, MAIN)
            await habits.keep_digest(*who, data.digest, to)
        if data.language is not None:
            await habits.preferences.keep_language(*who, data.language)
        return await _view(services, caller)


async def _view(services: Services, caller: Caller) -> PreferencesView:
    preferences = services.habits.preferences
    quiet = await preferences.quiet(caller.tenant, caller.person)
    wish = await preferences.wish(caller.tenant, caller.person)
    zone = (await preferences.zone(caller.tenant, caller.person)).key
    return PreferencesView(
        quiet=quiet.words if quiet else "",
        zone=(quiet.zone if quiet else "") or zone,
        digest=f"{wish.at:%H:%M}" if wish else "",
        language=await preferences.language(caller.tenant, caller.person),
    )
