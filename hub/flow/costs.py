"""What a turn's next step may cost: by what its task may, and by what its tenant may."""

from hub.flow import accounting, budget
from hub.flow.allowance import Allowance
from hub.flow.ledger import Ledger
from hub.flow.work import Work
from hub.ports import Clock


class Costs:
    """Looks at what a turn has cost before each of its steps; without an `allowance` no tenant has quotas."""

    def __init__(self, clock: Clock, answer_tokens: int, allowance: Allowance | None) -> None:
        self._clock = clock
        self._answer_tokens = answer_tokens
        self._allowance = allowance

    async def check(self, work: Work, ledger: Ledger, read: int = 0) -> int:
        """Return how many tokens the next step may write, if it reads so many.

        Raises Spent if that would exceed what the task may cost, and Gone once its tenant has taken what it may.
        """
        most = min(self._answer_tokens, self._of_task(work, ledger, read))
        return await self.of_tenant(work, ledger, read, most)

    async def matter(self, work: Work) -> bool:
        """Say whether it's worth while to count what a step will read."""
        limited = self._allowance is not None and await self._allowance.limits(work.task.tenant)
        return limited or work.task.kind == "assignment"

    async def of_tenant(self, work: Work, ledger: Ledger, read: int = 0, most: int = 0) -> int:
        """Return how many of `most` tokens the next step may write, as `check` does, by the tenant's quotas alone."""
        if self._allowance is None:
            return most
        taken = sum(accounting.tokens_of(ledger.steps)) + read
        return await self._allowance.left(work.task.tenant, work.turn.id, taken, work.money, most)

    def _of_task(self, work: Work, ledger: Ledger, read: int) -> int:
        # A conversation is paid for message by message, and so is what's said about a task that's complete.
        if work.task.kind != "assignment" or work.settled:
            return self._answer_tokens
        tokens = read + sum(accounting.tokens_of(ledger.steps))
        minutes = (self._clock.monotonic() - work.began) / 60
        return budget.left(work.task, budget.plus(budget.so_far(work.task), tokens, minutes, work.money))
