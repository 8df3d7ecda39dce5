"""Arithmetic, evaluated by simpleeval in decimals, within limits on length, depth and size."""

import ast
import decimal
import math
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import simpleeval
from msgspec import Struct

from hub.errors import ToolError
from hub.ports import Effect, Example, ToolCall
from hub.tools.schema import arguments, convert, text

LONGEST = 200
DIGITS = 1000
"""Of a power's result; anything longer is refused before it's computed."""
SHOWN = 12

Number: TypeAlias = int | Decimal


class _Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    expression: str


class Calculate:
    """Works out an arithmetic expression."""

    name = "calculate"
    description = "Work out numbers: plus, minus, times, divided by, percent, powers, roots."
    schema: Mapping[str, object] = arguments(
        {"expression": text("Arithmetic to work out, such as (12+3)*4.5", LONGEST)}
    )
    effect: Effect = "none"
    examples = (
        Example("I pay 4 euros a day. What does it cost for 30 days?", {"expression": "4*30"}),
        Example("What is 60 divided by 5?", {"expression": "60/5"}),
        Example("Add 3, 8 and 12.", {"expression": "3+8+12"}),
    )
    others = ("Is 13 an unlucky number?", "Name 5 animals.", "Who won in 1998?")

    def fits(self, text: str) -> bool:
        """Say whether the message has numbers and something to do with them."""
        plain = symbols(text)
        numbers = len(_NUMBER.findall(plain))
        if numbers and (_OPERATION.search(plain) or _CUE.search(plain)):
            return True
        return numbers >= 2 and bool(_AMOUNT.search(plain))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the expression if the message is one, but for words like "what is"."""
        if len(text) > LONGEST or _DATE.search(text):
            return None
        rest = _FILLER.sub(" ", symbols(_COMMA.sub(r"\1.", text)).lower()).strip(" ?!.,:;=\n¿¡")
        if not _EXPRESSION.fullmatch(rest) or not _OPERATION.search(rest):
            return None
        try:
            evaluate(rest)
        except ToolError:
            return None
        return {"expression": " ".join(rest.split())}

    async def call(self, call: ToolCall) -> str:
        """Return the expression and what it comes to."""
        expression = convert(call.arguments, _Arguments).expression.strip().rstrip(" =?")
        result = evaluate(expression)
        shown = show(result)
        return f"{expression} = {shown}" if Decimal(shown) == result else f"{expression} = about {shown}"


def evaluate(expression: str) -> Number:
    """Work out an expression; raises ToolError with words that the LLM can act on."""
    if len(expression) > LONGEST:
        raise ToolError(f"The expression has {len(expression)} characters; at most {LONGEST} are taken. Split it.")
    plain = symbols(expression).rstrip("=? .")
    try:
        with decimal.localcontext(prec=40):
            result = _Evaluator().eval(plain)
    except ZeroDivisionError:
        raise ToolError(f"{expression}: division by zero has no result.") from None
    except ToolError:
        raise
    except (simpleeval.InvalidExpression, SyntaxError, RecursionError, MemoryError) as error:
        raise ToolError(f"{expression}: {_why(error)}. Use numbers, + - * / ** % and brackets.") from None
    except (ArithmeticError, ValueError, TypeError):
        raise ToolError(f"{expression}: there's no such number, or it's too big.") from None
    if not isinstance(result, int | Decimal) or not Decimal(result).is_finite():
        raise ToolError(f"{expression}: isn't a number. Use numbers, + - * / ** % and brackets.")
    return result


def show(result: Number) -> str:
    """Write a number plainly, rounded to twelve digits if it has more after the point."""
    if isinstance(result, int) and abs(result) < 10**40:
        return str(result)
    with decimal.localcontext(prec=40):
        number = Decimal(result)
        whole = number == number.to_integral_value()
        if abs(number) >= 10**21 or (number and abs(number) < Decimal("1e-9")):
            return f"{number:.{SHOWN - 1}e}"
        if not whole:
            number = number.quantize(Decimal(1).scaleb(min(0, number.adjusted() + 1 - SHOWN)))
        return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


def symbols(text: str) -> str:
    """Write arithmetic that's put in words or typed with a phone's signs as an expression would have it."""
    text = text.translate(_WIDE)
    for pattern, sign in _SIGNS:
        text = pattern.sub(sign, text)
    return text


def _why(error: BaseException) -> str:
    if isinstance(error, simpleeval.NameNotDefined | simpleeval.FunctionNotDefined):
        return "there's a word in it that means no number here"
    return "it isn't arithmetic"


def _power(base: Number, exponent: Number) -> Number:
    digits = max(abs(Decimal(base).adjusted()), 1)
    if abs(Decimal(exponent)) * digits > DIGITS:
        raise ToolError(f"A power with more than {DIGITS} digits is too big to work out.")
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        return int(base**exponent)
    return Decimal(base) ** Decimal(exponent)


def _divide(one: Number, other: Number) -> Number:
    result = Decimal(one) / Decimal(other)
    return int(result) if result == result.to_integral_value() and abs(result) < 10**28 else result


def _float(function: Callable[[float], float]) -> Callable[[Number], Decimal]:
    return lambda number: Decimal(repr(function(float(number))))


class _Evaluator(simpleeval.SimpleEval):  # type: ignore[misc]  # simpleeval has no types
    """simpleeval with decimals instead of floats, and with nothing but arithmetic."""

    def __init__(self) -> None:
        super().__init__(operators=_OPERATORS, functions=_FUNCTIONS, names=_NAMES)
        kept = (ast.Expr, ast.UnaryOp, ast.BinOp, ast.Call, ast.Name)
        nodes: dict[type[ast.AST], Callable[..., Any]] = vars(self)["nodes"]
        self.nodes: dict[type[ast.AST], Callable[..., Any]] = {kind: nodes[kind] for kind in kept} | {
            ast.Constant: self._number
        }

    @staticmethod
    def _number(node: ast.Constant) -> Number:
        if type(node.value) is int:
            return node.value
        if type(node.value) is float:
            return Decimal(repr(node.value))
        raise simpleeval.InvalidExpression("not a number")


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "round": lambda number, digits=0: round(Decimal(number), int(digits)) if digits else round(number),
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": lambda number: Decimal(number).sqrt(),
    "log": _float(math.log),
    "log10": _float(math.log10),
    "exp": _float(math.exp),
    "sin": _float(math.sin),
    "cos": _float(math.cos),
    "tan": _float(math.tan),
}
_NAMES = {"pi": Decimal("3.14159265358979323846264338327950288"), "e": Decimal("2.71828182845904523536028747135266250")}

_WIDE = {0xFEE0 + sign: sign for sign in range(0x21, 0x7F)} | {ord("。"): "."}
"""Full-width signs, as they're typed among Chinese letters."""
_COMMA = re.compile(r"(?<![\d(,])(\d+),(?=\d{1,2}(?![\d,)]))")
"""One before a fraction, as in 17,5; not one between arguments or the items of a list."""
# In the languages that the site speaks.
_PERCENT = r"(?:%|percent|prozent|por ciento|por cento)"
_SIGNS = tuple(
    (re.compile(pattern, re.IGNORECASE), sign)
    for pattern, sign in (
        (r"(?<=\d),(?=\d{3}(?!\d))", ""),
        (r"[×·]|(?<=\d)\s*(?:x|乘以?)\s*(?=\d)|\b(?:multiplied by|times|mal|multiplicado por|vezes)\b", "*"),
        (r"[÷]|\b(?:divided by|geteilt durch|durch(?= \d)|dividido (?:por|entre))\b|(?<=\d)\s*除以\s*(?=\d)", "/"),
        (r"[−–]|\b(?:minus|menos)\b|(?<=\d)\s*减去?\s*(?=\d)", "-"),
        (r"\b(?:plus|más|mais)\b(?=\s*[\d(])|(?<=\d)\s*加上?\s*(?=\d)", "+"),
        (r"\^|\bto the power of\b", "**"),
        (r"\s*\bsquared\b", "**2"),
        (r"\s*\bcubed\b", "**3"),
        (r"\b(?:the )?square root of (\d+(?:\.\d+)?)", r"sqrt(\1)"),
        (r"(\d+(?:\.\d+)?)\s*的\s*(\d+(?:\.\d+)?)\s*%", r"(\2/100)*\1"),
        (rf"(\d+(?:\.\d+)?)\s*{_PERCENT}\s+(?:of|von|del?|d[oa])\b", r"(\1/100)*"),
        (rf"(\d+(?:\.\d+)?)\s*{_PERCENT}(?!\s*[\d(])", r"(\1/100)"),
    )
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OPERATION = re.compile(r"[\d)]\s*(?:[+*/%]|\*\*|//|-)\s*[\d(s]|sqrt\(|/100\)")
_CUE = re.compile(
    r"\b(?:calculate|compute|sum|total|product|add|subtract|multiply|divide|average|mean|percent|half of|double"
    r"|twice|root|power)\b|[+*/^]\s*\d",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"\b(?:how (?:much|many)|altogether|each|cost|costs|left|remain|price|pay|per)\b", re.IGNORECASE)
_DATE = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b")
_FILLER = re.compile(
    r"\b(?:what(?:'s|’s|s)?|is|are|how much|calculate|compute|evaluate|solve|work out|please|pls|tell me"
    r"|can you|could you|the (?:result|value|answer) of|result|equals?|does|make|hey|hi|hello|ok(?:ay)?|and"
    r"|for me|thanks|thank you"
    r"|wie ?viel|was|ist|sind|macht|ergibt|berechne|rechne|bitte|mal eben"
    r"|cu[aá]nto|es|son|e[ls]|la|calcula|por favor|quanto|é|são|dá|o|a|calcule)\b(?!\()"
    r"|请|计算|算一下|等于|是多少|是几|多少|得多少",
    re.IGNORECASE,
)
_EXPRESSION = re.compile(r"(?:[\d\s.+\-*/%()]|sqrt\()+")
