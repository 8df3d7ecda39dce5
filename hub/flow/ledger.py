"""A turn's finished steps: what stands in it isn't done again after a crash."""

from collections.abc import Awaitable, Callable
from typing import Literal

from hub.failpoints import reach
from hub.flow.journal import Journal
from hub.ports import Add, Clock, Store
from hub.records import Step, TurnId

Kind = Literal["choose", "arguments", "tool"]
Made = tuple[str, int, int, bool]
"""A step's result, its tokens in and out, and whether it failed."""


class Ledger:
    """Does each step once."""

    def __init__(self, journal: Journal, clock: Clock, turn: TurnId, finished: tuple[Step, ...]) -> None:
        self._journal = journal
        self._clock = clock
        self._turn = turn
        self._steps = list(finished)
        self._unused = list(finished)

    @classmethod
    async def open(cls, store: Store, journal: Journal, clock: Clock, turn: TurnId) -> "Ledger":
        """Read what was finished before a crash."""
        return cls(journal, clock, turn, await store.steps(turn))

    @property
    def steps(self) -> tuple[Step, ...]:
        """All finished steps so far."""
        return tuple(self._steps)

    async def once(self, kind: Kind, name: str, request: str, do: Callable[[], Awaitable[Made]]) -> Step:
        """Return the step with that request: from the ledger if it was finished before, else done now and kept."""
        for step in self._unused:
            if (step.kind, step.name, step.request) == (kind, name, request):
                self._unused.remove(step)
                return step
        began = self._clock.monotonic()
        result, tokens_in, tokens_out, failed = await do()
        step = Step(
            turn=self._turn,
            number=len(self._steps) + 1,
            kind=kind,
            name=name,
            request=request,
            result=result,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            ms=(self._clock.monotonic() - began) * 1000,
            failed=failed,
        )
        reach("step.before-commit")
        await self._journal.commit(Add(step))
        reach("step.after-commit")
        self._steps.append(step)
        return step
