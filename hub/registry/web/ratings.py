"""/registry/v1/packages/.../rating and /ratings: what people think of what they installed."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.registry.rating import TEXT, Asked, Opinion, Shown
from hub.registry.web.auth import Asker, Registry, Visitor
from hub.registry.web.packages import Cursor, Limit
from hub.registry.web.refusals import refusals
from hub.statements import Envelope

PACKAGE = "/packages/{publisher:str}/{name:str}"


class NewRating(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody thinks of a version, and the proof that they have it."""

    stars: Annotated[int, Meta(ge=1, le=5)]
    text: Annotated[str, Meta(max_length=TEXT)] = ""
    version: Annotated[str, Meta(max_length=100)]
    hub: Annotated[str, Meta(max_length=100)]
    """The public key of the hub that has it, in base64."""
    receipt: Envelope
    """What that hub states about the installation, for this account."""


class RatingView(Struct, frozen=True, kw_only=True):
    """A rating."""

    account: str
    stars: int
    text: str
    """Of anybody: it's no Markdown, and no HTML."""
    version: str
    updated_at: datetime


class OwnRating(RatingView, frozen=True, kw_only=True):
    """A rating of one's own."""

    counted: bool
    """False: it came in a burst, and waits for a moderator."""


class HeldRating(RatingView, frozen=True, kw_only=True):
    """A rating that waits for a moderator."""

    publisher: str
    name: str
    hub: str
    """The id of the hub's key."""


class RatingList(Struct, frozen=True, kw_only=True):
    """A piece of a listing; `next` goes back as ?cursor= for the piece after it."""

    items: list[RatingView]
    next: str | None = None


class HeldList(Struct, frozen=True, kw_only=True):
    """A piece of a listing; `next` goes back as ?cursor= for the piece after it."""

    items: list[HeldRating]
    next: str | None = None


class Ruling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a moderator decides of a rating."""

    counted: bool


class RatingsController(Controller):
    """Ratings."""

    tags = ("ratings",)

    @put(f"{PACKAGE}/rating", responses=refusals(404, 409, 413))
    async def rate(
        self, data: JSONBody[NewRating], publisher: FromPath[str], name: FromPath[str], caller: Asker, parts: Registry
    ) -> OwnRating:
        """Rate a package that one's hub has had for a while; again: in place of what one thought before."""
        opinion = Opinion(
            stars=data.stars,
            text=data.text,
            version=data.version,
            hub=data.hub,
            receipt=msgspec.json.encode(data.receipt),
        )
        kept = await parts.ratings.rate(caller, publisher, name, opinion)
        return OwnRating(
            account=caller.account.name,
            stars=kept.stars,
            text=kept.text,
            version=kept.version,
            updated_at=kept.updated_at,
            counted=kept.counted,
        )

    @delete(f"{PACKAGE}/rating", status_code=204, responses=refusals(404))
    async def withdraw(self, publisher: FromPath[str], name: FromPath[str], caller: Asker, parts: Registry) -> None:
        """Take one's rating back."""
        await parts.ratings.withdraw(caller, publisher, name)

    @get(f"{PACKAGE}/ratings", responses=refusals(404))
    async def ratings(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        visitor: Visitor,
        parts: Registry,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> RatingList:
        """List a package's ratings, the latest first."""
        await parts.reading.versions(publisher, name, visitor, after=None, limit=1)
        asked = Asked(publisher=publisher, name=name, counted=True, after=cursor, limit=limit + 1)
        found = await parts.ratings.listed(asked)
        items = [
            RatingView(
                account=each.account,
                stars=each.rating.stars,
                text=each.rating.text,
                version=each.rating.version,
                updated_at=each.rating.updated_at,
            )
            for each in found[:limit]
        ]
        return RatingList(items=items, next=found[limit - 1].place if len(found) > limit else None)

    @get("/ratings/held", responses=refusals())
    async def held(self, caller: Asker, parts: Registry, cursor: Cursor = None, limit: Limit = 50) -> HeldList:
        """List the ratings that wait for a moderator."""
        caller.check_moderates()
        found = await parts.ratings.listed(Asked(counted=False, after=cursor, limit=limit + 1))
        following = found[limit - 1].place if len(found) > limit else None
        return HeldList(items=[_held(each) for each in found[:limit]], next=following)

    @post("/ratings/{publisher:str}/{name:str}/{account:str}", status_code=204, responses=refusals(404, 409, 413))
    async def rule(
        self,
        data: JSONBody[Ruling],
        publisher: FromPath[str],
        name: FromPath[str],
        account: FromPath[str],
        caller: Asker,
        parts: Registry,
    ) -> None:
        """Let a rating count, or hold it back."""
        await parts.ratings.count(caller, publisher, name, account, counted=data.counted)


def _held(shown: Shown) -> HeldRating:
    rating = shown.rating
    return HeldRating(
        publisher=rating.publisher,
        name=rating.name,
        account=shown.account,
        stars=rating.stars,
        text=rating.text,
        version=rating.version,
        hub=rating.hub,
        updated_at=rating.updated_at,
    )
