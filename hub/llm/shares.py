"""Who is served first: the more urgent, then the tenant that had least, then its chat that had least.

Shares are counted in evaluated tokens, from when the model was last idle.
"""

from collections import Counter
from collections.abc import Sequence

from hub.llm.jobs import Job


class Shares:
    """How many tokens each tenant and each of its chats has had."""

    def __init__(self) -> None:
        self._tenants: Counter[str] = Counter()
        self._chats: Counter[tuple[str, str]] = Counter()

    def join(self, job: Job, present: Sequence[Job]) -> None:
        """Let a newcomer begin level with the least served of those present, not ahead of all by its empty past."""
        tenants = [self._tenants[other.tenant] for other in present]
        self._tenants[job.tenant] = max(self._tenants[job.tenant], min(tenants, default=0))
        chats = [self._chats[_chat(other)] for other in present if other.tenant == job.tenant]
        self._chats[_chat(job)] = max(self._chats[_chat(job)], min(chats, default=0))

    def serve(self, job: Job) -> None:
        """Count a token."""
        self._tenants[job.tenant] += 1
        self._chats[_chat(job)] += 1

    def clear(self) -> None:
        """Forget everything: nobody is waiting."""
        self._tenants.clear()
        self._chats.clear()

    def urgency(self, job: Job) -> tuple[int, int, int, float]:
        """Return what requests are sorted by, the first to be served first."""
        return job.priority, self._tenants[job.tenant], self._chats[_chat(job)], job.arrived

    def yielding(self, job: Job, working: Sequence[Job]) -> Job | None:
        """Return which request at work makes room for one that waits, if any should.

        It's less urgent, or its tenant or chat has at least two more at work than the other's: then the two never
        chase each other away in turns.
        """
        like = [other for other in working if other.writes == job.writes]
        tenants = Counter(other.tenant for other in like)
        chats = Counter(_chat(other) for other in like)

        def crowds(other: Job) -> bool:
            if other.tenant != job.tenant:
                return tenants[other.tenant] >= tenants[job.tenant] + 2
            return chats[_chat(other)] >= chats[_chat(job)] + 2

        able = [other for other in like if (other.priority == job.priority and crowds(other))]
        able += [other for other in like if other.priority > job.priority]
        return max(able, key=self.urgency, default=None)


def _chat(job: Job) -> tuple[str, str]:
    return job.tenant, job.chat
