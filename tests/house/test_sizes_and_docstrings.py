"""A module fits one idea and a function fits a glance, and each module says what's in it."""

import ast

from tests.house.tree import modules, named, parsed

LINES_OF_A_MODULE = 400
LINES_OF_A_FUNCTION = 60


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}

    assert {name: lines for name, lines in lengths.items() if lines > LINES_OF_A_MODULE} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = {}
    for path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LINES_OF_A_FUNCTION:
                    long[f"{named(path)}: {node.name}"] = lines

    assert long == {}


def test_every_module_says_what_one_finds_in_it() -> None:
    # An empty __init__.py has nothing in it to tell of.
    silent = [path for path in modules() if path.stat().st_size and not ast.get_docstring(parsed(path))]

    assert [named(path) for path in silent] == []
