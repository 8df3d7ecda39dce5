"""A model that answers with whatever breaks those who trust it: seeded, so that a failure can be had again."""

import json
import math
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import jsonschema

from hub.errors import ContextOverflow, LLMError, LLMTimeout, LLMUnavailable
from hub.ports import Decision, Effect, End, Example, Filled, Piece, Said, Score, Scores, Terms, ToolCall
from hub.testing import ScriptedLLM

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "expression": {"type": "string", "maxLength": 40},
        "times": {"type": "integer", "minimum": 1, "maximum": 9},
        "mode": {"enum": ["fast", "exact"]},
        "names": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "where": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
        "deep": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
    },
    "required": ["expression"],
    "additionalProperties": False,
}
GOOD: dict[str, Any] = {
    "expression": "1+1",
    "times": 2,
    "mode": "fast",
    "names": ["a"],
    "where": {"x": 1.5},
    "deep": None,
}
WORDS = (
    *("", " ", "\x00", "\ud800", "\u202e", "🙈" * 40, "\r\n\r\n", "x" * 20_000, "9" * 400, "[" * 3_000, "{"),
    *("null", "NaN", "true", "-0.0", "1e999", "A", "B", "yes", "none", "work_out", "%s%n", "{{7*7}}", "=cmd()"),
    *("<|im_start|>system", "]]>", "'; DROP TABLE tasks;--", "../../etc/passwd"),
    *("I'll do it right away!", "Is that all?", "Done, it's booked."),
)
NUMBERS = (math.nan, math.inf, -math.inf, -1.0, 0.0, -0.0, 0.5, 1.0, 2.0, 1e308, -1e308, 5e-324)
ERRORS = (LLMError("garbage"), LLMTimeout("late"), ContextOverflow(9, 1), LLMUnavailable("gone"))


class Hostile:
    """Makes what nobody expects."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def word(self) -> str:
        """Return a text: long, empty, half a letter, somebody else's syntax."""
        return "".join(self.random.choices(WORDS, k=self.random.choice((1, 1, 2, 3))))

    def value(self, depth: int = 0) -> Any:
        """Return any JSON value."""
        plain: Any = self.random.choice(
            (self.word(), self.random.choice(NUMBERS), True, False, None, 0, -1, 2**63, -(2**70), 10**30)
        )
        if depth > 3 or self.random.random() < 0.6:
            return plain
        many = range(self.random.randrange(4))
        if self.random.random() < 0.5:
            return [self.value(depth + 1) for _ in many]
        return {self.word()[:40]: self.value(depth + 1) for _ in many}

    def arguments(self) -> str:
        """Return what should have been JSON that fits the schema: good, nearly good, broken, or none at all."""
        values = dict(GOOD)
        for _ in range(self.random.randrange(4)):
            name = self.random.choice([*GOOD, "extra", "__class__", self.word()[:20]])
            values[name] = self.value()
            if self.random.random() < 0.3:
                del values[name]
        text = json.dumps(values)
        if self.random.random() < 0.3:
            return text
        return self.random.choice(
            (
                self.word(),
                text[: self.random.randrange(len(text))],
                json.dumps(self.value()),
                "[" * 20_000 + "]" * 20_000,
                '{"expression":' * 5_000 + "1" + "}" * 5_000,
                f"```json\n{text}\n```",
                text.replace('"', "'"),
                text[:-1] + f', "expression": {json.dumps(self.value())}}}',
            )
        )

    def numbers(self, count: int) -> tuple[float, ...]:
        """Return what should have been so many numbers."""
        many = self.random.choice((count, count, count, count, 0, 1, count + 1, count + 50))
        if self.random.random() < 0.3:
            return tuple(1 / count for _ in range(count))
        return tuple(self.random.choice(NUMBERS) for _ in range(many))

    def may_fail(self) -> None:
        """Raise what a model may raise, now and then."""
        if self.random.random() < 0.05:
            raise self.random.choice(ERRORS)


class HostileLLM(ScriptedLLM):
    """Breaks every promise of the port that a model's words and numbers could break."""

    def __init__(self, seed: int, **fields: Any) -> None:
        super().__init__(**fields)
        self.hostile = Hostile(seed)
        self.good = False
        self.answers = 0
        """How often it was asked for anything."""

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End, None]:
        self.answers += 1
        if self.good:
            yield Piece("Paris.")
        else:
            self.hostile.may_fail()
            for _ in range(self.hostile.random.choice((0, 1, 1, 2, 30))):
                yield Piece(self.hostile.word())
            if self.hostile.random.random() < 0.05:
                return
        yield End(reason="stop", tokens_in=1, tokens_new=1, tokens_out=1, ms=1.0, ms_first=1.0)

    async def decide(self, prompt: Sequence[Said], options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        self.answers += 1
        if self.good:
            sure = (*(0.0 for _ in options[1:]), 1.0)
            return Decision(probabilities=sure, model="good", tokens=1, ms=1.0)
        self.hostile.may_fail()
        return Decision(probabilities=self.hostile.numbers(len(options)), model="hostile", tokens=1, ms=1.0)

    async def fill(
        self, prompt: Sequence[Said], schema: Mapping[str, object], ask: Terms, *, lead: str = "", limit: int = 200
    ) -> Filled:
        self.answers += 1
        self.hostile.may_fail()
        return Filled(json=self.hostile.arguments(), tokens_in=1, tokens_out=1, ms=1.0)

    async def score(self, pairs: Sequence[tuple[str, str]], ask: Terms) -> Scores:
        self.answers += 1
        self.hostile.may_fail()
        scores = tuple(
            Score(logprob=number, tokens=self.hostile.random.choice((0, 1, 5, -1)))
            for number in self.hostile.numbers(len(pairs))
        )
        return Scores(scores=scores, model="hostile", tokens=1, ms=1.0)


class Guarded:
    """A tool that is offered for everything, and fails the test if it's called with what its schema doesn't allow."""

    description = "Works things out."
    schema: Mapping[str, object] = SCHEMA
    effect: Effect = "none"
    examples = (Example("Work it out", {"expression": "1+1"}),)
    others = ("Hello",)

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.unfit: list[Mapping[str, object]] = []

    def fits(self, text: str) -> bool:
        return True

    async def call(self, call: ToolCall) -> str:
        self.calls += 1
        if not jsonschema.Draft202012Validator(SCHEMA).is_valid(dict(call.arguments)):
            self.unfit.append(call.arguments)
        return "42"
