"""What each feature counts for, by what was asked: a scoring model, a choosing one, or none."""

from collections.abc import Mapping

UNTRAINED: Mapping[str, float] = {
    # A message continues what was last spoken of, unless its words or the model's scores speak against it.
    "last": 1.2,
    "second": 0.3,
    "age": -1.0,
    "last_asked": 1.0,
    "over": -0.8,
    "overlap": 1.0,
    "echo": 1.0,
    "peak": 1.0,
    "last_short": 1.5,
    "asked_answer": 0.7,
    "wide_answer": -1.0,
    "wide_told": 0.5,
    "asked_digits": 0.4,
    "gain": 3.0,
    # Something new is opened with a wish, a greeting, or words that no task has.
    "new": -1.5,
    "new_opener": 2.0,
    "new_greeting": 1.5,
    "new_short": -2.5,
    "new_pronoun": -0.7,
    "new_answer": -1.5,
    "new_thanks": -1.5,
    "new_unknown": 1.5,
    "new_age": 0.7,
    "new_last_over": 0.7,
}
CHEAP: Mapping[str, float] = {name: weight for name, weight in UNTRAINED.items() if name != "gain"}
CHOSEN: Mapping[str, float] = {**CHEAP, "choice": 1.0}
SCORED: Mapping[str, float] = UNTRAINED
