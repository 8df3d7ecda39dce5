"""What makes a record that record: its identity, and the natural key that must not come twice."""

from typing import assert_never

from hub.records import Correction, Entry, Event, Key, Link, Message, Person, Record, Replay, Step, Task, Turn

Identity = tuple[str | int, ...]


def identity(record: Record) -> Identity:
    """Return what Save and Remove find a record by."""
    match record:
        case Person():
            return (record.tenant, record.id)
        case Link():
            return (record.tenant, record.bridge, record.sender)
        case Step():
            return (record.turn, record.number)
        case Event():
            return (record.seq,)
        case Replay():
            return (record.key, record.name)
        case Key() | Message() | Correction() | Task() | Turn() | Entry():
            return (record.id,)
        case _:
            assert_never(record)


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
        case _:
            return None


def named(record: Record) -> str:
    """Return how errors and logs call a record: its kind and identity, never its content."""
    return f"{type(record).__name__.lower()} {'/'.join(str(part) for part in identity(record))}"
