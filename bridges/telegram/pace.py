"""How much may be sent now: Telegram's limits, with a share that drafts and edits never take."""

from collections import OrderedDict, deque

from msgspec import Struct

from hub.ports import Clock

OVERALL = 25
"""Calls in a second, of about 30 that Telegram allows."""
EVERY, BURST = 1.0, 4
"""Seconds between two messages to a chat, in the long run; so many may go at once."""
GROUP, GROUP_MINOR, MINUTE = 19, 12, 60.0
"""Messages to a group in a minute, of 20 that Telegram allows; how many of them may be edits."""
CHATS = 2000
"""Chats whose pace is remembered."""


class Chat(Struct, kw_only=True):
    """What was sent to a chat."""

    due: float
    """When the next message would be due if each kept its distance."""
    minute: deque[float]


class Pace:
    """Says how long a call must wait. What's `minor` (drafts and their edits) leaves room for the rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: deque[float] = deque()
        self._chats: OrderedDict[int, Chat] = OrderedDict()
        self._until: dict[int, float] = {}
        self._all_until = 0.0

    def wait(self, chat: int, *, minor: bool = False) -> float:
        """Return how many seconds a call for a chat must wait; 0: it's taken into account, and may be made."""
        now = self._clock.monotonic()
        told = max(self._until.get(chat, 0.0), self._all_until) - now
        if told > 0:
            return told
        known = self._chat(chat, now)
        wait = max(self._overall(now, minor=minor), _wait(known, now, minor=minor, group=chat < 0))
        if wait > 0:
            return wait
        self._all.append(now)
        known.minute.append(now)
        known.due = max(known.due, now) + EVERY
        return 0.0

    def aside(self) -> float:
        """Return how many seconds a call must wait that's no message: a receipt, a menu."""
        now = self._clock.monotonic()
        wait = max(self._all_until - now, self._overall(now, minor=True), 0.0)
        if not wait:
            self._all.append(now)
        return wait

    def slow_down(self, chat: int | None, after: float) -> None:
        """Remember that the platform asked for patience: for a chat, or for all of them."""
        until = self._clock.monotonic() + after
        if chat is None:
            self._all_until = max(self._all_until, until)
            return
        self._until[chat] = max(self._until.get(chat, 0.0), until)
        while len(self._until) > CHATS:
            self._until.pop(next(iter(self._until)))

    def _chat(self, chat: int, now: float) -> Chat:
        found = self._chats.setdefault(chat, Chat(due=now, minute=deque(maxlen=GROUP)))
        self._chats.move_to_end(chat)
        if len(self._chats) > CHATS:
            self._chats.popitem(last=False)
        return found

    def _overall(self, now: float, *, minor: bool) -> float:
        while self._all and self._all[0] <= now - 1.0:
            self._all.popleft()
        limit = OVERALL // 2 if minor else OVERALL
        return self._all[0] + 1.0 - now if len(self._all) >= limit else 0.0


def _wait(chat: Chat, now: float, *, minor: bool, group: bool) -> float:
    ahead = (BURST - 2 if minor else BURST - 1) * EVERY
    waits = [chat.due - ahead - now]
    limit = GROUP_MINOR if minor else GROUP
    if group and len(chat.minute) >= limit:
        waits.append(chat.minute[-limit] + MINUTE - now)
    return max(waits)
