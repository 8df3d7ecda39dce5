"""What a client asks of a representation that it may have in part: RFC 9110's conditions and ranges."""

import re

ONE_RANGE = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", re.IGNORECASE | re.ASCII)
TAG = re.compile(r'(?:W/)?("[^"]*")')


class OutOfRange(Exception):
    """No byte of what was asked for is there."""


def is_same(if_none_match: str | None, tag: str) -> bool:
    """Say whether the client has what this entity tag stands for."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in TAG.findall(if_none_match)


def part_of(asked: str | None, if_range: str | None, tag: str, size: int) -> tuple[int, int] | None:
    """Return where the part begins and ends that's asked for; None for the whole.

    Several parts in one answer aren't given: the whole is, as RFC 9110 allows. Raises OutOfRange.
    """
    found = ONE_RANGE.fullmatch(asked or "")
    if found is None or (if_range is not None and if_range.strip() != tag) or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, stop = max(0, size - int(found[2])), size
    else:
        start, stop = int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)
        if found[2] and int(found[2]) < start:
            return None
    if start >= stop:
        raise OutOfRange
    return start, stop
