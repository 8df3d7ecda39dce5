"""A closed set -> probabilities, for every backend."""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from hub.ports import Said

CHOSEN = 0.8
"""The probability of an option that a server chose without saying how sure it was."""


def softmax(logprobs: Sequence[float]) -> tuple[float, ...]:
    """Return how likely each option is, given that it's one of them.

    A log-probability is the sum over an option's tokens, not their mean. No option is the beginning of another, so
    the options exclude each other, and dividing by their sum is exact. It follows that a long option has many
    ways to be worded otherwise, and is found less likely: offer options of like length, or short labels.
    """
    top = max(logprobs)
    if top == -math.inf:
        return tuple(1 / len(logprobs) for _ in logprobs)
    weights = [math.exp(value - top) for value in logprobs]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def checked(options: Sequence[str]) -> tuple[str, ...]:
    """Return the options; raises ValueError if they are fewer than two, empty, or one begins another."""
    if len(options) < 2:
        raise ValueError(f"a decision needs two options or more; there are {len(options)}")
    for i, option in enumerate(options):
        for j, other in enumerate(options):
            if i != j and other.startswith(option):
                raise ValueError(f"option {option!r} is the beginning of {other!r}: they can't be told apart")
    return tuple(options)


def labels(count: int) -> tuple[str, ...]:
    """Return short names for options: A, B, ... Z, and numbers where there are more."""
    return tuple(chr(ord("A") + i) if count <= 26 else str(100 + i) for i in range(count))


def appended(prompt: Sequence[Said], text: str) -> tuple[Said, ...]:
    """Return the prompt with a last word to the model, joined to the user's if that came last."""
    if prompt and prompt[-1].role == "user":
        return (*prompt[:-1], Said("user", f"{prompt[-1].text}\n\n{text}", prompt[-1].images))
    return (*prompt, Said(role="user", text=text))


def lettered(prompt: Sequence[Said], options: Sequence[str], lead: str) -> tuple[Said, ...]:
    """Return the prompt with its options as a list to choose from by letter."""
    lines = [f"{label}) {option.strip()}" for label, option in zip(labels(len(options)), options, strict=True)]
    start = f"Which of these goes on from “{lead.strip()}”?" if lead.strip() else "Which of these is your answer?"
    return appended(prompt, "\n".join([start, *lines, "Answer with the letter only."]))


def by_letter(likely: Mapping[str, float], count: int) -> tuple[float, ...] | None:
    """Return the options' probabilities from the log-probabilities of the likeliest tokens; None if no letter is there.

    One token may write a letter with a space, a bracket or a bold star; they count together. A letter that's not among
    the likeliest is at most as likely as the last of them.
    """
    # Servers have told log-probabilities above 0, and none at all.
    sound = {token: min(logprob, 0.0) for token, logprob in likely.items() if math.isfinite(logprob)}
    found: dict[str, list[float]] = {label: [] for label in labels(count)}
    for token, logprob in sound.items():
        if (letter := _bare(token)) in found:
            found[letter].append(logprob)
    if not any(found.values()):
        return None
    least = min(sound.values())
    return softmax([_total(values) if values else least for values in found.values()])


def letter_in(said: str, count: int) -> int | None:
    """Return which option an answer names; None if it's none, or several."""
    known = labels(count)
    with suppress(msgspec.DecodeError, UnicodeError):
        said = str(msgspec.json.decode(said, type=dict[str, str]).get("answer", said))
    named = {word for word in re.findall(r"[A-Za-z0-9]+", said) if word in known}
    return known.index(named.pop()) if len(named) == 1 else None


def sure_of(chosen: int, count: int) -> tuple[float, ...]:
    """Return probabilities where only a choice is known, not how sure it was."""
    rest = (1 - CHOSEN) / (count - 1)
    return tuple(CHOSEN if i == chosen else rest for i in range(count))


def _bare(token: str) -> str:
    return token.strip(" \t\n()*\"'`.:")


def _total(logprobs: Sequence[float]) -> float:
    top = max(logprobs)
    return top + math.log(math.fsum(math.exp(value - top) for value in logprobs))
