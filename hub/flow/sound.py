"""Nothing that a model answers is acted upon before it was looked at: counts, numbers, letters."""

import math
import re
from collections.abc import Sequence

from hub.errors import LLMError
from hub.ports import Decision, Matches, Score, Scores

OFF = 0.02
"""So far from 1 may probabilities sum up: servers round."""


UNSOUND = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def sound(decision: Decision, options: Sequence[object]) -> Decision:
    """Return a decision that has a probability for each option; raises LLMError for any other."""
    given = decision.probabilities
    if len(given) != len(options):
        raise LLMError(f"{decision.model} weighed {len(given)} of {len(options)} options")
    if not all(0 <= probability <= 1 for probability in given) or not abs(math.fsum(given) - 1) <= OFF:
        raise LLMError(f"{decision.model} gave probabilities that are none")
    return decision


def sound_scores(scores: Scores, pairs: Sequence[object]) -> Scores:
    """Return scores that have a log-probability for each pair; raises LLMError for any other."""
    if len(scores.scores) != len(pairs):
        raise LLMError(f"{scores.model} scored {len(scores.scores)} of {len(pairs)} texts")
    if not all(_is_sound(score) for score in scores.scores):
        raise LLMError(f"{scores.model} gave log-probabilities that are none")
    return scores


def sound_matches(found: Matches, texts: Sequence[object]) -> Matches:
    """Return matches that have a number for each text and one for none of them; raises LLMError for any other."""
    if len(found.logits) != len(texts) + 1 or not all(map(math.isfinite, found.logits)):
        raise LLMError("the reader gave numbers that are none")
    return found


def sound_text(text: str) -> str:
    """Return a text that can be kept and sent: without half letters, and without controls that nobody can see."""
    return UNSOUND.sub("\N{REPLACEMENT CHARACTER}", text)


def _is_sound(score: Score) -> bool:
    # A hair above 0 is what float32 makes of certainty.
    return math.isfinite(score.logprob) and score.logprob <= 0.01 and score.tokens >= 0
