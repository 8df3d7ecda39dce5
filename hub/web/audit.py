"""/v1/audit: what was done, by whom, when and how; read, proved and taken along."""

import csv
import io
import re
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream
from msgspec import Struct

from hub.errors import BadRequest
from hub.flow.auditing import Proof
from hub.records import Deed, KeyId, PersonId, TenantId
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import Cursor, Limit
from hub.web.problems import PROBLEMS, shown
from hub.web.resources import Page
from hub.web.services import Services

LINES = "application/x-ndjson"
TABLE = "text/csv"
ROWS = 200
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Word = Annotated[str | None, QueryParameter(max_length=300)]
Form = Annotated[Literal["jsonl", "csv"], QueryParameter(description="JSON lines, or CSV.")]
Since = Annotated[datetime | None, QueryParameter(description="From this time on.")]


class DeedView(Struct, frozen=True, kw_only=True):
    """Something that was done."""

    tenant: TenantId
    seq: int
    """Counts your tenant's deeds, from 1, without a gap."""
    at: datetime
    who: PersonId | None
    """Null: the hub by itself."""
    way: str
    """key, session, chat, agent (a turn of a task of theirs) or hub."""
    key: KeyId | None
    action: str
    object: str
    """What it was done to, as kind/id."""
    detail: str
    digest: str
    """SHA-256 of all that's to be known of it; empty: there's no more."""
    previous: str
    """The hash of the deed before."""
    hash: str
    """SHA-256 of [tenant, seq, at, who, way, key, action, object, detail, digest, previous] as JSON."""


class ProofView(Struct, frozen=True, kw_only=True):
    """Whether your audit log is as it was written."""

    whole: bool
    first: int
    """The first deed that's kept; those before were pruned."""
    last: int
    hash: str
    """The last deed's: write it down elsewhere, and ask again with it later."""
    fault: str
    """What's wrong first, and at which deed; empty: nothing."""


class AuditController(Controller):
    """What was done."""

    path = "/v1/audit"
    tags = ("audit",)

    @get(opt={"scope": "audit:read"}, responses=PROBLEMS, summary="Read the audit log")
    async def listed(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        caller: Asker,
        who: Word = None,
        action: Word = None,
        object: Word = None,
        since: Since = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[DeedView]:
        """Return what was done in your tenant, newest first; `who`, `action` and `object` must be equal where given."""
        _check_written(request)
        after = await _before(services, caller, since)
        found = await services.store.deeds(
            caller.tenant,
            limit=limit + 1,
            before=_seq(cursor) if cursor else None,
            who=PersonId(who) if who is not None else None,
            action=action,
            object=object,
        )
        more, page = len(found) > limit, [each for each in found[:limit] if each.seq > after]
        more = more and len(page) == limit
        return Page(items=[_view(each) for each in page], next=str(page[-1].seq) if more else None)

    @get("/verify", opt={"scope": "audit:read"}, responses=PROBLEMS, summary="Prove the audit log")
    async def verify(
        self,
        services: Hub,
        caller: Asker,
        seq: Annotated[int | None, QueryParameter(ge=0, le=2**53, description="A deed that was noted.")] = None,
        hash: Annotated[str | None, QueryParameter(pattern=r"^[0-9a-f]{64}$", description="Its hash.")] = None,
    ) -> ProofView:
        """Say whether no deed of your tenant was altered, left out or added since; if not so, which one."""
        if (seq is None) != (hash is None):
            raise BadRequest("seq", "goes with hash: give both, as you noted them, or neither")
        noted = (seq, hash) if seq is not None and hash is not None else None
        return _proof(await services.audit.verify(caller.tenant, noted))

    @get(
        "/export",
        opt={"scope": "audit:read"},
        responses={
            **PROBLEMS,
            200: ResponseSpec(str, description="A line for each deed.", media_type=LINES, generate_examples=False),
        },
        summary="Take the audit log along",
    )
    async def export(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        caller: Asker,
        format: Form = "jsonl",
        since: Since = None,
    ) -> Stream:
        """Return everything that was done in your tenant, oldest first, as JSON lines or as CSV."""
        _check_written(request)
        _check_zone(since)
        await services.audit.note(caller.tenant, "audit.exported", f"tenant/{caller.tenant}", format)
        lines = _lines if format == "jsonl" else _rows
        headers = {"Content-Disposition": f'attachment; filename="audit.{format}"'}
        return Stream(lines(services, caller, since), media_type=LINES if format == "jsonl" else TABLE, headers=headers)


def _check_written(request: Request[Any, Any, Any]) -> None:
    """Raise BadRequest for a number: it would be taken for seconds since 1970, which the document doesn't have."""
    if not re.match(r"\d{4}-|$", since := request.query_params.get("since", "")):
        raise BadRequest("since", f"{shown(since)} is no time; write it as 2026-11-30T12:00:00Z")


async def _lines(services: Services, caller: Caller, since: datetime | None) -> AsyncGenerator[bytes, None]:
    gathered = bytearray()
    async for each in services.audit.all(caller.tenant, since):
        gathered += msgspec.json.encode(_view(each)) + b"\n"
        if len(gathered) > ROWS * 400:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


async def _rows(services: Services, caller: Caller, since: datetime | None) -> AsyncGenerator[bytes, None]:
    gathered = io.StringIO()
    table = csv.writer(gathered)
    table.writerow(DeedView.__struct_fields__)
    async for each in services.audit.all(caller.tenant, since):
        view = msgspec.to_builtins(_view(each))
        table.writerow([_plain(view[name]) for name in DeedView.__struct_fields__])
        if gathered.tell() > ROWS * 400:
            yield gathered.getvalue().encode()
            gathered.seek(0)
            gathered.truncate()
    yield gathered.getvalue().encode()


def _plain(value: object) -> object:
    """Keep a spreadsheet from taking a word for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


async def _before(services: Services, caller: Caller, since: datetime | None) -> int:
    """Return the last deed before a time."""
    _check_zone(since)
    return await services.store.last_deed(caller.tenant, since) if since is not None else 0


def _check_zone(since: datetime | None) -> None:
    if since is not None and since.tzinfo is None:
        raise BadRequest("since", "has no time zone; write it as 2026-11-30T12:00:00Z")


def _seq(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 15:
        raise BadRequest("cursor", f"must be what `next` said; it is {shown(cursor)}")
    return int(cursor)


def _view(each: Deed) -> DeedView:
    return DeedView(
        tenant=each.tenant,
        seq=each.seq,
        at=each.at,
        who=each.who,
        way=each.way,
        key=each.key,
        action=each.action,
        object=each.object,
        detail=each.detail,
        digest=each.digest,
        previous=each.previous,
        hash=each.hash,
    )


def _proof(found: Proof) -> ProofView:
    return ProofView(whole=found.whole, first=found.first, last=found.last, hash=found.hash, fault=found.fault)
