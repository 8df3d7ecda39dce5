"""Codes that people pass on by hand: short, without look-alikes, and kept only as a slow hash."""

import asyncio
import hashlib
import re
import secrets
from collections import OrderedDict, deque

from hub.ports import Clock
from hub.records import TenantId

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8
WRONG = 5
"""Wrong codes that somebody may send in an hour."""
WRONG_OF_ALL = 300
"""Wrong codes that all together may send in an hour: names cost an attacker nothing."""
HOUR = 3600.0
REMEMBERED = 10_000


def new_code() -> str:
    """Return a code of 39 random bits."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def is_code(text: str) -> bool:
    """Say whether a text may be a code, however it's written."""
    return len(_plain(text)) == LENGTH and set(_plain(text)) <= set(LETTERS)


async def hashed(tenant: TenantId, code: str) -> str:
    """Return what's kept of a code: 39 bits need a slow hash, or who reads the database soon has the codes."""
    digest = await asyncio.to_thread(
        hashlib.scrypt, _plain(code).encode(), salt=f"pairing {tenant}".encode(), n=2**13, r=8, p=1
    )
    return digest.hex()


class Tries:
    """How many wrong codes somebody has sent lately."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=WRONG_OF_ALL)

    def too_many(self, who: str) -> bool:
        """Say whether they may not try again for now."""
        return self._lately(self._wrong.get(who, deque())) >= WRONG or self._lately(self._all) >= WRONG_OF_ALL

    def failed(self, who: str) -> None:
        """Count a wrong one."""
        self._all.append(self._clock.monotonic())
        self._wrong.setdefault(who, deque()).append(self._clock.monotonic())
        self._wrong.move_to_end(who)
        if len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)

    def _lately(self, wrong: deque[float]) -> int:
        while wrong and self._clock.monotonic() - wrong[0] > HOUR:
            wrong.popleft()
        return len(wrong)


def _plain(text: str) -> str:
    return re.sub(r"[\s-]", "", text).upper()
