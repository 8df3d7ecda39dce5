"""Which task is a message about?"""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from hub.config import MODEL_SHA256
from hub.errors import LLMError, LLMUnavailable
from hub.flow import weights
from hub.flow.evidence import content, gather, shape
from hub.flow.weighing import Line, Seen, Weighed, choice, fallback, pairs, prefix, weigh, weigh_by_choice
from hub.ports import Decision, End, Filled, LLMInfo, Matches, Piece, Said, Score, Scores, Terms
from hub.records import HOME, OWNER, Address, Task, TaskId

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TERMS = Terms(tenant=HOME)


def seen(goal: str, *said: str, minutes: float = 1.0, asked: bool = False) -> Seen:
    """A task whose person and agent spoke by turns, and last so many minutes ago."""
    last = NOW - timedelta(minutes=minutes)
    task = Task(
        id=TaskId(goal),
        tenant=HOME,
        person=OWNER,
        number=1,
        origin=Address(bridge="http", chat="owner/main"),
        title=goal,
        goal=goal,
        agent="default",
        state="working",
        created_at=last,
        updated_at=last,
    )
    lines: list[Line] = []
    for at, text in enumerate((goal, *said)):
        lines.append(("agent" if at % 2 else "user", text, last - timedelta(seconds=10 * (len(said) - at))))
    return Seen(task=task, lines=tuple(lines), asked=asked)


class WordScoring:
    """A model to which a text is likelier the more of its words stand in the prefix."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def score(self, pairs: Sequence[tuple[str, str]], ask: Terms) -> Scores:
        self.asked += pairs
        return Scores(scores=tuple(self._score(*pair) for pair in pairs), model="words", tokens=7, ms=1.0)

    def _score(self, prefix: str, text: str) -> Score:
        words = content(text)
        return Score(-6.0 * len(words) + 4.0 * len(words & content(prefix)) - 1.0, len(words) + 1)


class BrokenScoring:
    """A model that's away."""

    async def score(self, pairs: Sequence[tuple[str, str]], ask: Terms) -> Scores:
        raise LLMUnavailable("no model")


class SureReader:
    """A reader that's as sure as it's told to be that a message belongs to the first text."""

    def __init__(self, logit: float) -> None:
        self._logit = logit
        self.texts: list[str] = []

    async def match(self, message: str, texts: Sequence[str], ask: Terms) -> Matches:
        self.texts += texts
        return Matches(logits=(self._logit, *(0.0 for _ in texts)), tokens=50, ms=1.0)


class NoReader:
    """One that turns out not to be there."""

    async def match(self, message: str, texts: Sequence[str], ask: Terms) -> Matches:
        raise LLMError("no reader is loaded beside this model")


class ChoosingLLM:
    """A model that's sure of one letter."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.prompts: list[Sequence[Said]] = []

    @property
    def info(self) -> LLMInfo:
        return LLMInfo(model="chooser", state="ready")

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def ready(self) -> None: ...

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncIterator[Piece | End]:
        yield Piece("")

    async def decide(self, prompt: Sequence[Said], options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        self.prompts.append(prompt)
        sure = tuple(float(option == self.letter) for option in options)
        return Decision(probabilities=sure, model="chooser", tokens=90, ms=2.0)

    async def fill(
        self, prompt: Sequence[Said], schema: Mapping[str, object], ask: Terms, *, lead: str = "", limit: int = 200
    ) -> Filled:
        return Filled(json="{}", tokens_in=0, tokens_out=0, ms=0.0)

    async def count(self, prompt: Sequence[Said]) -> int:
        return sum(len(said.text) for said in prompt) // 4


HOTEL = seen("Find me a hotel in Oslo", "There are 4 hotels. Which price range?", minutes=60, asked=True)
MUSIC = seen("Play some jazz", "Playing Kind of Blue. Is the volume right?", minutes=1, asked=True)


def best(weighed: Weighed) -> int:
    return weighed.probabilities.index(max(weighed.probabilities))


async def test_a_message_without_open_tasks_is_new_and_no_model_is_asked() -> None:
    weighed = await weigh(BrokenScoring(), "Good morning", (), NOW, TERMS)

    assert weighed.probabilities == (1.0,)
    assert weighed.tokens == 0


@pytest.mark.parametrize("sha256", ["", MODEL_SHA256])
async def test_probabilities_follow_the_roster_with_a_new_task_last(sha256: str) -> None:
    weighed = await weigh(WordScoring(), "The cheap hotel in Oslo", (HOTEL, MUSIC), NOW, TERMS, sha256=sha256)

    assert len(weighed.probabilities) == len(weighed.evidence) == 3
    assert math.isclose(sum(weighed.probabilities), 1.0)
    assert best(weighed) == 0
    assert weighed.model == "words"
    assert weighed.tokens == 7


@pytest.mark.parametrize("sha256", ["", MODEL_SHA256])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", 1),
        ("the cheapest hotel, for two nights in Oslo", 0),
        ("Hi, I'm looking for a dentist, can you find me one?", 2),
        ("new task: buy milk", 2),
    ],
)
async def test_an_answer_goes_to_who_asked_last_words_to_their_task_and_a_wish_opens_a_new_one(
    text: str, expected: int, sha256: str
) -> None:
    assert best(await weigh(WordScoring(), text, (HOTEL, MUSIC), NOW, TERMS, sha256=sha256)) == expected


async def test_the_order_of_the_roster_changes_no_probability() -> None:
    one = await weigh(WordScoring(), "a bit louder", (HOTEL, MUSIC), NOW, TERMS)
    other = await weigh(WordScoring(), "a bit louder", (MUSIC, HOTEL), NOW, TERMS)

    assert one.probabilities[0] == pytest.approx(other.probabilities[1])
    assert one.probabilities[2] == pytest.approx(other.probabilities[2])


async def test_weights_serve_only_the_model_they_were_trained_with() -> None:
    known = await weigh(WordScoring(), "louder", (HOTEL, MUSIC), NOW, TERMS, sha256=MODEL_SHA256)
    strange = await weigh(WordScoring(), "louder", (HOTEL, MUSIC), NOW, TERMS, sha256="0" * 64)

    assert known.trained
    assert not strange.trained


async def test_the_language_model_is_not_asked_what_the_reader_is_sure_of() -> None:
    scoring = WordScoring()

    weighed = await weigh(
        scoring, "in the harbour", (HOTEL, MUSIC), NOW, TERMS, sha256=MODEL_SHA256, reader=SureReader(20)
    )

    assert best(weighed) == 0
    assert scoring.asked == []
    assert (weighed.tokens, weighed.read) == (0, 50)
    assert weighed.trained


async def test_where_the_reader_leaves_a_doubt_the_language_model_is_asked_too() -> None:
    scoring = WordScoring()

    weighed = await weigh(scoring, "hmm", (HOTEL, MUSIC), NOW, TERMS, sha256=MODEL_SHA256, reader=SureReader(0))

    assert scoring.asked
    assert (weighed.tokens, weighed.read) == (7, 50)
    assert weighed.model == "words"


async def test_beside_a_model_that_the_weights_were_not_trained_with_the_reader_decides_alone() -> None:
    scoring = WordScoring()

    weighed = await weigh(scoring, "hmm", (HOTEL, MUSIC), NOW, TERMS, sha256="another", reader=SureReader(0))

    assert scoring.asked == []
    assert not weighed.trained


async def test_without_the_reader_after_all_the_scores_decide() -> None:
    text = "The cheap hotel in Oslo"

    weighed = await weigh(WordScoring(), text, (HOTEL, MUSIC), NOW, TERMS, sha256=MODEL_SHA256, reader=NoReader())

    assert weighed == replace(
        await weigh(WordScoring(), text, (HOTEL, MUSIC), NOW, TERMS, sha256=MODEL_SHA256), ms=weighed.ms
    )


async def test_of_very_many_tasks_only_the_first_are_read() -> None:
    reader = SureReader(20)
    many = [seen(f"Errand {n}", minutes=n) for n in range(20)]

    weighed = await weigh(WordScoring(), "the first", many, NOW, TERMS, sha256=MODEL_SHA256, reader=reader)

    assert len(reader.texts) == 8
    assert len(weighed.probabilities) == 21
    assert best(weighed) == 0


async def test_the_evidence_adds_up_to_the_odds() -> None:
    weighed = await weigh(WordScoring(), "louder please", (HOTEL, MUSIC), NOW, TERMS)
    sums = [sum(parts.values()) for parts in weighed.evidence]

    odds = math.log(weighed.probabilities[1] / weighed.probabilities[0])
    assert odds == pytest.approx(sums[1] - sums[0], abs=0.03)


async def test_a_model_that_is_away_is_told_and_the_fallback_still_weighs() -> None:
    with pytest.raises(LLMUnavailable):
        await weigh(BrokenScoring(), "yes", (HOTEL, MUSIC), NOW, TERMS)

    weighed = fallback("yes", (HOTEL, MUSIC), NOW)
    assert best(weighed) == 1
    assert weighed.tokens == 0
    assert weighed.model == ""


async def test_a_choosing_model_decides_by_letter_within_600_tokens() -> None:
    llm = ChoosingLLM("A")
    roster = [seen("word " * 400, "answer? " * 400, minutes=at) for at in range(1, 6)]

    weighed = await weigh_by_choice(llm, "and " * 900, roster, NOW, TERMS)

    assert best(weighed) == 0
    assert weighed.model == "chooser"
    assert await llm.count(llm.prompts[0]) <= 600


async def test_a_choice_offers_every_task_and_a_new_one() -> None:
    prompt = choice("louder", (HOTEL, MUSIC))[-1].text

    assert "A) Find me a hotel in Oslo | last answer: There are 4 hotels. Which price range?" in prompt
    assert "C) something new" in prompt


def test_the_same_message_is_scored_after_a_greeting_and_after_each_task() -> None:
    asked = pairs("louder\nplease", (HOTEL, MUSIC))

    assert {text for _, text in asked} == {" louder please"}
    assert [prefix.endswith("User:") for prefix, _ in asked] == [True, True, True]
    assert asked[1][0].startswith("User: Find me a hotel in Oslo\nAssistant: There are 4 hotels.")


def test_a_prefix_stays_short_however_much_was_said() -> None:
    said = ["something quite long was said here " * 30] * 40

    assert len(prefix(seen("A goal " * 500, *said))) <= 500


def test_a_script_that_costs_more_tokens_gets_fewer_letters() -> None:
    chinese = "\u6211\u60f3\u8ba2\u4e00\u5f20\u684c\u5b50" * 300
    (_, message), (start, _) = pairs(chinese, [seen(chinese, chinese, chinese)])

    assert len(message) <= 70
    assert len(start) <= 200


def test_a_prefix_mostly_grows_at_its_end() -> None:
    said = [f"line number {at}, which is the square root of {at * at}" for at in range(400)]
    prompts = [prefix(seen("A goal", *said[:until])) for until in range(1, 400, 2)]

    grown = sum(later.startswith(earlier.removesuffix("User:")) for earlier, later in pairwise(prompts))
    assert grown >= len(prompts) / 3


def test_what_a_message_looks_like() -> None:
    assert shape("yes please").short
    assert shape("That works for me").short
    assert not shape("Book a table for two at Efes").short
    assert shape("I'm looking for a dentist").opener
    assert shape("Hello there").greeting
    assert shape("Is it far?").pronoun


def test_a_word_that_only_one_task_knows_speaks_for_it_more_than_a_shared_one() -> None:
    oslo = seen("A hotel in Oslo", "Which?")
    rome = seen("A hotel in Rome", "Which?")

    shared = gather("the hotel", (oslo, rome), NOW)
    told_apart = gather("the hotel in Rome", (oslo, rome), NOW)

    assert shared[0]["overlap"] == shared[1]["overlap"]
    assert told_apart[1]["overlap"] > told_apart[0]["overlap"]


def test_every_weight_belongs_to_a_feature() -> None:
    scored = {"choice"} | {name for name in weights.SCORED if name.startswith(("gain", "new_surprise", "new_best"))}
    cheap = {name for features in gather("louder", (HOTEL, MUSIC), NOW) for name in features}

    for table in (weights.TOLD, weights.SCORED, weights.UNTRAINED, weights.CHEAP, weights.CHOSEN):
        assert set(table) <= cheap | scored
