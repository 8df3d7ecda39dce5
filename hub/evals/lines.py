"""JSON lines of labelled data, as they are or gzipped."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from hub.errors import AgentHostError

T = TypeVar("T", bound=msgspec.Struct)


class DataError(AgentHostError):
    """Labelled data can't be used; the text names the file, the line and what's wrong there."""


def read(path: Path, kind: type[T]) -> Iterator[T]:
    """Yield each line of a .jsonl or .jsonl.gz file as a record; empty lines are skipped. Raises DataError."""
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: {error}") from None
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}") from None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: can't be read: {error}") from None
