"""Figures that the tests measured, by the promise they're about: printed as one table when all tests are through."""

from collections.abc import Iterator

from msgspec import Struct


class Figure(Struct, frozen=True):
    """What was measured, and what it's held to."""

    promise: int
    what: str
    measured: str
    bar: str


_measured: list[Figure] = []


def note(promise: int, what: str, measured: object, bar: str) -> None:
    """Take down a figure."""
    _measured.append(Figure(promise, what, str(measured), bar))


def table() -> Iterator[str]:
    """Return the table's lines; none if nothing was measured."""
    if not _measured:
        return
    yield "| promise | what | measured | bar |"
    yield "|---|---|---|---|"
    for figure in sorted(_measured, key=lambda figure: figure.promise):
        yield f"| {figure.promise} | {figure.what} | {figure.measured} | {figure.bar} |"
