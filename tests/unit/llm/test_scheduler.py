"""Many requests at once get what each would have got alone, the urgent ones first, and everything common once."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.llm import wire
from hub.llm.batch import CHUNK, LOGITS, Outcome, Patch, Row
from hub.llm.jobs import TooLong, Weighing, Writing, weighing
from hub.llm.prefixes import Prefixes
from hub.llm.scheduler import WRITING, Scheduler
from hub.ports import End, Priority, Terms
from hub.records import TenantId

END = 0


class FakeModel:
    """A model whose next token follows from all tokens before it, and nothing else."""

    def __init__(
        self, *, context: int = 400, cells: int = 600, faults: Sequence[Outcome] = (), length: int = 0
    ) -> None:
        self.context = context
        self.cells = cells
        self.evaluated = 0
        self.looked: list[object] = []
        self._held: dict[int, list[int]] = {}
        self._rows: list[list[int]] = []
        self._faults = list(faults)
        self._length = length
        """No answer ends before the whole has so many tokens."""

    def evaluate(self, rows: list[Row]) -> Outcome:
        looks = [row.token for row in rows if isinstance(row.token, Patch)]
        if looks:
            assert len(rows) == len(looks) == looks[0].count, "a chunk of an image is evaluated whole, by itself"
            self.looked.append(looks[0].chunk)
        assert 0 < len(rows) <= CHUNK
        assert sum(row.wanted for row in rows) <= LOGITS
        for row in rows:
            held = self._held.setdefault(row.sequence, [])
            assert row.position == len(held), "each sequence goes on where it stands"
            held.append(row.token)
        self._rows = [self._held[row.sequence][: row.position + 1] for row in rows]
        fault = self._faults.pop(0) if self._faults else Outcome.DONE
        if fault is Outcome.FULL:
            for row in reversed(rows):
                del self._held[row.sequence][row.position :]
        self.evaluated += len(rows)
        return fault

    def logprobs(self, row: int, tokens: list[int]) -> list[float]:
        return [chance([*self._rows[row], token]) for token in tokens]

    def sample(self, sampler: Any, row: int) -> int:
        return self.follower(self._rows[row])

    def piece(self, token: int, *, special: bool = False) -> bytes:
        return f"{token} ".encode()

    def ends(self, token: int) -> bool:
        return token == END

    def copy(self, source: int, target: int, upto: int) -> bool:
        self._held[target] = self._held[source][:upto]
        return True

    def cut(self, sequence: int, start: int) -> bool:
        self._held[sequence] = self._held.get(sequence, [])[:start]
        return True

    def follower(self, tokens: list[int]) -> int:
        """The token that comes after others."""
        return hash(tuple(tokens)) % 20 or (END if len(tokens) >= self._length else 1)

    def alone(self, prompt: list[int], limit: int) -> list[int]:
        """What's written after a prompt if nobody else is there."""
        tokens = list(prompt)
        while len(tokens) < len(prompt) + limit and (token := self.follower(tokens)) != END:
            tokens.append(token)
        return tokens[len(prompt) :]


class Greedy:
    free = False

    def __init__(self, model: FakeModel) -> None:
        self._model = model

    def next(self, row: int) -> int:
        return self._model.sample(self, row)

    def close(self) -> None:
        pass


def chance(tokens: list[int]) -> float:
    return -1 - (hash(tuple(tokens)) % 1000) / 100


class Desk:
    """A scheduler with its model, and what was said."""

    def __init__(self, model: FakeModel | None = None, sequences: int = 32) -> None:
        self.model = model or FakeModel()
        self.said: list[wire.Answer] = []
        self.scheduler = Scheduler(self.model, Prefixes(self.model, sequences), self.said.append)
        self._ids = 0

    def write(self, prompt: list[int], limit: int, **terms: Any) -> int:
        asked = self._asked(**terms)
        self.scheduler.submit(Writing(asked, prompt, Greedy(self.model), limit))
        return asked.id

    def weigh(self, pairs: Sequence[tuple[list[int], list[int]]], **terms: Any) -> int:
        asked = self._asked(**terms)
        work = weighing(asked, pairs, self.model)
        if isinstance(work, Weighing):
            self.scheduler.submit(work)
        else:
            self.said.append(work)
        return asked.id

    def run(self, steps: int = 10_000) -> None:
        for _ in range(steps):
            if self.scheduler.idle:
                return
            self.scheduler.step(lambda ids: True)
        assert steps < 10_000, "it never comes to an end"

    def text(self, id: int) -> list[int]:
        words = "".join(said.text for said in self.said if isinstance(said, wire.Wrote) and said.id == id)
        return [int(word) for word in words.split()]

    def end(self, id: int) -> End:
        (end,) = [said.end for said in self.said if isinstance(said, wire.Ended) and said.id == id]
        return end

    def weighed(self, id: int) -> wire.Weighed:
        (weighed,) = [said for said in self.said if isinstance(said, wire.Weighed) and said.id == id]
        return weighed

    @property
    def ended(self) -> list[int]:
        return [said.id for said in self.said if isinstance(said, wire.Ended)]

    def _asked(self, tenant: str = "a", deadline: float = 1000.0, **terms: Any) -> wire.Asked:
        self._ids += 1
        return wire.Asked(id=self._ids, ask=Terms(tenant=TenantId(tenant), deadline=deadline, **terms))


tokens = st.lists(st.integers(1, 3), min_size=1, max_size=60)
pairs = st.lists(st.tuples(tokens, st.lists(st.integers(1, 3), max_size=8)), max_size=12)
faults = st.lists(st.sampled_from(Outcome), max_size=20)


@settings(max_examples=150, deadline=None)
@given(
    writes=st.lists(st.tuples(tokens, st.integers(1, 40), st.sampled_from("ab")), max_size=8),
    weighs=st.lists(st.tuples(pairs, st.sampled_from("ab"), st.sampled_from(Priority)), max_size=5),
    faults=faults,
)
def test_everybody_gets_what_they_would_have_got_alone(
    writes: list[tuple[list[int], int, str]],
    weighs: list[tuple[list[tuple[list[int], list[int]]], str, Priority]],
    faults: list[Outcome],
) -> None:
    desk = Desk(FakeModel(faults=[fault for fault in faults if fault is not Outcome.FULL]))
    wrote = [(desk.write(prompt, limit, tenant=who), prompt, limit) for prompt, limit, who in writes]
    weighed = [(desk.weigh(pairs, tenant=who, priority=priority), pairs) for pairs, who, priority in weighs]

    desk.run()

    for id, prompt, limit in wrote:
        assert desk.text(id) == desk.model.alone(prompt, limit)
        assert desk.end(id).tokens_in == len(prompt)
    for id, asked in weighed:
        for (stem, leaf), score in zip(asked, desk.weighed(id).scores, strict=True):
            whole = stem + leaf
            expected = math.fsum(chance(whole[: i + 1]) for i in range(len(stem), len(whole)))
            assert math.isclose(score.logprob, expected, abs_tol=1e-6)
            assert score.tokens == len(leaf)


def test_what_pairs_have_in_common_is_evaluated_once() -> None:
    desk = Desk()
    stem = list(range(1, 101))

    id = desk.weigh([([*stem, n], [7, 8]) for n in range(4)])
    desk.run()

    assert desk.weighed(id).tokens == 100 + 4 * 2  # each its own token and the first of the two scored


def test_options_after_one_prompt_share_it() -> None:
    desk = Desk()

    id = desk.weigh([(list(range(1, 101)), [n, 5, 6]) for n in range(4)])
    desk.run()

    assert desk.weighed(id).tokens == 100 + 4 * 2


def test_a_prefix_that_was_scored_once_costs_only_what_follows() -> None:
    desk = Desk()
    stem = list(range(1, 101))
    desk.weigh([(stem, [7, 8])])
    desk.run()

    id = desk.weigh([([*stem, 50, 51], [9])])
    desk.run()

    assert desk.weighed(id).tokens == 2


def test_a_decision_does_not_wait_for_an_answer_to_end() -> None:
    desk = Desk()
    chat = desk.write([3] * 50, 300)
    desk.run(20)

    decision = desk.weigh([([1] * 20, [2]), ([1] * 20, [3])], priority=Priority.DECISION)
    desk.run(2)

    assert desk.weighed(decision)
    assert not [said for said in desk.said if isinstance(said, wire.Ended) and said.id == chat]


def test_a_decision_overtakes_prompts_that_wait() -> None:
    desk = Desk()
    for _ in range(4):
        desk.write([4] * 80, 5)
    decision = desk.weigh([([1] * 20, [2])], priority=Priority.DECISION)

    desk.run(1)

    assert desk.weighed(decision)


def test_a_tenant_with_many_requests_does_not_shut_out_another() -> None:
    desk = Desk()
    for i in range(20):
        desk.write([i] * 50, 3, tenant="busy")
    desk.run(3)
    late = desk.write([99] * 20, 3, tenant="quiet")
    desk.run()

    assert desk.ended.index(late) < 12


def test_a_chat_with_many_requests_does_not_shut_out_another_of_its_tenant() -> None:
    desk = Desk()
    for i in range(20):
        desk.write([i] * 50, 3, chat="busy")
    desk.run(3)
    late = desk.write([99] * 20, 3, chat="quiet")
    desk.run()

    assert desk.ended.index(late) < 12


@pytest.mark.parametrize("whose", ["tenant", "chat"])
def test_who_fills_the_model_with_long_answers_makes_room_for_another(whose: str) -> None:
    desk = Desk(FakeModel(context=2000, cells=3000, length=200))
    long = [desk.write([i, 1, 2], 150, **{whose: "busy"}) for i in range(WRITING)]
    desk.run(30)
    late = desk.write([99] * 20, 3, **{whose: "quiet"})
    desk.run(6)

    assert desk.ended == [late]
    desk.run()
    for i, id in enumerate(long):
        assert desk.text(id) == desk.model.alone([i, 1, 2], 150), "it went on where it had stopped"


def test_equals_do_not_chase_each_other_away() -> None:
    desk = Desk(FakeModel(context=2000, cells=3000, length=200))
    for i in range(WRITING + 4):
        desk.write([i, 1, 2], 60, tenant=f"t{i}")
    desk.run(70)

    assert len(desk.ended) == WRITING


def test_background_work_makes_room_for_a_chat() -> None:
    desk = Desk(FakeModel(context=2000, cells=3000, length=200))
    for i in range(WRITING):
        desk.write([i, 1, 2], 150, priority=Priority.BACKGROUND)
    desk.run(5)
    chat = desk.write([99] * 20, 3)
    desk.run(6)

    assert desk.ended == [chat]


def test_nobody_is_sent_away_in_vain() -> None:
    desk = Desk(FakeModel(context=400, cells=600, length=300))
    desk.write([1] * 200, 60, tenant="busy")
    small = desk.write([2] * 10, 30, tenant="busy")
    desk.run(8)
    desk.write([3] * 250, 100, tenant="quiet")
    desk.run(30)

    assert desk.ended[0] == small


def picture(name: str, size: int = 10) -> list[int]:
    """Two chunks of an image with a word between them."""
    first = -1 - 100 * sum(name.encode())
    chunks = [[Patch(first - 50 * n - at, f"{name}{n}", size, size) for at in range(size)] for n in range(2)]
    return [*chunks[0], 7, *chunks[1]]


def test_an_image_is_looked_at_whole_once_and_between_two_of_them_answers_go_on() -> None:
    desk = Desk(FakeModel(length=200, faults=[Outcome.DONE, Outcome.DONE, Outcome.ABORTED]))
    writing = desk.write([1, 2, 3], 30)
    desk.run(2)
    cat, dog = picture("cat"), picture("dog")
    prompt = [5, *cat, 6, *dog, 8, 9]

    seen = desk.write(prompt, 5)
    desk.run()
    again = desk.write([*prompt, *desk.text(seen), 4, 4], 1)
    desk.run()

    assert desk.text(seen) == desk.model.alone(prompt, 5)
    assert desk.text(writing) == desk.model.alone([1, 2, 3], 30)
    assert sorted(set(map(str, desk.model.looked))) == ["cat0", "cat1", "dog0", "dog1"]
    assert len(desk.model.looked) <= 5, "the one that was broken off twice"
    assert desk.end(again).tokens_new <= 4


def test_a_cancelled_request_says_nothing_more_and_its_prompt_stays_known() -> None:
    desk = Desk()
    prompt = list(range(1, 101))
    id = desk.write(prompt, 200)
    desk.run(3)
    desk.scheduler.cancel(id)
    desk.said.clear()

    again = desk.write(prompt, 1)
    desk.run()

    assert {said.id for said in desk.said} == {again}
    assert desk.end(again).tokens_new == 1


def test_a_deadline_that_passed_is_told() -> None:
    desk = Desk()
    id = desk.write([1] * 10, 10, deadline=0.0)
    desk.run()

    assert desk.said == [wire.Late(id=id)]


def test_what_is_broken_off_is_done_again() -> None:
    desk = Desk(FakeModel(faults=[Outcome.ABORTED, Outcome.DONE, Outcome.ABORTED]))
    id = desk.write([1, 2, 3], 10)
    desk.run()

    assert desk.text(id) == desk.model.alone([1, 2, 3], 10)


def test_kept_prefixes_make_room_for_work() -> None:
    desk = Desk()
    desk.write(list(range(1, 101)), 1)
    desk.run()
    desk.model._faults = [Outcome.FULL]

    id = desk.write([9] * 20, 5)
    desk.run()

    assert desk.text(id) == desk.model.alone([9] * 20, 5)


def test_more_than_the_context_holds_is_refused() -> None:
    with pytest.raises(TooLong):
        Desk().weigh([([1] * 500, [2])])


def test_nothing_to_score_is_answered_at_once() -> None:
    desk = Desk()
    id = desk.weigh([([1, 2], [])])

    assert desk.scheduler.idle
    assert desk.weighed(id).tokens == 0
