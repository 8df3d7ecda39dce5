"""The files of the checkout, as the house's rules look at them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("hub", "bridges", "client", "make", "plugins", "scripts", "tests")
_NOT_OURS = {".git", ".venv", ".cache", "__pycache__", "node_modules", "data", "dist", "build"}
_NOT_OURS |= {".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis"}


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file that's ours, hidden folders like .ci among them."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in _NOT_OURS:
            yield from files(path)
        elif path.is_file():
            yield path


def modules() -> list[Path]:
    return [path for room in CODE if (ROOT / room).is_dir() for path in files(ROOT / room) if path.suffix == ".py"]


def named(path: Path) -> str:
    """How a failing test calls a file."""
    return str(path.relative_to(ROOT))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def classes(path: Path) -> list[ast.ClassDef]:
    return [node for node in parsed(path).body if isinstance(node, ast.ClassDef)]
