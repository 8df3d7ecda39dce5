"""Arithmetic: right, plain, and within limits."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ToolError
from hub.tools.calculate import Calculate, evaluate, show
from tests.unit.tools.calls import use

tool = Calculate()


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("17*23", "17*23 = 391"),
        ("0.1 + 0.2", "0.1 + 0.2 = 0.3"),
        ("3*19.99", "3*19.99 = 59.97"),
        ("10/3", "10/3 = about 3.33333333333"),
        ("84/4", "84/4 = 21"),
        ("2**64", "2**64 = 18446744073709551616"),
        ("2^10 =", "2^10 = 1024"),
        ("17 % 5", "17 % 5 = 2"),
        ("15% of 80", "15% of 80 = 12"),
        ("1,234 + 766", "1,234 + 766 = 2000"),
        ("sqrt(2)", "sqrt(2) = about 1.41421356237"),
        ("max(3, 9) - abs(-4)", "max(3, 9) - abs(-4) = 5"),
        ("round(2.675, 2)", "round(2.675, 2) = 2.68"),
        ("-7 // 2", "-7 // 2 = -4"),
        ("10**40 / 3", "10**40 / 3 = about 3.33333333333e+39"),
        ("12 times 12", "12 times 12 = 144"),
    ],
)
async def test_a_result_is_written_plainly_with_its_expression(expression: str, result: str) -> None:
    assert await use(tool, expression=expression) == result


@pytest.mark.parametrize(
    "expression",
    [
        "1/0",
        "",
        "2 +",
        "rex",
        "__import__('os')",
        "().__class__",
        "'a'*9",
        "[1]*9",
        "1 if 1 else 2",
        "lambda: 1",
        "3j",
        "True",
    ],
)
async def test_what_is_no_arithmetic_is_refused_with_words_for_the_llm(expression: str) -> None:
    with pytest.raises(ToolError, match=r"\."):
        await use(tool, expression=expression)


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9",
        "3999999**3999999",
        "10**-999999999",
        "1+" * 150 + "1",
        "(" * 99 + "1" + ")" * 99,
        "-" * 199 + "1",
        "exp(9999)",
    ],
)
async def test_no_expression_keeps_the_hub_busy(expression: str) -> None:
    began = time.monotonic()
    with contextlib.suppress(ToolError):
        await use(tool, expression=expression)
    assert time.monotonic() - began < 0.5


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12), st.sampled_from("+-*"))
def test_whole_numbers_come_out_exactly(one: int, other: int, sign: str) -> None:
    right = {"+": one + other, "-": one - other, "*": one * other}[sign]

    assert show(evaluate(f"({one}) {sign} ({other})")) == str(right)


@given(st.text(alphabet="0123456789.+-*/%()e ,xX^=sqrt", max_size=40))
def test_any_text_is_a_number_or_a_tool_error(text: str) -> None:
    with contextlib.suppress(ToolError):
        assert show(evaluate(text))


@pytest.mark.parametrize(
    ("message", "expression"),
    [
        ("What is 17*23?", "17*23"),
        ("whats 15 percent of 240", "(15/100)* 240"),
        ("What's the square root of 144?", "sqrt(144)"),
        ("please calculate (3+4)*2.5", "(3+4)*2.5"),
        ("7 x 8", "7*8"),
        ("What is 17.5 % of 1,240?", "(17.5/100)* 1240"),
        ("Wie viel sind 17,5 % von 1240?", "(17.5/100)* 1240"),
        ("Was ist 12 mal 7,5?", "12 * 7.5"),
        ("144 geteilt durch 12", "144 / 12"),
        ("¿Cuánto es el 17,5 % de 1240?", "(17.5/100)* 1240"),
        ("Cuánto es 12 más 30?", "12 + 30"),
        ("Quanto é 17,5% de 1240?", "(17.5/100)* 1240"),
        ("Quanto é 7 vezes 8?", "7 * 8"),
        ("1,240 的 17.5% 是多少\uff1f", "(17.5/100)*1240"),
        ("12 乘以 7 等于多少\uff1f", "12*7"),
    ],
)
def test_a_message_that_is_an_expression_is_read(message: str, expression: str) -> None:
    assert tool.read(message) == {"expression": expression}


@pytest.mark.parametrize(
    "message",
    [
        "If I have 17*23 apples and eat 5?",
        "What is 2026-12-24?",
        "Is 24/7 support good?",
        "What is 1/0?",
        "17",
        "hello",
        "Was kostet das von 9 bis 17 Uhr?",
        "El 5 de mayo",
        "mais 3",
        "1,5 oder 2,5?",
        "Add 1,2,3",
        "12,5,3 plus 4",
    ],
)
def test_a_message_that_leaves_a_doubt_is_not_read(message: str) -> None:
    assert tool.read(message) is None


@pytest.mark.parametrize("message", ["hello", "tell me a joke", "Name 3 animals.", "Who won in 1998?", "thanks!"])
def test_it_is_not_offered_for_plain_talk(message: str) -> None:
    assert not tool.fits(message)


@pytest.mark.parametrize(
    "message", ["3 shirts at 19.99 each, what's the total?", "Add up 12, 45 and 7.", "12 divided by 4"]
)
def test_it_is_offered_where_numbers_are_to_be_worked_out(message: str) -> None:
    assert tool.fits(message)
