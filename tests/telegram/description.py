"""Where the description of the Bot API is, that others made: set-up fetched it with npm."""

import os

import pytest

from make.botapi import PACKAGE, PARTS, description_path
from make.places import cache_home
from tests.telegram.schema import Schema, load


def described() -> Schema:
    """Return it; without it a test is left out on a person's machine, and fails in CI."""
    folder = description_path(cache_home(os.environ))
    if not all((folder / part).is_file() for part in PARTS):
        words = f"{PACKAGE} isn't in {folder}: install npm and run `make/start.sh setup test` again"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return load(folder)
