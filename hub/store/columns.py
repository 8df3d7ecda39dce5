"""The kinds of columns that the tables have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Dialect, Float, Integer, Text
from sqlalchemy.types import TypeDecorator

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


class Packed(TypeDecorator[Any]):
    """A structured value as JSON text."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self._decoder.decode(value)


def a_text(name: str, *, null: bool = False) -> Column[str]:
    """Return a column of words."""
    return Column(name, Text, nullable=null)


def an_int(name: str) -> Column[int]:
    """Return a column of whole numbers."""
    return Column(name, Integer, nullable=False)


def a_float(name: str) -> Column[float]:
    """Return a column of numbers."""
    return Column(name, Float, nullable=False)


def a_time(name: str, *, null: bool = False) -> Column[datetime]:
    """Return a column of times."""
    return Column(name, Time, nullable=null)


def packed(name: str, kind: Any, *, null: bool = False) -> Column[Any]:
    """Return a column of structured values."""
    return Column(name, Packed(kind), nullable=null)
