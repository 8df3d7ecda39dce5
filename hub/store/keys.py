"""What makes a record that record: its identity, and the natural key that must not come twice."""

from operator import attrgetter

from hub.records import (
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

Identity = tuple[str | int, ...]
REVISED = (Task, Entry, Pause, Installation, Login, Invitation, Handover, Draft, Webhook)
"""Kinds that are saved over a revision, and get the next one."""


_IDENTITIES: dict[type, tuple[str, ...]] = {
    Tenant: ("id",),
    Embed: ("id",),
    Brand: ("tenant",),
    HostName: ("name",),
    Person: ("tenant", "id"),
    Link: ("tenant", "bridge", "sender"),
    Posting: ("tenant", "bridge", "chat", "external_id"),
    Thread: ("tenant", "bridge", "chat", "thread"),
    Follow: ("task", "bridge", "chat"),
    Step: ("turn", "number"),
    Event: ("seq",),
    Replay: ("key", "name"),
    Key: ("id",),
    Pairing: ("id",),
    Login: ("tenant", "person"),
    Passport: ("tenant", "issuer", "subject"),
    Invitation: ("id",),
    Session: ("id",),
    Package: ("tenant", "id"),
    Installation: ("id",),
    Pin: ("task", "package"),
    Pause: ("id",),
    Taint: ("task", "source"),
    Message: ("id",),
    Correction: ("id",),
    Task: ("id",),
    Transition: ("id",),
    Turn: ("id",),
    Entry: ("id",),
    Handover: ("id",),
    Draft: ("id",),
    Note: ("id",),
    DeskRules: ("tenant",),
    Deed: ("tenant", "seq"),
    Chain: ("tenant",),
    Checkpoint: ("tenant",),
    Taken: ("tenant", "day", "person", "key", "agent"),
    Webhook: ("id",),
    WebhookCursor: ("webhook",),
    WebhookDelivery: ("id",),
    Inlet: ("id",),
}

_NATURAL: dict[type, tuple[str, ...]] = {
    Person: ("tenant", "external"),
    Message: ("tenant", "address.bridge", "address.chat", "external_id"),
    Task: ("tenant", "person", "number"),
    Turn: ("task", "number"),
    Key: ("hash",),
    Pairing: ("tenant", "hash"),
    Handover: ("tenant", "holds"),
    Login: ("tenant", "email"),
    Invitation: ("hash",),
    WebhookDelivery: ("webhook", "seq"),
    Inlet: ("hash",),
}


def identity(record: Record) -> Identity:
    """Return what Save and Remove find a record by."""
    return tuple([getattr(record, name) for name in _IDENTITIES[type(record)]])


def identity_of(kind: type) -> tuple[str, ...]:
    """Return the names of the fields that are a kind's identity."""
    return _IDENTITIES[kind]


def natural_key(record: Record) -> Identity | None:
    """Return the key that only one record may have, beside its identity; None where it has none."""
    found = tuple([attrgetter(name)(record) for name in _NATURAL.get(type(record), ())])
    return found if found and None not in found else None


def named(record: Record) -> str:
    """Return how errors and logs call a record: its kind and identity, never its content."""
    return f"{type(record).__name__.lower()} {'/'.join(str(part) for part in identity(record))}"
