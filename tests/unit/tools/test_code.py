"""When code is wanted, and when a message is nothing but code."""

import pytest

from hub.ports import ToolCall
from hub.tools.code import RunPython
from tests.unit.tools.calls import use


async def shown(call: ToolCall, code: str) -> str:
    return f"ran <{code}>"


TOOL = RunPython(shown)


@pytest.mark.parametrize(
    "text",
    [
        "Compute the mean of these",
        "simulate 1000 dice",
        "Do it in Python",
        "run this code please",
        "How many ways are there to pay a euro?",
        "sum of all primes below 100",
        "what does this do? ```\nprint(1)\n```",
    ],
)
def test_it_is_offered_where_something_is_to_be_computed(text: str) -> None:
    assert TOOL.fits(text)


@pytest.mark.parametrize("text", ["hello", "my computer is slow", "what's the dress code?", "I like my program"])
def test_plain_talk_costs_nothing(text: str) -> None:
    assert not TOOL.fits(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\nprint(1)\n```", "print(1)"),
        ("\n```py\nx = 1\nx\n```\n", "x = 1\nx"),
        ("```\n1 + 1\n```", "1 + 1"),
        ("Run this:\n```python\nprint(1)\n```", None),
        ("```python\nprint(1)\n```\nWhat's wrong?", None),
        ("```bash\nls\n```", None),
        ("```python\n\n```", None),
        ("```python\n1\n```\n```python\n2\n```", None),
        ("print(1)", None),
    ],
)
def test_only_a_message_that_is_all_code_is_read(text: str, code: str | None) -> None:
    assert TOOL.read(text) == (None if code is None else {"code": code})


@pytest.mark.parametrize("code", ["1 + 1", "```python\n1 + 1\n```"])
async def test_fences_around_the_code_are_taken_off(code: str) -> None:
    assert await use(TOOL, code=code) == "ran <1 + 1>"
