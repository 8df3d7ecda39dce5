"""The documentation's pictures: each is a test's own, is shown somewhere, says what's on it, and is small."""

import re

from tests.browser.pictures import LARGEST
from tests.house.test_docs import PAGES, prose, text
from tests.house.tree import ROOT, files, named

FOLDER = ROOT / "docs" / "images"
TAKEN = re.compile(r'picture\(\w+, "([\w-]+)"')
SHOWN = re.compile(r"!\[([^]]*)\]\(([^)\s]+)\)")
LEAST = 25
"""Letters that say what's on a picture, to who can't see it."""


def test_each_picture_is_taken_by_one_test() -> None:
    found = [
        name for path in files(ROOT / "tests" / "browser") if path.suffix == ".py" for name in TAKEN.findall(text(path))
    ]

    assert found
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(f"{name}.webp" for name in found)


def test_each_picture_is_shown_with_words_for_who_cannot_see_it() -> None:
    shown = [
        (page, words, (page.parent / link).resolve()) for page in PAGES for words, link in SHOWN.findall(prose(page))
    ]

    assert {path for _, _, path in shown} == set(FOLDER.iterdir())
    assert [(named(page), words) for page, words, _ in shown if len(words) < LEAST] == []


def test_each_picture_is_small_and_what_its_name_says() -> None:
    for path in FOLDER.iterdir():
        data = path.read_bytes()
        assert (data[:4], data[8:12]) == (b"RIFF", b"WEBP"), path.name
        assert len(data) <= LARGEST, path.name
