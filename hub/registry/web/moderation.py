"""Reports, what moderators decide about packages and accounts, and what was done in the registry."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import Controller, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from hub.errors import BadRequest, NotAllowed
from hub.registry.accounts import Caller
from hub.registry.auditing import fault, length, noted
from hub.registry.moderating import PAGE as CASES
from hub.registry.moderating import Case
from hub.registry.records import Account, AuditRow, Report, Role
from hub.registry.reporting import PAGE as REPORTS
from hub.registry.reporting import Decision
from hub.registry.reporting import Reason as ReportReason
from hub.registry.web.auth import Asker, Registry
from hub.registry.web.publishing import Reason
from hub.registry.web.views import VersionView, told, version_view
from hub.web.problems import PROBLEMS

ROWS = 100
"""Of the audit log in one answer."""
Cursor = Annotated[str | None, QueryParameter(max_length=200, description="`next` of the piece before.")]


class NewReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody finds wrong with a package."""

    reason: ReportReason
    text: Annotated[str, Meta(max_length=2_000)] = ""
    version: Annotated[str, Meta(max_length=100)] = ""
    """Empty: all of them."""


class ReportView(Struct, frozen=True, kw_only=True):
    """A report."""

    id: str
    publisher: str
    name: str
    version: str
    account: str
    """The id of who reported it."""
    reason: ReportReason
    text: str
    state: Literal["open", "upheld", "dismissed"]
    created_at: datetime


class ReportList(Struct, frozen=True, kw_only=True):
    """A piece of a listing; `next` goes back as ?cursor= for the piece after it."""

    items: list[ReportView]
    next: str | None = None


class Decided(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a report."""

    state: Decision


class CaseView(VersionView, frozen=True, kw_only=True):
    """A version that a moderator should look at."""

    publisher: str
    name: str
    account: str
    """The name of who uploaded it."""
    reports: int
    """How many are open about it."""


class CaseList(Struct, frozen=True, kw_only=True):
    """A piece of a listing; `next` goes back as ?cursor= for the piece after it."""

    items: list[CaseView]
    next: str | None = None


class AccountView(Struct, frozen=True, kw_only=True):
    """An account, as moderators see it."""

    name: str
    role: Role
    suspended: bool
    created_at: datetime


class NewRole(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an account may."""

    role: Role


class AuditList(Struct, frozen=True, kw_only=True):
    """A piece of the audit log, the newest row first; `next` goes back as ?cursor= for the piece after it."""

    items: list[AuditRow]
    next: str | None = None


class AuditCheck(Struct, frozen=True, kw_only=True):
    """Whether the audit log is whole."""

    rows: int
    fault: str
    """Where it was changed, in words; empty: nowhere."""


class ModerationController(Controller):
    """Reports, and what moderators decide."""

    tags = ("moderation",)

    @post("/packages/{publisher:str}/{name:str}/reports", responses=PROBLEMS)
    async def report(
        self, publisher: FromPath[str], name: FromPath[str], data: JSONBody[NewReport], caller: Asker, parts: Registry
    ) -> ReportView:
        """Tell moderators what's wrong with a package. How many do so hides nothing."""
        return _report(
            await parts.reports.report(
                caller, publisher, name, version=data.version, reason=data.reason, text=data.text
            )
        )

    @get("/reports", responses=PROBLEMS)
    async def reports(
        self,
        caller: Asker,
        parts: Registry,
        states: Annotated[Literal["open", "upheld", "dismissed"], QueryParameter(name="state")] = "open",
        cursor: Cursor = None,
    ) -> ReportList:
        """List reports, the oldest first."""
        found = await parts.reports.found(caller, states, cursor)
        return ReportList(items=[_report(one) for one in found], next=found[-1].id if len(found) == REPORTS else None)

    @post("/reports/{id:str}", status_code=200, responses=PROBLEMS)
    async def decide(self, id: FromPath[str], data: JSONBody[Decided], caller: Asker, parts: Registry) -> ReportView:
        """Uphold or dismiss a report; what's done about the package is another thing."""
        return _report(await parts.reports.decide(caller, id, data.state))

    @get("/moderation", responses=PROBLEMS)
    async def cases(self, caller: Asker, parts: Registry, cursor: Cursor = None) -> CaseList:
        """List what's pending, held or quarantined, and what's listed and reported, the oldest first."""
        found = await parts.moderating.cases(caller, cursor)
        last = f"{found[-1].version.publisher}/{found[-1].version.name}@{found[-1].version.version}" if found else None
        return CaseList(items=[_case(one) for one in found], next=last if len(found) == CASES else None)

    @post("/packages/{publisher:str}/{name:str}/versions/{version:str}/quarantine", status_code=200, responses=PROBLEMS)
    async def quarantine(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        data: JSONBody[Reason],
        caller: Asker,
        parts: Registry,
    ) -> VersionView:
        """Take a version away until it's released or revoked."""
        return version_view(await parts.moderating.quarantine(caller, publisher, name, version, data.reason))

    @post("/packages/{publisher:str}/{name:str}/versions/{version:str}/release", status_code=200, responses=PROBLEMS)
    async def release(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        data: JSONBody[Reason],
        caller: Asker,
        parts: Registry,
    ) -> VersionView:
        """List a version that was held or quarantined."""
        return version_view(await parts.moderating.release(caller, publisher, name, version, data.reason))

    @post("/packages/{publisher:str}/{name:str}/versions/{version:str}/revoke", status_code=200, responses=PROBLEMS)
    async def revoke(
        self,
        publisher: FromPath[str],
        name: FromPath[str],
        version: FromPath[str],
        data: JSONBody[Reason],
        caller: Asker,
        parts: Registry,
    ) -> VersionView:
        """Take a version away for good: hubs that have it stop using it."""
        return version_view(await parts.moderating.revoke(caller, publisher, name, version, data.reason))

    @post("/accounts/{name:str}/suspend", status_code=200, responses=PROBLEMS)
    async def suspend(self, name: FromPath[str], data: JSONBody[Reason], caller: Asker, parts: Registry) -> AccountView:
        """End an account's tokens and hold what it published."""
        return _account(await parts.standing.suspend(caller, name, data.reason))

    @post("/accounts/{name:str}/restore", status_code=200, responses=PROBLEMS)
    async def restore(self, name: FromPath[str], data: JSONBody[Reason], caller: Asker, parts: Registry) -> AccountView:
        """Let an account in again, and list what was held for its suspension."""
        return _account(await parts.standing.restore(caller, name, data.reason))

    @put("/accounts/{name:str}/role", responses=PROBLEMS)
    async def set_role(
        self, name: FromPath[str], data: JSONBody[NewRole], caller: Asker, parts: Registry
    ) -> AccountView:
        """Make an account a member, a moderator or an admin."""
        return _account(await parts.standing.set_role(caller, name, data.role))

    @get("/audit", responses=PROBLEMS)
    async def audit(
        self,
        caller: Asker,
        parts: Registry,
        subject: Annotated[str, QueryParameter(max_length=300, description="As PUBLISHER/NAME@1.0.0.")] = "",
        cursor: Cursor = None,
    ) -> AuditList:
        """List what was done, the newest first."""
        _check_admin(caller)
        if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
            raise BadRequest("cursor", f"{cursor[:60]!r} isn't one; take what `next` said")
        before = int(cursor) if cursor else None
        rows = await parts.shelf.read(lambda connection: noted(connection, subject, before, ROWS))
        return AuditList(items=rows, next=str(rows[-1].seq) if len(rows) == ROWS else None)

    @get("/audit/check", responses=PROBLEMS)
    async def check_audit(self, caller: Asker, parts: Registry) -> AuditCheck:
        """Say whether the audit log is as it was written: no row changed, and none left out."""
        _check_admin(caller)
        rows, told = await parts.shelf.read(lambda connection: (length(connection), fault(connection)))
        return AuditCheck(rows=rows, fault=told)


def _check_admin(caller: Caller) -> None:
    if not caller.admin or not caller.may("moderate"):
        raise NotAllowed("only admins may read the audit log")


def _report(report: Report) -> ReportView:
    return ReportView(
        id=report.id,
        publisher=report.publisher,
        name=report.name,
        version=report.version,
        account=report.account,
        reason=report.reason,
        text=report.text,
        state=report.state,
        created_at=report.created_at,
    )


def _case(case: Case) -> CaseView:
    version = case.version
    return CaseView(
        **told(version),
        publisher=version.publisher,
        name=version.name,
        account=case.account,
        reports=case.reports,
    )


def _account(account: Account) -> AccountView:
    return AccountView(name=account.name, role=account.role, suspended=account.suspended, created_at=account.created_at)
