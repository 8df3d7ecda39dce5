"""Code that an agent writes in answer to "compute this". What runs it, in a sandbox, is given by who builds the hub."""

import re
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from hub.ports import Effect, Example, ToolCall
from hub.tools.schema import arguments, convert, text

LONGEST = 4_000

Compute = Callable[[ToolCall, str], Awaitable[str]]
"""Runs code for a call and returns what it showed; raises ToolError with the line at fault."""


class _Code(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str


class RunPython:
    """Runs a short program that the agent wrote."""

    name = "run_python"
    description = "Write and run a short Python program that computes, counts, sorts or simulates something."
    schema: Mapping[str, object] = arguments(
        {"code": text("Python that ends with the expression that's asked for, or prints it", LONGEST)}
    )
    effect: Effect = "none"
    tries = 3
    examples = (
        Example(
            "Compute the sum of all primes below 100.",
            {"code": "sum(n for n in range(2, 100) if all(n % d for d in range(2, n)))"},
        ),
        Example(
            "Count how often each letter is in banana, with code.",
            {"code": 'from collections import Counter\nfor one, n in Counter("banana").items():\n    print(one, n)'},
        ),
        Example("```python\nprint(2**64)\n```", {"code": "print(2**64)"}),
    )
    others = ("Which computer should I buy?", "What's the dress code?", "I am learning Python.")

    def __init__(self, compute: Compute, *, outside: bool = False) -> None:
        """`outside`: the code may read files, which others may have written."""
        self.outside = outside
        self._compute = compute

    def fits(self, text: str) -> bool:
        """Say whether the message asks for a computation, or has code in it."""
        return bool(_WISH.search(text)) or "```" in text

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the code if the message is nothing else: one block of it, between fences."""
        block = _BLOCK.fullmatch(text.strip())
        if not block or "```" in block["code"] or not 0 < len(block["code"].strip()) <= LONGEST:
            return None
        return {"code": block["code"].strip("\n")}

    async def call(self, call: ToolCall) -> str:
        """Run the code; what it printed, and its last expression's value, are the result."""
        code = convert(call.arguments, _Code).code
        block = _BLOCK.fullmatch(code.strip())
        return await self._compute(call, block["code"] if block else code)


_BLOCK = re.compile(r"```(?:python3?|py)?[ \t]*\n(?P<code>.*?)\n?```", re.DOTALL | re.IGNORECASE)
_WISH = re.compile(
    r"\b(?:comput(?:e|es|ing|ation)|calculat\w*|simulat\w*|in python|with python|python (?:code|program|script)"
    r"|(?:run|write|with|use|some) (?:this |the |a |some )?(?:code|program|script)|permutations?|combinations?"
    r"|factorial|fibonacci|primes?|sort (?:these|this|the)|count (?:how|the|all)|sum of (?:all|the)|how many ways)\b",
    re.IGNORECASE,
)
