"""The kinds of columns that the tables have.

No text is refused for a character in it: NUL (PostgreSQL takes none) and halves of surrogate pairs (which have no
UTF-8) are kept as U+FFFD, in every database alike. People's words are cleaned before, where they come in.
"""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Dialect, Float, Integer, Text
from sqlalchemy.types import TypeDecorator

UNKEEPABLE = re.compile("[\0\ud800-\udfff]")
LONGEST_NAME = 600
"""Bytes. PostgreSQL's indexes hold 2,704, and four such names stand in one."""
REPLACEMENT = "\ufffd"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Time(TypeDecorator[datetime]):
    """An aware time as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


class Words(TypeDecorator[str]):
    """A text that every database can keep."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else keepable(value)


class Names(Words):
    """A text that's looked up by: one that's longer than an index can hold is kept shortened, and found by the whole.

    Platforms let strangers choose such names, as XMPP does ids and threads.
    """

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        kept = super().process_bind_param(value, dialect)
        if kept is None or len(kept) * 4 <= LONGEST_NAME:
            return kept
        whole = kept.encode()
        if len(whole) <= LONGEST_NAME:
            return kept
        return f"{whole[: LONGEST_NAME - 65].decode(errors='ignore')}~{sha256(whole).hexdigest()}"


class Packed(TypeDecorator[Any]):
    """A structured value as JSON text."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        try:
            return msgspec.json.encode(value).decode()
        except UnicodeEncodeError:
            return msgspec.json.encode(_keepable_throughout(msgspec.to_builtins(value))).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self._decoder.decode(value)


def keepable(text: str) -> str:
    """Return a text without the characters that no database takes."""
    return UNKEEPABLE.sub(REPLACEMENT, text) if not text.isascii() or "\0" in text else text


def a_text(name: str, *, null: bool = False) -> Column[str]:
    """Return a column of words."""
    return Column(name, Words, nullable=null)


def a_name(name: str, *, null: bool = False) -> Column[str]:
    """Return a column of what others call things."""
    return Column(name, Names, nullable=null)


def an_int(name: str) -> Column[int]:
    """Return a column of whole numbers."""
    return Column(name, Integer, nullable=False)


def a_count(name: str) -> Column[int]:
    """Return a column of numbers that only grow, and may grow large."""
    return Column(name, BigInteger, nullable=False)


def a_float(name: str) -> Column[float]:
    """Return a column of numbers."""
    return Column(name, Float, nullable=False)


def a_time(name: str, *, null: bool = False) -> Column[datetime]:
    """Return a column of times."""
    return Column(name, Time, nullable=null)


def packed(name: str, kind: Any, *, null: bool = False) -> Column[Any]:
    """Return a column of structured values."""
    return Column(name, Packed(kind), nullable=null)


def _keepable_throughout(value: Any) -> Any:
    match value:
        case str():
            return keepable(value)
        case dict():
            return {keepable(str(name)): _keepable_throughout(part) for name, part in value.items()}
        case list() | tuple():
            return [_keepable_throughout(part) for part in value]
        case _:
            return value
