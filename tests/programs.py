"""Programs of the machine that a test needs."""

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """Return where a program is; skip the test without it, but never where CI promises it."""
    path = shutil.which(name)
    if path is None:
        words = f"no {name}: install {package}"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return path
