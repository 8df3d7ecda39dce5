"""What came of an agent's speaking."""

from dataclasses import dataclass
from typing import Literal

from hub.flow.calling import Held
from hub.records import Step, Wait


@dataclass(frozen=True)
class Spoken:
    """An answer with what it cost."""

    text: str
    reason: Literal["stop", "length"]
    steps: tuple[Step, ...]
    tokens_in: int
    tokens_out: int
    ms: float
    held: Held | None = None
    """Nothing was said: a call waits for its person, and the turn ends with that."""
    spent: str = ""
    """Nothing was said: another step would have cost more than the task may; what of it, in words."""
    gone: bool = False
    """It's not the task's limits that are spent, but what its tenant may take."""
    wait: Wait | None = None
    """What the agent would have its task wait for; the turn ended with that."""
