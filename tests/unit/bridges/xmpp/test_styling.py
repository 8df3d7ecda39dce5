"""Markdown becomes text that reads well in any client, and is split without breaking code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.xmpp.styling import pieces, styled

TABLE = """\
| Train | Leaves |
|---|---:|
| **ICE** 7 | 08:30 |
| RE | 9:05 |
"""
DRAWN = """\
```
Train | Leaves
------+-------
ICE 7 | 08:30
RE    | 9:05
```"""


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("plain", "plain"),
        ("**bold** and *thin* and ~~gone~~ and `x = 1`", "*bold* and _thin_ and ~gone~ and `x = 1`"),
        ("# A **big** heading\n\nand text", "*A big heading*\n\nand text"),
        ("a\nb  \nc", "a\nb\nc"),
        ("- one\n- two\n  - inner\n- three", "- one\n- two\n  - inner\n- three"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("> said\n> so", "> said\n> so"),
        (
            "[here](https://example.org/a) or <https://example.org>",
            "here (https://example.org/a) or https://example.org",
        ),
        ("![a cat](https://example.org/cat.png)", "a cat (https://example.org/cat.png)"),
        ("```python\nx = 1\n\ny = 2\n```", "```\nx = 1\n\ny = 2\n```"),
        ("1. do\n\n   ```\n   make run\n   ```", "1. do\n\n```\nmake run\n```"),
        ("~~~~\n```\n~~~~", "```\n ```\n```"),
        ("**unclosed and _odd_", "**unclosed and _odd_"),
        ("<b>raw</b>", "<b>raw</b>"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        (TABLE, DRAWN),
        ("", ""),
    ],
)
def test_markdown_reads_well(markdown: str, text: str) -> None:
    assert styled(markdown) == text


def test_a_very_long_text_stays_as_it_is() -> None:
    assert styled("**a** " * 20_000) == "**a** " * 20_000


@given(st.text(max_size=3_000), st.integers(min_value=50, max_value=400))
def test_no_piece_is_too_long_and_no_letter_is_lost(text: str, limit: int) -> None:
    made = pieces(text, limit)
    assert all(len(piece) <= limit for piece in made)
    letters = [letter for letter in text if letter.isalnum()]
    assert [letter for piece in made for letter in piece if letter.isalnum()] == letters


def test_code_that_is_split_is_code_in_each_piece() -> None:
    code = "\n".join(f"line {number}" for number in range(100))
    made = pieces(f"Look:\n\n```\n{code}\n```\n\nThat's it.", 300)
    assert len(made) >= 3
    assert all(piece.count("```") % 2 == 0 for piece in made)
    lines = [line for piece in made for line in piece.splitlines() if line.startswith("line")]
    assert lines == code.splitlines()
    assert made[-1].endswith("That's it.")


def test_pieces_end_with_paragraphs_where_they_can() -> None:
    made = pieces("\n\n".join("word " * 20 for _ in range(10)), 250)
    assert all(len(piece.split("\n\n")) == 2 for piece in made)
