"""Leave for calls: who may give it, for what, and until when. One decision wins, and it's for that call alone."""

from msgspec.structs import replace

from hub.errors import Conflict, Decided, NotAllowed, NotFound
from hub.failpoints import reach
from hub.flow import lanes
from hub.flow.asking import outcome, pause_of
from hub.flow.journal import Journal
from hub.flow.rights import digest_of
from hub.flow.said import Said, short, tag
from hub.flow.toolbox import Toolbox
from hub.ports import Clock, Save, Store
from hub.records import OPEN, Pause, PauseId, PauseState, PersonId, Task, TenantId

TRIES = 20
SHOWN = 20
MANY = 1_000
DIGITS = 10
REASON = 500
PAST: tuple[PauseState, ...] = ("approved", "denied", "done")


class Leave:
    """Takes decisions about calls that wait."""

    def __init__(self, store: Store, journal: Journal, clock: Clock, toolbox: Toolbox) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._toolbox = toolbox

    async def asked(self, tenant: TenantId, person: PersonId) -> tuple[Pause, ...]:
        """Return the calls for which a person's leave is asked, the newest first."""
        found = await self._store.pauses(tenant, person, states=("asked",), limit=SHOWN)
        return tuple(pause for pause in found if pause.kind == "leave" and pause.expires_at > self._clock.now())

    async def decide(self, tenant: TenantId, id: PauseId, by: PersonId, *, approve: bool, reason: str = "") -> Pause:
        """Give leave for a call, or refuse it, and have its task go on; return the call as it stands.

        Why it's refused is told to the agent.

        Only the task's person may; in a group, only the hub's owner. Raises NotFound, NotAllowed, and Decided, with
        words, where it was decided before, its time is over, or what would be called isn't the same any more.
        """
        for _ in range(TRIES):
            pause = await self._store.pause(id)
            if pause is None or pause.tenant != tenant or pause.kind != "leave":
                raise NotFound("there's no such call that waits for leave")
            await self._check(pause, by)
            if pause.state != "asked":
                raise Decided(_late(pause))
            task = await self._store.task(pause.task)
            if task is None or task.state not in OPEN:
                raise Decided("its task has ended, so nothing is called")
            decided = self._decided(pause, by, approve=approve, reason=reason)
            try:
                await self._commit(decided, task)
            except Conflict:
                continue  # somebody else decided at this very moment, or the task changed: look again
            if decided.state == "expired":
                raise Decided(outcome(decided))
            return replace(decided, revision=decided.revision + 1)
        raise Conflict(f"call {id} can't be decided: its task changes all the time")

    async def chosen(self, tenant: TenantId, id: PauseId, what: str, by: PersonId) -> str:
        """Take a pressed button as a decision, and return what became of it."""
        return outcome(await self.decide(tenant, id, by, approve=what == "approve"))

    async def obey(self, said: Said, *, approve: bool) -> str:
        """Obey /approve and /deny: about the question that's replied to, or the task that's named, or the only one."""
        message = said.message
        by = message.author or message.person
        replied = await self._store.message(message.reply_to) if message.reply_to else None
        if replied is not None and (id := pause_of(replied.choices)):
            return await self.chosen(message.tenant, id, "approve" if approve else "deny", by)
        found = [
            (pause, task)
            for pause in await self.asked(message.tenant, message.person)
            if (task := await self._store.task(pause.task)) and said.rest.lstrip("#") in ("", str(task.number))
        ]
        if not found:
            return await self._nothing(said)
        if len(found) > 1:
            lines = [_line(pause, task, said.name) for pause, task in found]
            return "\n".join(("Which one? Use its buttons, or answer to its question.", *lines))
        return await self.chosen(message.tenant, found[0][0].id, "approve" if approve else "deny", by)

    # --- inside

    async def _nothing(self, said: Said) -> str:
        """Say why there's nothing to decide: perhaps it's said twice, or obeyed again because of a crash."""
        number = said.rest.lstrip("#")
        if not number:
            return "Nothing waits for it."
        message = said.message
        if number.isdecimal() and len(number) < DIGITS:
            task = await self._store.task_by_number(message.tenant, message.person, int(number))
            past = await self._store.pauses_of_task(task.id, states=PAST, limit=MANY) if task else ()
            if decided := [pause for pause in past if pause.kind == "leave" and pause.answer in ("approved", "denied")]:
                return f"{_late(decided[-1])}."
        return f"Nothing of task {said.rest} waits for your approval."

    async def _check(self, pause: Pause, by: PersonId) -> None:
        whose = await self._store.person(pause.tenant, pause.person)
        if whose is not None and whose.role == "group":
            decider = await self._store.person(pause.tenant, by)
            if decider is None or decider.role != "owner":
                raise NotAllowed("In a group only the hub's owner can give or refuse leave.")
        elif by != pause.person:
            raise NotFound("there's no such call that waits for leave")

    def _decided(self, pause: Pause, by: PersonId, *, approve: bool, reason: str) -> Pause:
        now = self._clock.now()
        if pause.expires_at <= now:
            return replace(pause, state="expired", decided_at=now, answer="its time is over")
        tool = self._toolbox.named(pause.tool)
        if approve and (tool is None or digest_of(tool) != pause.digest):
            gone = "its package was changed meanwhile" if tool else "it isn't installed any more"
            return replace(pause, state="expired", decided_at=now, answer=gone)
        pause = replace(pause, decided_at=now, decided_by=by)
        if approve:
            return replace(pause, state="approved", answer="approved")
        return replace(pause, state="denied", answer="denied", reason=short(reason, REASON))

    async def _commit(self, pause: Pause, task: Task) -> None:
        now = self._clock.now()
        going_on = replace(task, state="working", due_at=now, updated_at=now)
        reach("leave.before-commit")
        await self._journal.commit(
            Save(pause),
            *self._journal.changed(going_on, task.state, "person", f"a call of {pause.tool} was decided about"),
            self._journal.about_approval(pause),
            wake=(lanes.task(task.id),),
        )
        reach("leave.after-commit")


def _late(pause: Pause) -> str:
    words = {"approved": "approved", "denied": "denied"}.get(pause.answer, "")
    return f"{pause.tool} was {words} already" if words else outcome(pause)


def _line(pause: Pause, task: Task, command: str) -> str:
    return f"- `/{command} {task.number}` – {pause.tool} for {short(tag(task))}"
