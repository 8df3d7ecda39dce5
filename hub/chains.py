"""Chains of rows: each holds the hash of the one before, so that none is changed or left out unnoticed."""

from hashlib import sha256

import msgspec

FIRST = "0" * 64
"""What the first row of a chain has for the hash of the one before."""


def linked(told: tuple[object, ...]) -> str:
    """Return the hash of a row, in hexadecimal: of all that it tells, the hash of the one before among it."""
    return sha256(msgspec.json.encode(told)).hexdigest()


def digest(told: object) -> str:
    """Return the SHA-256 of something's JSON, its keys in order, in hexadecimal."""
    return sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()
