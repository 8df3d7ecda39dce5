"""How things look in a terminal."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.cli.words import ago, plain, short, size, verdict
from hub.records import Again, Ask, Choice, Done


@pytest.mark.parametrize("bad", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202egnp.exe", "\r", "\x00", "\x7f"])
def test_nothing_that_a_terminal_obeys_comes_through(bad: str) -> None:
    assert not set(plain(f"a{bad}b")) & set("\x1b\x07\x9b\u202e\r\x00\x7f")


def test_ordinary_text_stays_as_it_is() -> None:
    assert plain("Grüße,\n\tda\r\n— 你好 👍🏽") == "Grüße,\n\tda\n— 你好 👍🏽"


def test_a_long_title_is_cut_on_one_line() -> None:
    assert short("one\ntwo  three", 8) == "one two…"


def test_times_are_told_from_now() -> None:
    now = datetime.now(UTC)

    assert ago(now - timedelta(minutes=5, seconds=2)) == "5 min ago"
    assert ago(now + timedelta(hours=3, seconds=2)) == "in 3 h"
    assert ago(None) == ""


def test_sizes_are_told_in_units() -> None:
    assert [size(count) for count in (12, 98_362_432, 5 * 10**12)] == ["12 B", "98.4 MB", "5000.0 GB"]


def test_a_verdict_is_told_in_a_line() -> None:
    assert verdict(Done(summary="Booked")) == "done: Booked"
    assert verdict(Again(after=5.0, why="not yet")) == "again: 5.0: not yet"
    assert verdict(Ask(question="When?", choices=(Choice(id="1", text="Now"),))) == "ask: When?"
    assert verdict(None) == ""
