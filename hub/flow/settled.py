"""What was decided of late about what waited: by whom and when, from what's kept of each and from the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from hub.flow.awaiting import Reach
from hub.ports import Store
from hub.records import Deed, HandoverId, PairingId, Pause, PauseState, PersonId, Task, TenantId, Transition

Kind = Literal["leave", "answer", "task", "pairing", "package", "desk"]
"""answer: a tool asked something. task: a task's question, budget or checks. desk: a draft, or a chat taken over."""
DECIDED: tuple[PauseState, ...] = ("approved", "denied", "answered", "expired", "done")
TASKS, CHANGES, MANY = 20, 3, 20
BY_WHY = {
    "granted as much again": "granted",
    "taken up again": "resumed",
    "its person spoke about it": "spoken",
    "given up": "canceled",
    "called complete": "completed",
    "checks agreed on": "agreed",
    "checks not wanted": "unwanted",
}
"""What became of what a task asked, by why its state changed then."""
_BY_DEEDS = {
    "lets_in": ("pairing.approved", "pairing.denied"),
    "operator": ("handover.sent", "handover.discarded", "handover.taken"),
    "runs": ("package.enabled",),
}


class Settled(Struct, frozen=True, kw_only=True):
    """Something that waited, and what became of it."""

    kind: Kind
    what: str
    """The tool, the package; of others, nothing or who asked."""
    outcome: str
    """In a word, or a few, of the hub's own."""
    at: datetime
    by: PersonId | None = None
    """None: nobody did, its time was over."""
    person: PersonId | None = None
    """Whose it was."""
    task: Task | None = None
    reason: str = ""


async def settled(
    store: Store, tenant: TenantId, person: PersonId | None, reach: Reach, *, runs: bool, limit: int
) -> list[Settled]:
    """Return what was decided of late about what waited for somebody, or for anybody in a tenant; the latest first.

    `runs`: who asks runs the hub, and decides about packages.
    """
    if person is None:
        pauses: Sequence[Pause] = await store.decided_pauses(tenant, MANY)
    else:
        pauses = await store.pauses(tenant, person, states=DECIDED, limit=MANY)
    found = [await _of_pause(store, pause) for pause in pauses if pause.decided_at]
    for task in await store.tasks(tenant, person, limit=TASKS, by="updated_at"):
        changes = await store.transitions(task.id, limit=CHANGES)
        found += [_of_change(task, each) for each in changes if _answers(each)]
    allowed = {"lets_in": reach.lets_in, "operator": reach.operator is not None, "runs": runs}
    for right, actions in _BY_DEEDS.items():
        for action in actions if allowed[right] else ():
            deeds = await store.deeds(tenant, limit=MANY, action=action)
            found += [await _of_deed(store, deed) for deed in deeds if deed.who is not None]
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


async def _of_pause(store: Store, pause: Pause) -> Settled:
    return Settled(
        kind="leave" if pause.kind == "leave" else "answer",
        what=pause.tool,
        outcome=(pause.answer or pause.state) if pause.kind == "leave" else pause.state,
        at=pause.decided_at or pause.created_at,
        by=pause.decided_by,
        person=pause.person,
        task=await store.task(pause.task),
        reason=pause.reason,
    )


def _answers(change: Transition) -> bool:
    """Say whether a person answered what a task asked. Leave is told of by the call itself."""
    asked = change.before == "input-required" or (change.before == change.after and change.why.startswith("checks "))
    return asked and change.by == "person" and not change.why.startswith("a call of ")


def _of_change(task: Task, change: Transition) -> Settled:
    return Settled(
        kind="task",
        what="",
        outcome=BY_WHY.get(change.why, change.why),
        at=change.at,
        by=task.person,
        person=task.person,
        task=task,
    )


async def _of_deed(store: Store, deed: Deed) -> Settled:
    thing, _, id = deed.object.partition("/")
    outcome = deed.action.partition(".")[2]
    if thing == "pairing":
        pairing = await store.pairing(deed.tenant, PairingId(id))
        who = (pairing.name or pairing.sender) if pairing else ""
        return Settled(kind="pairing", what=who, outcome=outcome, at=deed.at, by=deed.who)
    if thing == "package":
        return Settled(kind="package", what=id, outcome=outcome, at=deed.at, by=deed.who)
    handover = await store.handover(deed.tenant, HandoverId(id))
    whose = handover.person if handover else None
    return Settled(kind="desk", what="", outcome=outcome, at=deed.at, by=deed.who, person=whose)
