"""Passwords as they're kept."""

import asyncio
import time

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hub import passwords
from hub.errors import TooMany
from hub.passwords import MEMORY, Hashing, hashed, prepared

FEW = 1024
"""KiB: enough for what isn't about time."""


async def test_what_is_kept_is_argon2id_with_a_salt_of_its_own() -> None:
    hashing = Hashing(FEW)
    first, second = await hashing.hashed("correct horse"), await hashing.hashed("correct horse")

    assert first.startswith("$argon2id$v=19$m=1024,t=3,p=1$")
    assert first != second
    Argon2id.verify_phc_encoded(b"correct horse", first)
    assert await hashing.fitting("correct horse", [first, second]) == (True, True)
    assert await hashing.fitting("correct hors", [first, second]) == (False, False)


async def test_hashes_that_others_made_are_understood() -> None:
    kdf = Argon2id(salt=b"s" * 16, length=32, iterations=2, lanes=1, memory_cost=FEW)
    others = kdf.derive_phc_encoded(b"correct horse")

    assert await Hashing(FEW).fitting("correct horse", [others]) == (True,)


async def test_what_is_no_hash_is_nobodys_password() -> None:
    odd = ["", "correct horse", "$argon2id$v=19$m=1024,t=3,p=1$x$y", "$2b$12$" + "a" * 53]

    assert await Hashing(FEW).fitting("correct horse", odd) == (False,) * 4
    assert await Hashing(FEW).fitting("", odd) == (False,) * 4
    assert await Hashing(FEW).fitting("x", []) == ()


async def test_hashes_that_are_looked_up_together_have_one_salt_and_take_the_time_of_one() -> None:
    """Else the time would tell in how many tenants an address is known."""
    hashing = Hashing()
    first = await hashing.hashed("first password")
    second = await hashing.hashed("second password", [first])
    took = {}
    for name, kept in {"none": [], "one": [first], "two": [first, second]}.items():
        began = time.perf_counter()
        for _ in range(3):
            await hashing.fitting("second password", kept)
        took[name] = time.perf_counter() - began

    assert first.split("$")[4] == second.split("$")[4]
    assert await hashing.fitting("second password", [first, second]) == (False, True)
    assert max(took.values()) < 1.9 * min(took.values()), took


async def test_so_many_at_once_are_sent_away_and_the_others_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAITING", 3)
    hashing = Hashing(FEW)
    answers = await asyncio.gather(*(hashing.hashed("correct horse") for _ in range(5)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [str, str, str, TooMany, TooMany]
    assert await hashing.hashed("correct horse")


async def test_many_beside_each_other_come_out_right() -> None:
    hashing = Hashing(MEMORY)
    kept = await asyncio.gather(*(hashing.hashed(f"password {n}") for n in range(6)))

    assert [(await hashing.fitting(f"password {n}", [each]))[0] for n, each in enumerate(kept)] == [True] * 6


def test_the_same_letters_typed_differently_are_the_same_password() -> None:
    assert prepared("Zu\u0308rich ﬁsh \u2163") == prepared("Z\u00fcrich fish IV")


def test_what_has_no_utf_8_is_hashed_all_the_same() -> None:
    assert hashed("half a pair: \ud83d", FEW).startswith("$argon2id$")
