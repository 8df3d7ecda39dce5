"""The registry's pages for who signs in: the way in, one's account, publishing, moderation, the audit log."""

from typing import Annotated

from litestar import Controller, MediaType, get
from litestar.di import Provide
from litestar.params import QueryParameter
from litestar.response import Redirect, Template

from hub.errors import NotAllowed, NotFound
from hub.registry.accounts import Caller
from hub.registry.auditing import fault, length, noted
from hub.registry.moderating import PAGE as CASES
from hub.registry.parts import Parts
from hub.registry.rating import Asked
from hub.registry.web.auth import PATH, Registry, Visitor
from hub.registry.web.pages import page, provide_onlooker, to_sign_in
from hub.registry.web.views import version_view

ROWS = 100
"""Of the audit log on a page."""
Word = Annotated[str, QueryParameter(max_length=300)]


class Desk(Controller):
    """Pages of one's own; the browser's session says whose."""

    path = PATH
    include_in_schema = False
    dependencies = {"visitor": Provide(provide_onlooker)}  # noqa: RUF012 - Litestar reads it from the class

    @get("/sign-in", media_type=MediaType.HTML)
    async def sign_in(self, parts: Registry, visitor: Visitor) -> Template | Redirect:
        """Show the way in."""
        return _door(parts, visitor, "sign-in")

    @get("/sign-up", media_type=MediaType.HTML)
    async def sign_up(self, parts: Registry, visitor: Visitor) -> Template | Redirect:
        """Open an account."""
        return _door(parts, visitor, "sign-up")

    @get("/account", media_type=MediaType.HTML)
    async def account(self, parts: Registry, visitor: Visitor) -> Template | Redirect:
        """Show one's packages, tokens and keys."""
        if visitor is None:
            return to_sign_in("/account")
        context = {
            "page": "account",
            "private": True,
            "role": "admin" if visitor.admin else visitor.account.role,
            "own": [(each, version_view(each)) for each in await parts.browsing.own(visitor)],
            "tokens": await parts.accounts.tokens(visitor),
            "publishers": await parts.browsing.publishers(visitor),
        }
        return page("account.html", parts, visitor, "/account", context)

    @get("/publish", media_type=MediaType.HTML)
    async def publish(self, parts: Registry, visitor: Visitor) -> Template:
        """Show how to publish, and publish by drag and drop."""
        context = {
            "page": "publish",
            "open": parts.config.sign_up,
            "days": f"{parts.config.listed_after_days:g}" if parts.config.listed_after_days else "",
            "publishers": await parts.browsing.publishers(visitor) if visitor else [],
        }
        return page("publish.html", parts, visitor, "/publish", context)

    @get("/moderation", media_type=MediaType.HTML)
    async def moderation(
        self, parts: Registry, visitor: Visitor, cursor: Word = "", account: Word = ""
    ) -> Template | Redirect:
        """Show what waits for a moderator (packages, reports, ratings), and the account that's asked for."""
        if visitor is None:
            return to_sign_in("/moderation")
        visitor.check_moderates()
        context = {"page": "moderation", "private": True, **(await _waiting(parts, visitor, cursor))}
        context |= await _asked_for(parts, visitor, account.strip())
        return page("moderation.html", parts, visitor, "/moderation", context)

    @get("/audit", media_type=MediaType.HTML)
    async def audit(
        self, parts: Registry, visitor: Visitor, subject: Word = "", cursor: Word = "", check: Word = ""
    ) -> Template | Redirect:
        """Show what was done and, if asked, whether all of it is as it was written."""
        if visitor is None:
            return to_sign_in("/audit")
        if not visitor.admin:
            raise NotAllowed("only admins may see the audit log")
        before = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 16 else None
        rows = await parts.shelf.read(lambda connection: noted(connection, subject.strip(), before, ROWS))
        context = {
            "page": "audit",
            "private": True,
            "subject": subject.strip(),
            "items": rows,
            "next": str(rows[-1].seq) if len(rows) == ROWS else None,
            "names": await parts.browsing.names({row.actor for row in rows}),
        }
        if check:
            count, broken = await parts.shelf.read(lambda connection: (length(connection), fault(connection)))
            context |= {"checked": count, "broken": broken}
        return page("audit.html", parts, visitor, "/audit", context)


def _door(parts: Parts, visitor: Caller | None, which: str) -> Template | Redirect:
    if visitor:
        return Redirect(f"{PATH}/account", status_code=303)
    context = {"page": which, "open": parts.config.sign_up, "next": f"{PATH}/", "private": True}
    return page("door.html", parts, visitor, f"/{which}", context)


async def _waiting(parts: Parts, visitor: Caller, cursor: str) -> dict[str, object]:
    cases = await parts.moderating.cases(visitor, cursor or None)
    reports = await parts.reports.found(visitor, "open")
    last = cases[-1].version if len(cases) == CASES else None
    return {
        "queue": [(case, version_view(case.version)) for case in cases],
        "next": f"{last.publisher}/{last.name}@{last.version}" if last else None,
        "reports": reports,
        "names": await parts.browsing.names({report.account for report in reports}),
        "held": await parts.ratings.listed(Asked(counted=False, after=None, limit=CASES)),
    }


async def _asked_for(parts: Parts, visitor: Caller, name: str) -> dict[str, object]:
    if not name:
        return {}
    try:
        return {"asked": name, "account": await parts.standing.account(visitor, name)}
    except NotFound:
        return {"asked": name}
