"""How much the fault tests do: `make faults` all of it, `make test` a part, for a computer with two cores."""

import os
from collections.abc import Sequence

AT_LENGTH = "AGENTHOST_KILLS" in os.environ


def some_of(places: Sequence[str]) -> Sequence[str]:
    """Return every second of them, beginning with the first; at length all."""
    return places if AT_LENGTH else places[::2]
