"""Passwords as they're kept: Argon2id hashes, as PHC strings; of the hub's people, and of a registry's accounts.

Hashing takes a processor and its memory for about a tenth of a second, so few are hashed side by side, and few wait.
"""

import asyncio
import base64
import binascii
import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hub.errors import TooMany

T = TypeVar("T")
AT_ONCE = 2
"""Passwords that are hashed at a time: each takes its memory."""
WAITING = 40
"""Passwords that wait to be hashed; more are sent away."""
MEMORY = 64 * 1024
"""KiB that a hash takes: RFC 9106's second recommendation, with 3 rounds."""
ROUNDS = 3
LENGTH = 32
SALT = 16
PHC = re.compile(r"\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=1\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})")


class Hashing:
    """Hashes passwords beside everything else that's done."""

    def __init__(self, memory: int = MEMORY) -> None:
        """`memory` is in KiB."""
        self._memory = memory
        self._lanes = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        # Held against what's given for a name that nobody has, so that both take as long. It's of no password, and so
        # needn't be hashed while the hub starts.
        self._nobodys = _phc(memory, secrets.token_bytes(SALT), secrets.token_bytes(LENGTH))

    async def hashed(self, password: str, beside: Sequence[str] = ()) -> str:
        """Return what's to be kept of a password; raises TooMany.

        `beside` are hashes that it's going to be looked up together with: it gets the salt of the first.
        """
        salt = next((found[2] for each in beside if (found := _parts(each))), None)
        return await self._beside(lambda: hashed(password, self._memory, salt))

    async def fitting(self, password: str, kept: Sequence[str]) -> tuple[bool, ...]:
        """Say of each of these hashes whether it's this password's; raises TooMany.

        It takes as long for none, for one, and for several with the same salt: an empty one is nobody's.
        """
        return await self._beside(lambda: fitting(password, kept, self._nobodys))

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise TooMany("too many sign in at this moment; try again in a few seconds", 3.0)
        self._waiting += 1
        try:
            async with self._lanes:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def prepared(password: str) -> str:
    """Return a password in Unicode's form NFKC: keyboards write the same letters in different ways."""
    return unicodedata.normalize("NFKC", password)


def hashed(password: str, memory: int, salt: bytes | None = None) -> str:
    """Return a password's Argon2id hash as a PHC string; `memory` is in KiB."""
    salt = salt or secrets.token_bytes(SALT)
    return _phc(memory, salt, _derived(password, salt, memory, ROUNDS))


def fitting(password: str, kept: Sequence[str], nobodys: str) -> tuple[bool, ...]:
    """Say of each of these hashes whether it's this password's; where there's none to try, `nobodys` is tried."""
    derived: dict[tuple[int, int, bytes], bytes] = {}
    answers = []
    for each in kept if any(map(_parts, kept)) else (*kept, nobodys):
        parts = _parts(each)
        if parts is None:
            answers.append(False)
            continue
        memory, rounds, salt, expected = parts
        if (memory, rounds, salt) not in derived:
            derived[memory, rounds, salt] = _derived(password, salt, memory, rounds, len(expected))
        answers.append(hmac.compare_digest(derived[memory, rounds, salt], expected))
    return tuple(answers[: len(kept)])


def _derived(password: str, salt: bytes, memory: int, rounds: int, length: int = LENGTH) -> bytes:
    # One lane: several that are filled side by side share OpenSSL's threads with the next password's, and then it fails
    # ("not enough memory") or hangs.
    kdf = Argon2id(salt=salt, length=length, iterations=rounds, lanes=1, memory_cost=memory)
    return kdf.derive(password.encode("utf-8", "surrogatepass"))


def _phc(memory: int, salt: bytes, hash: bytes) -> str:
    return f"$argon2id$v=19$m={memory},t={ROUNDS},p=1${_text(salt)}${_text(hash)}"


def _parts(kept: str) -> tuple[int, int, bytes, bytes] | None:
    """Return the memory, rounds, salt and hash in a PHC string."""
    found = PHC.fullmatch(kept)
    if found is None:
        return None
    try:
        salt, hash = (base64.b64decode(part + "=" * (-len(part) % 4)) for part in found.groups()[2:])
    except binascii.Error:
        return None
    return int(found[1]), int(found[2]), salt, hash


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
