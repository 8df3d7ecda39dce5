"""A record <-> a row: the same fields by the same names, with an Address laid out over three columns."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Row, Table

from hub.records import (
    Address,
    Brand,
    Chain,
    Checkpoint,
    Correction,
    Deed,
    DeskRules,
    Draft,
    Embed,
    Entry,
    Event,
    Follow,
    Handover,
    HostName,
    Inlet,
    Installation,
    Invitation,
    Key,
    Link,
    Login,
    Message,
    Note,
    Package,
    Pairing,
    Passport,
    Pause,
    Person,
    Pin,
    Posting,
    Record,
    Replay,
    Session,
    Step,
    Taint,
    Taken,
    Task,
    Tenant,
    Thread,
    Transition,
    Turn,
    Webhook,
    WebhookCursor,
    WebhookDelivery,
)
from hub.store import (
    brand_tables,
    deed_tables,
    embed_tables,
    handover_tables,
    login_tables,
    package_tables,
    people_tables,
    tables,
    usage_tables,
    webhook_tables,
)

R = TypeVar("R", bound=Record)

TABLES: dict[type, Table] = {
    Tenant: people_tables.tenants,
    Embed: embed_tables.embeds,
    Brand: brand_tables.brands,
    HostName: brand_tables.host_names,
    Person: people_tables.persons,
    Link: people_tables.links,
    Key: people_tables.keys,
    Pairing: people_tables.pairings,
    Login: login_tables.logins,
    Passport: login_tables.passports,
    Invitation: login_tables.invitations,
    Session: login_tables.sessions,
    Package: package_tables.packages,
    Installation: package_tables.installations,
    Pin: package_tables.pins,
    Pause: package_tables.pauses,
    Taint: package_tables.taints,
    Message: tables.messages,
    Posting: tables.postings,
    Correction: tables.corrections,
    Task: tables.tasks,
    Thread: tables.threads,
    Follow: tables.follows,
    Transition: tables.transitions,
    Turn: tables.turns,
    Step: tables.steps,
    Entry: tables.entries,
    Event: tables.events,
    Replay: tables.replays,
    Handover: handover_tables.handovers,
    Draft: handover_tables.drafts,
    Note: handover_tables.notes,
    DeskRules: handover_tables.desk_rules,
    Deed: deed_tables.deeds,
    Chain: deed_tables.chains,
    Checkpoint: deed_tables.checkpoints,
    Taken: usage_tables.taken,
    Webhook: webhook_tables.webhooks,
    WebhookCursor: webhook_tables.cursors,
    WebhookDelivery: webhook_tables.deliveries,
    Inlet: webhook_tables.inlets,
}
EVERY: dict[str, Table] = {table.name: table for table in (*TABLES.values(), tables.counters, tables.documents)}
"""All tables by name, those that keep no records too."""
ADDRESSES: dict[type, str] = {Message: "address", Task: "origin", Handover: "address", Draft: "address"}
"""The field that is laid out over bridge, chat and thread."""


def row_of(record: Record) -> dict[str, Any]:
    """Return a record as the values of its table's columns."""
    kind = type(record)
    row = {name: getattr(record, name) for name in kind.__struct_fields__}
    if kind in ADDRESSES:
        address: Address = row.pop(ADDRESSES[kind])
        row |= {"bridge": address.bridge, "chat": address.chat, "thread": address.thread}
    return row


def record_of(kind: type[R], row: Row[Any]) -> R:
    """Return the record that a row was made of."""
    values = dict(row._mapping)
    if kind in ADDRESSES:
        chat = {name: values.pop(name) for name in ("bridge", "chat", "thread")}
        values[ADDRESSES[kind]] = Address(**chat)
    return kind(**values)


def columns_of(kind: type[Record]) -> Sequence[Any]:
    """Return the columns that make up a record, in the table's order."""
    table = TABLES[kind]
    return [column for column in table.columns if table is not tables.entries or column.name != "person"]
