"""How much context fits into a limit of memory."""

import os

import pytest

from hub.llm.memory import BESIDES, LEAST, MB, context, resident

CELL = 23_040
FILE = 98_000_000


def test_without_a_limit_the_context_is_what_was_wished_for() -> None:
    assert context(4096, megabytes=0, file=FILE, cell=CELL, spare=1.5) == 4096


@pytest.mark.parametrize("megabytes", [290, 300, 350, 400, 1000])
def test_all_of_it_fits(megabytes: int) -> None:
    found = context(4096, megabytes=megabytes, file=FILE, cell=CELL, spare=1.5)

    assert LEAST <= found <= 4096
    assert FILE + BESIDES + CELL * max(found * 1.5, found + 1024) <= megabytes * MB


def test_where_too_little_fits_it_says_how_much_is_needed() -> None:
    with pytest.raises(ValueError, match=r"needs \d+ MB at least, and llm.memory_mb allows 200") as told:
        context(4096, megabytes=200, file=FILE, cell=CELL, spare=1.5)

    needed = int(str(told.value).split()[2])
    assert context(4096, megabytes=needed, file=FILE, cell=CELL, spare=1.5) >= LEAST


def test_what_a_process_takes_is_told() -> None:
    assert resident(os.getpid()) > 5
    assert resident(2**22 + 1) == 0
