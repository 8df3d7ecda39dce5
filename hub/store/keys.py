"""What makes a record that record: its identity, and the natural key that must not come twice."""

from hub.records import (
    Correction,
    Entry,
    Event,
    Follow,
    Installation,
    Key,
    Link,
    Message,
    Package,
    Pairing,
    Pause,
    Person,
    Pin,
    Posting,
    Record,
    Replay,
    Step,
    Taint,
    Task,
    Thread,
    Transition,
    Turn,
)

Identity = tuple[str | int, ...]


_IDENTITIES: dict[type, tuple[str, ...]] = {
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
}


def identity(record: Record) -> Identity:
    """Return what Save and Remove find a record by."""
    return tuple([getattr(record, name) for name in _IDENTITIES[type(record)]])


def natural_key(record: Record) -> Identity | None:
    """Return the key that only one record may have, beside its identity."""
    match record:
        case Message():
            return (record.tenant, record.address.bridge, record.address.chat, record.external_id)
        case Task():
            return (record.tenant, record.person, record.number)
        case Turn():
            return (record.task, record.number)
        case Key():
            return (record.hash,)
        case Pairing():
            return (record.tenant, record.hash)
        case _:
            return None


def named(record: Record) -> str:
    """Return how errors and logs call a record: its kind and identity, never its content."""
    return f"{type(record).__name__.lower()} {'/'.join(str(part) for part in identity(record))}"
