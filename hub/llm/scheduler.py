"""Which tokens are evaluated next: continuous batching of all requests at work, the urgent ones first."""

import time
from collections.abc import Callable

from hub.llm import wire
from hub.llm.batch import CHUNK, LOGITS, Evaluator, Outcome, Patch, Row
from hub.llm.jobs import Branch, Job
from hub.llm.prefixes import Prefixes
from hub.llm.shares import Shares
from hub.ports import Priority

WRITING = 8
"""Answers generated side by side; more only makes each slower."""

WEIGHING = 3
"""Decisions and scores at work side by side."""

STEP = 0.15
"""Seconds that one evaluation should take: so long a more urgent request waits at most."""

Place = tuple[Job, Branch, int]


class Scheduler:
    """The requests of one engine."""

    def __init__(self, engine: Evaluator, prefixes: Prefixes, send: Callable[[wire.Answer], None]) -> None:
        self.last = (0, 0.0)
        """How many tokens were evaluated last, and in how many seconds."""
        self._engine = engine
        self._prefixes = prefixes
        self._send = send
        self._waiting: list[Job] = []
        self._working: list[Job] = []
        self._shares = Shares()
        self._rate = 64 / STEP
        self._looked = False
        """Whether the last evaluation was of an image."""

    @property
    def idle(self) -> bool:
        """Whether there's nothing to do."""
        return not (self._waiting or self._working)

    def submit(self, job: Job) -> None:
        """Queue a request."""
        self._shares.join(job, self._waiting + self._working)
        self._waiting.append(job)

    def cancel(self, id: int) -> None:
        """Drop a request; what was evaluated of its prompt stays known."""
        for job in [*self._waiting, *self._working]:
            if job.id == id:
                self._finish(job)

    def step(self, begin: Callable[[set[int]], bool]) -> None:
        """Evaluate one batch and tell what came of it, unless `begin`, given its requests' ids, says no."""
        self.last = 0, 0.0
        self._drop_late()
        self._admit()
        places = self._plan()
        if not places or not begin({job.id for job, _, _ in places}):
            return
        rows = [
            Row(branch.kept.number, at, branch.tokens[at], job.wants(branch, at))
            for job, branch, at in places
            if branch.kept
        ]
        began = time.monotonic()
        self._looked = isinstance(rows[0].token, Patch)
        try:
            outcome = self._evaluate(rows)
        except ValueError as error:
            self._fail(places[0][0], str(error))
            return
        if outcome is Outcome.ABORTED:
            for branch in {id(branch): branch for _, branch, _ in places}.values():
                if branch.kept:
                    self._prefixes.mend(branch.kept)
            return
        if not self._looked:
            self._measure(len(rows), time.monotonic() - began)
        self._read(places, rows)

    def _evaluate(self, rows: list[Row]) -> Outcome:
        outcome = self._engine.evaluate(rows)
        while outcome is Outcome.FULL:
            if not self._prefixes.evict():
                raise MemoryError(f"no room for {len(rows)} tokens among {self._engine.cells}")
            outcome = self._engine.evaluate(rows)
        return outcome

    def _fail(self, job: Job, reason: str) -> None:
        for branch in job.branches:
            if branch.kept:
                self._prefixes.mend(branch.kept)
        self._finish(job)
        self._send(wire.Fault(id=job.id, text=reason))

    def _drop_late(self) -> None:
        now = time.monotonic()
        for job in [*self._waiting, *self._working]:
            if job.deadline <= now:
                self._finish(job)
                self._send(wire.Late(id=job.id))

    def _admit(self) -> None:
        for job in sorted(self._waiting, key=self._shares.urgency):
            leaving = self._leaving(job)
            if leaving is not None:
                for other in leaving:
                    self._suspend(other)
                self._waiting.remove(job)
                self._working.append(job)

    def _leaving(self, job: Job) -> list[Job] | None:
        """Return which requests at work have to wait again so that one that waits fits; None if it can't yet."""
        staying, leaving = list(self._working), list[Job]()
        while not self._fits(job, staying):
            other = self._shares.yielding(job, staying)
            if other is None:
                return None
            staying.remove(other)
            leaving.append(other)
        return leaving

    def _suspend(self, job: Job) -> None:
        """Have a request wait again; it goes on where it stopped, mostly with all of it still known."""
        for branch in job.branches:
            if branch.kept:
                self._prefixes.keep(branch.kept, branch.known)
                branch.kept = None
        self._working.remove(job)
        self._waiting.append(job)

    def _fits(self, job: Job, working: list[Job]) -> bool:
        like = [other for other in working if other.writes == job.writes]
        if len(like) >= (WRITING if job.writes else WEIGHING):
            return False
        taken = sum(other.cells for other in working)
        if taken + job.cells > self._engine.cells:
            return False
        chats = sum(other.cells for other in working if other.priority != Priority.DECISION)
        return job.priority == Priority.DECISION or chats + job.cells <= self._engine.context

    def _plan(self) -> list[Place]:
        """Choose the next tokens: one for each answer that's being written, then prompts, the most urgent only."""
        places: list[Place] = []
        prompts: list[tuple[Job, Branch]] = []
        for job in sorted(self._working, key=self._shares.urgency):
            for branch in self._started(job):
                if job.writes and branch.known == len(branch.tokens) - 1:
                    places.append((job, branch, branch.known))
                else:
                    prompts.append((job, branch))
        if not prompts:
            return places
        room = min(CHUNK, max(16, int(self._rate * STEP)))
        urgent = prompts[0][0].priority
        wanted = len(places)
        for job, branch in prompts:
            if job.priority != urgent:
                break
            for at in range(branch.known, len(branch.tokens)):
                if isinstance(token := branch.tokens[at], Patch):
                    # By itself, and not twice in a row while answers are being written: each gets a token in between.
                    alone = at == branch.known and not (places and self._looked)
                    return [(job, branch, at + n) for n in range(token.count)] if alone else places
                wanted += job.wants(branch, at)
                if len(places) >= room or wanted > LOGITS:
                    return places
                places.append((job, branch, at))
        return places

    def _started(self, job: Job) -> list[Branch]:
        started: list[Branch] = []
        for branch in job.branches:
            if branch.done:
                continue
            if len(started) >= job.width:
                break
            if branch.kept is None and branch.startable:
                branch.kept = self._prefixes.take(job.tenant, branch.reusable)
            if branch.kept:
                started.append(branch)
        return started

    def _read(self, places: list[Place], rows: list[Row]) -> None:
        for job, branch, at in places:
            if branch.kept:
                # A plain number: what's unpacked of an image needn't be kept with it.
                branch.kept.tokens.append(int(branch.tokens[at]))
                job.fresh += 1
                self._shares.serve(job)
        for i, (job, branch, at) in enumerate(places):
            if rows[i].wanted and not branch.done:
                self._tell(job, branch, at, i)
        for job in {id(job): job for job, _, _ in places}.values():
            for branch in job.branches:
                if branch.done:
                    self._give_back(branch)
            if all(branch.done for branch in job.branches):
                self._finish(job)

    def _tell(self, job: Job, branch: Branch, at: int, row: int) -> None:
        try:
            answers = job.read(branch, at, self._engine, row)
        except ValueError as error:
            answers = [wire.Fault(id=job.id, text=str(error))]
            for other in job.branches:
                other.done = True
        for answer in answers:
            self._send(answer)

    def _give_back(self, branch: Branch) -> None:
        if branch.kept:
            self._prefixes.keep(branch.kept, branch.keep)
            branch.kept = None

    def _finish(self, job: Job) -> None:
        for branch in job.branches:
            branch.keep = branch.keep if branch.done else branch.known
            self._give_back(branch)
        job.close()
        if job in self._waiting:
            self._waiting.remove(job)
        else:
            self._working.remove(job)
        if self.idle:
            self._shares.clear()

    def _measure(self, rows: int, seconds: float) -> None:
        self.last = rows, seconds
        if rows >= 16 and seconds > 0:
            self._rate += 0.3 * (rows / seconds - self._rate)
