"""Aims that are only written down, within the port's bounds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from hub.errors import ToolError
from hub.ports import ToolCall
from hub.records import Check, FileExists, ForFile, ForMessage, ForUrl, Wait


class FakeAims:
    """An Aims: `proposed` and `waits` are what was said."""

    def __init__(self, now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)) -> None:
        self.proposed: tuple[Check, ...] = ()
        self.waits: list[Wait] = []
        self.conversation = False
        self._now = now

    async def propose(self, call: ToolCall, checks: Sequence[Check]) -> str:
        self._refuse()
        if not checks or any(isinstance(check, FileExists) and check.path.startswith((".", "/")) for check in checks):
            raise ToolError("That can't be checked.")
        if self.proposed and self.proposed != tuple(checks):
            raise ToolError("Something else is asked already.")
        self.proposed = tuple(checks)
        return "The person is asked."

    async def wait(self, call: ToolCall, until: str, on: ForMessage | ForFile | ForUrl | None) -> str:
        self._refuse()
        if not until and on is None:
            raise ToolError("Say until when, or for what.")
        if until and not until.startswith("in "):
            raise ToolError(f"{until!r} isn't a time.")
        unit = {"m": 60, "h": 3600, "d": 86400}[until[-1]] if until else 86400
        span = timedelta(seconds=unit * (int(until[3:-1]) if until else 1))
        if span > timedelta(days=30):
            raise ToolError("That's too long.")
        self.waits.append(Wait(until=self._now + span, why="as it was said", on=on))
        return msgspec.json.encode(self.waits[-1]).decode()

    def _refuse(self) -> None:
        if self.conversation:
            raise ToolError("That's only for assignments.")
