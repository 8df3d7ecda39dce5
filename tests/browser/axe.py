"""What axe-core finds in a page that keeps somebody out."""

import os
from typing import Literal

import pytest
from playwright.async_api import Page

from make.axe import AXE, axe_path
from make.places import cache_home

FAULTS = """
async () => (await axe.run({ resultTypes: ["violations"] })).violations.flatMap(
    ({ id, nodes }) => nodes.map((node) => [id, node.html.slice(0, 200), node.failureSummary].join()))
"""
THEMES: tuple[Literal["light", "dark"], ...] = ("dark", "light")


async def faults_of(page: Page) -> list[str]:
    """Return each fault of a page as it stands; skip the test without axe-core, but never where CI promises it."""
    axe = axe_path(cache_home(os.environ))
    if not axe.is_file():
        words = f"{AXE.package} isn't in {axe.parent}: install npm and run `make/start.sh setup test` again"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    if await page.evaluate("typeof axe === 'undefined'"):
        await page.evaluate(axe.read_text(encoding="utf-8"))
    found: list[str] = await page.evaluate(FAULTS)
    return found


class Examined:
    """What was found in the pages and states that were looked at, each in the dark and in the light."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self.names: list[str] = []

    async def look(self, page: Page, name: str) -> None:
        """Look at a page as it stands; where its theme was chosen by hand, that's left as it is."""
        self.names.append(name)
        for theme in THEMES:
            await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            if faults := await faults_of(page):
                self.found[f"{name}, {theme}"] = faults
