"""What was done in a registry, row by row: each holds the hash of the one before, so that none is changed unnoticed."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from hub.chains import FIRST, linked
from hub.registry.records import AuditRow
from hub.registry.shelf import hold, record, values
from hub.registry.tables import audit


def note(connection: Connection, at: datetime, actor: str, action: str, subject: str, detail: str) -> None:
    """Write a row behind the last one, in the transaction that does what it tells of."""
    hold(connection, "audit")
    newest = select(audit.c.seq, audit.c.hash).where(audit.c.seq == select(func.max(audit.c.seq)).scalar_subquery())
    last = connection.execute(newest).first()
    seq, before = (last.seq + 1, last.hash) if last else (1, FIRST)
    told = (seq, at, actor, action, subject, detail[:2_000], before)
    row = AuditRow(
        seq=seq,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=told[5],
        before=before,
        hash=linked(told),
    )
    connection.execute(insert(audit).values(values(row)))


def fault(connection: Connection) -> str:
    """Return where the chain is broken, in words; empty if it's whole."""
    before = FIRST
    for seq, row in enumerate(connection.execute(select(audit).order_by(audit.c.seq)).yield_per(1_000), start=1):
        told = (row.seq, row.at, row.actor, row.action, row.subject, row.detail, row.before)
        if row.seq != seq or row.before != before or row.hash != linked(told):
            return f"the audit log was changed at row {seq}"
        before = row.hash
    return ""


def noted(connection: Connection, subject: str, before: int | None, limit: int) -> list[AuditRow]:
    """Return rows, the newest first: those about one thing, if `subject` isn't empty; those before a row's number."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if subject:
        query = query.where(audit.c.subject == subject)
    if before is not None:
        query = query.where(audit.c.seq < before)
    return [record(AuditRow, row) for row in connection.execute(query)]


def length(connection: Connection) -> int:
    """Return how many rows there are."""
    return connection.execute(select(func.count()).select_from(audit)).scalar_one()
