"""How much may be sent now: Telegram's limits, with a share that drafts and edits never take."""

from collections import OrderedDict, deque

from hub.ports import Clock

OVERALL = 25
"""Calls in a second, of about 30 that Telegram allows."""
BURST = 4
"""Messages at once to one chat; then one a second."""
GROUP, GROUP_MINOR, MINUTE = 19, 12, 60.0
"""Messages to a group in a minute, of 20 that Telegram allows; how many of them may be edits."""
CHATS = 2000
"""Chats whose pace is remembered."""


class Pace:
    """Says how long a call must wait. What's `minor` (drafts and their edits) leaves room for the rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: deque[float] = deque()
        self._chats: OrderedDict[int, deque[float]] = OrderedDict()
        self._until: dict[int, float] = {}
        self._all_until = 0.0

    def wait(self, chat: int, *, minor: bool = False) -> float:
        """Return how many seconds a call for a chat must wait; 0: it's taken into account, and may be made."""
        now = self._clock.monotonic()
        told = max(self._until.get(chat, 0.0), self._all_until) - now
        if told > 0:
            return told
        sent = self._sent(chat)
        wait = max(self._overall(now, minor=minor), _chat(sent, now, minor=minor, group=chat < 0))
        if wait <= 0:
            self._all.append(now)
            sent.append(now)
        return max(wait, 0.0)

    def slow_down(self, chat: int | None, after: float) -> None:
        """Remember that the platform asked for patience: for a chat, or for all of them."""
        until = self._clock.monotonic() + after
        if chat is None:
            self._all_until = max(self._all_until, until)
            return
        self._until[chat] = max(self._until.get(chat, 0.0), until)
        while len(self._until) > CHATS:
            self._until.pop(next(iter(self._until)))

    def _sent(self, chat: int) -> deque[float]:
        sent = self._chats.setdefault(chat, deque(maxlen=2 * GROUP))
        self._chats.move_to_end(chat)
        if len(self._chats) > CHATS:
            self._chats.popitem(last=False)
        return sent

    def _overall(self, now: float, *, minor: bool) -> float:
        while self._all and self._all[0] <= now - 1.0:
            self._all.popleft()
        limit = OVERALL // 2 if minor else OVERALL
        return self._all[0] + 1.0 - now if len(self._all) >= limit else 0.0


def _chat(sent: deque[float], now: float, *, minor: bool, group: bool) -> float:
    while sent and sent[0] <= now - MINUTE:
        sent.popleft()
    burst = BURST - 1 if minor else BURST
    waits = [_within(sent, now, burst, float(BURST))]
    if group:
        waits.append(_within(sent, now, GROUP_MINOR if minor else GROUP, MINUTE))
    return max(waits)


def _within(sent: deque[float], now: float, limit: int, span: float) -> float:
    """Return how long to wait so that no more than `limit` fall into any `span`."""
    if len(sent) < limit:
        return 0.0
    return sent[-limit] + span - now
