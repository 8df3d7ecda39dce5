"""/registry/v1/search: packages by their words, without an account."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter
from msgspec import Struct

from hub.records import PackageKind
from hub.registry.searching import MANY, Sort
from hub.registry.summaries import Summary, summary_of
from hub.registry.web.auth import Registry
from hub.registry.web.refusals import refusals

Query = Annotated[
    str, QueryParameter(max_length=400, description="Words; the last may be but begun. Empty: everything.")
]
Kind = Annotated[PackageKind | None, QueryParameter(description="Only packages of this kind.")]
Tag = Annotated[str, QueryParameter(max_length=100, description="Only packages with this tag.")]
Order = Annotated[Sort, QueryParameter(description="What comes first. By relevance and without words: what's newest.")]
Cursor = Annotated[str, QueryParameter(max_length=200, description="What `next` said.")]
Limit = Annotated[int, QueryParameter(ge=1, le=MANY)]


class SummaryList(Struct, frozen=True, kw_only=True):
    """A page of what was found."""

    items: list[Summary]
    next: str | None = None


class SearchController(Controller):
    """Search."""

    tags = ("packages",)

    @get("/search", responses=refusals())
    async def search(
        self,
        parts: Registry,
        q: Query = "",
        kind: Kind = None,
        tag: Tag = "",
        sort: Order = "relevance",
        cursor: Cursor = "",
        limit: Limit = 20,
    ) -> SummaryList:
        """Find packages that have all the words, 1,000 at most; what has them in its name or tags comes first."""
        usual = await parts.usual.mean()
        found = await parts.search.find(q, kind=kind, tag=tag, sort=sort, usual=usual, cursor=cursor, limit=limit)
        return SummaryList(items=[summary_of(item, usual) for item in found.items], next=found.next)
