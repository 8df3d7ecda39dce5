"""The documentation's pictures: what tests saw, taken anew by `make pictures` and by nothing else."""

import base64
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Page

from hub.clock import SystemClock

FOLDER = Path(__file__).parents[2] / "docs" / "images"
LARGEST = 120_000
"""Bytes of a picture."""
QUALITY = 82
NOON = datetime(2026, 11, 24, 10, 42, tzinfo=UTC)
STILL = """
() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, ::before, ::after { animation: none !important; transition: none !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  focused?.blur();
  return document.fonts.ready.then(() => true);
}
"""


class Standing(SystemClock):
    """A Clock that stands at a moment until it's moved: pictures taken on another day are the same."""

    def __init__(self) -> None:
        self.at = NOON

    def monotonic(self) -> float:
        """See Clock."""
        return (self.at - NOON).total_seconds() + 3600.0

    def now(self) -> datetime:
        """See Clock."""
        return self.at

    def later(self, minutes: float) -> None:
        """Go on."""
        self.at += timedelta(minutes=minutes)


async def picture(page: Page, name: str) -> None:
    """Take docs/images/NAME.webp of what's in view if AGENTHOST_PICTURES is set; else see that it could be taken."""
    await page.mouse.move(0, 0)
    await page.evaluate(STILL)
    wire = await page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": False}
    taken = base64.b64decode((await wire.send("Page.captureScreenshot", asked))["data"])
    await wire.detach()
    assert 5_000 < len(taken) <= LARGEST, f"{name}: {len(taken)} bytes"
    if os.environ.get("AGENTHOST_PICTURES"):
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.webp").write_bytes(taken)
