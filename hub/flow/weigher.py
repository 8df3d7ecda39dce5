"""Has each message weighed by the decision model while it serves, and without one while it doesn't.

The router and its evaluation (hub.evals) both ask here, so that what's measured is what routes.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from hub.config import LimitsConfig
from hub.errors import LLMError
from hub.flow.evidence import Seen
from hub.flow.weighing import Weighed, anew, fallback, weigh, weigh_by_choice
from hub.ports import LLM, Matching, Priority, Scoring, Terms
from hub.records import Rule, TenantId

log = logging.getLogger(__name__)

DEADLINE = 30.0
TRIES = 2


class Weigher:
    """Weighs messages, and says when a question is better than a guess."""

    def __init__(self, decider: LLM, limits: LimitsConfig, errand: Callable[[str], bool] = lambda _: False) -> None:
        """`errand` says whether a message leaves no doubt that it wants one tool and nothing else; it may block."""
        self._errand = errand
        self._decider = decider
        self._scoring = decider if isinstance(decider, Scoring) else None
        self._reader = decider if isinstance(decider, Matching) else None
        self._limits = limits

    async def weigh(
        self,
        text: str,
        roster: Sequence[Seen],
        now: datetime,
        tenant: TenantId,
        *,
        chat: str = "",
        about: str = "a message",
    ) -> tuple[Rule, Weighed]:
        """Return how likely each task of the roster and a new one is, and whether a model was asked; never raises.

        `chat` is whose share of the model it takes; `about` names the message in the log.
        """
        if not any(seen.asked for seen in roster) and await asyncio.to_thread(self._errand, text):
            return "errand", anew(roster)
        terms = Terms(tenant=tenant, chat=chat, priority=Priority.DECISION, deadline=DEADLINE)
        for _ in range(TRIES):
            if self._decider.info.state in {"absent", "broken"}:
                break
            try:
                async with asyncio.timeout(DEADLINE):
                    await self._decider.ready()
                    if self._scoring is None:
                        return "model", await weigh_by_choice(self._decider, text, roster, now, terms)
                    sha256 = self._decider.info.sha256
                    return "model", await weigh(
                        self._scoring, text, roster, now, terms, sha256=sha256, reader=self._reader
                    )
            except (LLMError, TimeoutError) as error:
                log.warning("%s: the model couldn't weigh it: %s", about, error or "no answer in time")
        return "fallback", fallback(text, roster, now)

    def unsure(self, probabilities: Sequence[float]) -> bool:
        """Say whether it's too close to call, so that its person should be asked."""
        return max(probabilities) < self._limits.ask_below
