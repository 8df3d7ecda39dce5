"""What's counted of what's done: the changes that go into the very commit that keeps a message or the end of a turn.

So a crash loses none of it and doubles none: what isn't kept isn't counted, and what's kept twice over is refused as a
whole. Numbers are added by the store, in one statement for all that's committed at a moment, and never read before:
neither does a long history cost anything, nor can two hubs get into each other's way. (Rows for each event that a sweep
adds up would do the same, but write a row more for each event, need somebody to sweep, and make each look at a quota a
sum over what wasn't swept yet.)
"""

from datetime import datetime

from hub.ports import Change, Count
from hub.records import MICRO, File, Key, KeyId, Message, Step, Taken, Task, TenantId, Turn
from hub.records.usage import KEPT, total


def day_of(at: datetime) -> str:
    """Return the day that a time counts for."""
    return at.date().isoformat()


def said(message: Message) -> tuple[Change, ...]:
    """Count a message that a person said."""
    return _counted(
        Taken(
            tenant=message.tenant,
            day=day_of(message.created_at),
            person=message.person,
            key=message.key or "",
            messages=1,
        )
    ) + brought(message)


def brought(message: Message) -> tuple[Change, ...]:
    """Count the files of a message, whoever said it; nothing where there are none."""
    size = size_of(message)
    if not size:
        return ()
    day, key = day_of(message.created_at), message.key or ""
    sent = Taken(tenant=message.tenant, day=day, person=message.person, key=key, bytes=size)
    return (*_counted(sent), _keeps(message.tenant, size))


def forgotten(message: Message) -> tuple[Change, ...]:
    """Count that the files of a message aren't kept for it any more."""
    size = size_of(message)
    return (_keeps(message.tenant, -size),) if size else ()


def taken(task: Task, turn: Turn, money: float, key: KeyId | None) -> Taken:
    """Return what a turn that has ended took; `money` in the unit of the prices."""
    return Taken(
        tenant=task.tenant,
        day=day_of(turn.ended_at or turn.started_at),
        person=task.person,
        key=key or "",
        agent=task.agent,
        turns=1,
        tokens_in=turn.tokens_in,
        tokens_out=turn.tokens_out,
        money=round(money * MICRO),
    )


def worked(took: Taken) -> tuple[Change, ...]:
    """Count what a turn took."""
    return _counted(took)


def size_of(message: Message) -> int:
    """Return the bytes of a message's files."""
    return sum(part.size for part in message.parts if isinstance(part, File))


def tokens_of(steps: tuple[Step, ...]) -> tuple[int, int]:
    """Return what models read and wrote for some steps."""
    return sum(step.tokens_in for step in steps), sum(step.tokens_out for step in steps)


def seen(key: Key, at: datetime) -> Change:
    """Take note that a key was used on a day."""
    return Count(Taken(tenant=key.tenant, day=day_of(at), person=key.person, key=key.id))


def _counted(one: Taken) -> tuple[Change, ...]:
    return Count(one), Count(total(one))


def _keeps(tenant: TenantId, size: int) -> Count:
    return Count(Taken(tenant=tenant, day=KEPT, bytes=size))
