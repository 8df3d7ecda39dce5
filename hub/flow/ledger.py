"""A turn's finished steps: what stands in it isn't done again after a crash."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from hub.failpoints import reach
from hub.flow.journal import Journal
from hub.ports import Add, Change, Checked, Clock, Effect, Store
from hub.records import PauseId, Step, TurnId

Kind = Literal["choose", "arguments", "tool"]
Made = tuple[str, int, int, bool]
"""A step's result, its tokens in and out, and whether it failed."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a tool's call, and what's kept together with it."""

    result: str
    failed: bool = False
    unsure: bool = False
    beside: tuple[Change, ...] = ()


class CutOff(Exception):
    """A call was begun before a crash, and nobody knows whether it did its work; it must be asked about."""


class Ledger:
    """Does each step once."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        turn: TurnId,
        finished: tuple[Step, ...],
        money: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._turn = turn
        self._money = money
        self._steps = list(finished)
        self._unused = list(finished)

    @classmethod
    async def open(
        cls, store: Store, journal: Journal, clock: Clock, turn: TurnId, money: Callable[[], float] = lambda: 0.0
    ) -> "Ledger":
        """Read what was finished before a crash; `money` tells what the turn has cost so far."""
        return cls(journal, clock, turn, await store.steps(turn), money)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All finished steps so far."""
        return tuple(self._steps)

    @property
    def money(self) -> float:
        """What the finished steps have cost."""
        return sum(step.money for step in self._steps)

    async def once(self, kind: Kind, name: str, request: str, do: Callable[[], Awaitable[Made]]) -> Step:
        """Return the step with that request: from the ledger if it was finished before, else done now and kept."""
        if known := self._taken(kind, name, request):
            return known
        began, paid = self._clock.monotonic(), self._money()
        result, tokens_in, tokens_out, failed = await do()
        step = self._step(kind, name, request, result, began)
        cost = self._money() - paid
        step = replace(step, tokens_in=tokens_in, tokens_out=tokens_out, failed=failed, money=cost)
        await self._keep(step)
        return step

    @property
    def answer(self) -> Step | None:
        """The answer, if it was written before a crash."""
        return next((step for step in self._steps if step.kind == "answer"), None)

    async def answered(self, text: str, tokens_in: int, tokens_out: int, money: float = 0.0) -> None:
        """Keep the answer: what's left of the turn is to look at what was done."""
        step = self._step("answer", "answer", "", text, self._clock.monotonic())
        await self._keep(replace(step, tokens_in=tokens_in, tokens_out=tokens_out, money=money))

    async def checked(self, found: Sequence[tuple[str, str, Checked, float]], *beside: Change) -> None:
        """Keep all that was looked at in one commit: each check's kind, itself, what came of it, and when it began.

        One that couldn't be made has failed, and is unsure.
        """
        first = len(self._steps)
        steps = [
            replace(
                self._step("check", name, request, checked.said, began),
                number=first + nth,
                failed=not checked.passed,
                unsure=not checked.able,
            )
            for nth, (name, request, checked, began) in enumerate(found, start=1)
        ]
        await self._journal.commit(*map(Add, steps), *beside)
        self._steps += steps

    def called(self, name: str, request: str) -> Step | None:
        """Return a tool's call that was finished before a crash; raises CutOff for one that was begun and not finished.

        Only calls of tools with the effect `once` are known to have begun; all others may be made again.
        """
        begun = self._taken("begun", name, request)
        if known := self._taken("tool", name, request):
            return known
        if begun is not None:
            raise CutOff
        return None

    async def call(
        self,
        name: str,
        request: str,
        do: Callable[[], Awaitable[Outcome]],
        *,
        effect: Effect | Literal[""] = "",
        pause: PauseId | None = None,
        told: tuple[Change, ...] = (),
    ) -> Step:
        """Call a tool and keep what came of it; that a call with the effect `once` begins is kept before it's made.

        What's `told` is kept with whichever is kept first.
        """
        began = self._clock.monotonic()
        if effect == "once":
            await self._keep(replace(self._step("begun", name, request, "", began), effect=effect, pause=pause), *told)
            told = ()
            reach("call.begun")
        made = await do()
        step = self._step("tool", name, request, made.result, began)
        step = replace(step, failed=made.failed, effect=effect, pause=pause, unsure=made.unsure)
        await self._keep(step, *made.beside, *told)
        return step

    def _step(
        self, kind: Kind | Literal["begun", "answer", "check"], name: str, request: str, result: str, began: float
    ) -> Step:
        return Step(
            turn=self._turn,
            number=len(self._steps) + 1,
            kind=kind,
            name=name,
            request=request,
            result=result,
            ms=(self._clock.monotonic() - began) * 1000,
            ended_at=self._clock.now(),
        )

    async def mark(self, *changes: Change) -> None:
        """Keep what must stand before a call is made."""
        if changes:
            await self._journal.commit(*changes)

    def _taken(self, kind: str, name: str, request: str) -> Step | None:
        for step in self._unused:
            if (step.kind, step.name, step.request) == (kind, name, request):
                self._unused.remove(step)
                return step
        return None

    async def _keep(self, step: Step, *beside: Change) -> None:
        reach("step.before-commit")
        await self._journal.commit(Add(step), *beside)
        reach("step.after-commit")
        self._steps.append(step)
