"""Chromium, once for all tests in here, and a fresh hub and browser profile for each."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from hub.config import LimitsConfig
from tests.browser.running import Running, Tabs, looking, serving

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first draws and scripts as the others do, and has no windows to pay for: a third less work for a test."""


@pytest_asyncio.fixture(loop_scope="session")
async def hub() -> AsyncIterator[Running]:
    """A hub that asks nothing it needn't."""
    async with serving(limits=LimitsConfig(ask_below=0.0)) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Chromium, without a window."""
    path = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def tabs(chromium: Browser) -> AsyncIterator[Tabs]:
    """A browser that must end without a script's error and without a refusal by the policy."""
    async with looking(chromium) as looked:
        yield looked


def chromium_path() -> str:
    """Return where Chromium is; skip the test without one, but never where CI promises it."""
    path = os.environ.get("AGENTHOST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        words = "no Chromium: install Debian's chromium-headless-shell, or point AGENTHOST_CHROMIUM at one"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return path
