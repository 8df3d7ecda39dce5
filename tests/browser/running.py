"""A whole hub on a free port, with a script in place of the model, and a browser profile to look at it with."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, expect

from hub.app import Hub
from hub.business import Outside
from hub.clock import SystemClock
from hub.config import Config, LimitsConfig
from hub.flow.auditing import audited
from hub.issuers import SignInConfig
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.outward import RegistryConfig
from hub.packages.every import every_kind
from hub.packages.hosts import Supplies
from hub.packages.installer import Installer
from hub.packages.registry import Registries
from hub.packages.scripts import Scripts
from hub.packages.sources import Sources
from hub.ports import Bridge, Clock, End, Piece, Store, Terms
from hub.statements import SigningKey
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.testing import ScriptedLLM
from hub.testing.llm import Prompt
from tests.apps import at_work
from tests.unit.packages.shelving import RegistryEgress, StandIn

DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
LOOP = pytest.mark.asyncio(loop_scope="session")
"""One event loop for all of these tests: Chromium is started in it once."""
PAUSE = "‖"
PATIENCE = 30_000
"""Milliseconds for what's to be seen, on a machine that has much else to do."""
OWNER_KEY = "ah_owner_0123456789abcdef0123456789abcdef"

# What the page tells by itself when its policy refuses something.
WATCH_POLICY = (
    "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI))"
)


class PacedLLM(ScriptedLLM):
    """A ScriptedLLM that says no word after a ‖ in an answer until the test lets it go on."""

    def __init__(self) -> None:
        super().__init__(decisions=lambda _, options: options[-1])  # no tool
        self._go = asyncio.Event()

    def go_on(self) -> None:
        """Let the answer that waits at a ‖ go on, to its end."""
        self._go.set()

    async def chat(
        self, prompt: Prompt, ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End, None]:
        """See ScriptedLLM."""
        async with aclosing(super().chat(prompt, ask, limit=limit, temperature=temperature)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Piece) and piece.text.strip() == PAUSE:
                    self._go.clear()
                    await self._go.wait()
                else:
                    yield piece


_stopped: set[str] = set()
"""Where hubs have been that are stopped."""


@dataclass
class Running:
    """A hub that serves, and what a test needs of it."""

    url: str
    parts: Hub
    llm: PacedLLM

    @property
    def link(self) -> str:
        """A fresh sign-in link."""
        return f"{self.url}/sign-in#{self.parts.people.new_code()}"


@asynccontextmanager
async def serving(
    *,
    store: Store | None = None,
    port: int = 0,
    limits: LimitsConfig | None = None,
    bridges: Sequence[Bridge] = (),
    packages: Path | None = None,
    outside: Mapping[str, bytes] | None = None,
    registry: StandIn | None = None,
    sign_in: SignInConfig | None = None,
    way_out: Outside | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Running]:
    """Run a hub until the end of the block; with the same store and port it's the same hub, started again.

    With a folder for packages it installs some, also from the addresses `outside` and from a `registry`.
    """
    llm, documents, clock = PacedLLM(), MemoryDocuments(), clock or SystemClock()
    store = audited(store or MemoryStore(), clock)
    agents, scripts = load_agents([SHIPPED_AGENTS]), Scripts()
    kinds = every_kind(scripts, documents, Supplies())
    installer = None
    if packages:
        egress = RegistryEgress(*([registry] if registry else []), answers=outside)
        configs = [RegistryConfig(url=registry.url)] if registry else []
        sources = Sources(egress, Registries(configs, egress, documents, clock, SigningKey.fresh()))
        installer = Installer(store, packages, kinds, clock, tools=["clock"], agents=agents, sources=sources)
    parts = Hub(
        Config(limits=limits or LimitsConfig(), sign_in=sign_in or SignInConfig()),
        store=store,
        llm=llm,
        decider=llm,
        documents=documents,
        files=MemoryFiles(),
        clock=clock,
        agents=agents,
        bridges={bridge.name: bridge for bridge in bridges},
        installer=installer,
        outside=way_out,
    )
    if installer:
        await installer.open()
    await parts.people.ensure_owner(OWNER_KEY)
    with socket.create_server(("127.0.0.1", port)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        _stopped.discard(url)
        try:
            async with at_work(parts, OWNER_KEY, listening):
                yield Running(url=url, parts=parts, llm=llm)
                _stopped.add(url)
        finally:
            await scripts.close()


@dataclass
class Tabs:
    """A browser with one person's session, and everything that went wrong in its pages."""

    context: BrowserContext
    faults: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    """Those of the faults that are none: what's still open when a hub has been stopped looks for it."""
    excused: tuple[str, ...] = ()
    """Words of what may fail, once or not at all, as it happens: an answer that's late for what a page asked."""

    async def open(self, url: str) -> Page:
        """Open an address in a new tab."""
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._hear)
        await page.goto(url)
        return page

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            where = said.location["url"]
            self.faults.append(fault := f"{said.text} <{where}>")
            to_a_stopped_hub = "ERR_CONNECTION_REFUSED" in fault and where.startswith(tuple(_stopped))
            if to_a_stopped_hub or any(word in fault for word in self.excused):
                self.late.append(fault)

    def expect_faults(self, *words: str) -> None:
        """Say that there must have been faults, and that each had one of these words in it."""
        assert self.faults
        assert [fault for fault in self.faults if not any(word in fault for word in words)] == []
        self.faults.clear()
        self.late.clear()


@asynccontextmanager
async def looking(
    chromium: Browser,
    *,
    viewport: ViewportSize = DESKTOP,
    dark: bool = False,
    touch: bool = False,
    locale: str = "en-GB",
) -> AsyncIterator[Tabs]:
    """Give a fresh browser profile; afterwards nothing may have gone wrong in its pages."""
    context = await chromium.new_context(
        viewport=viewport,
        color_scheme="dark" if dark else "light",
        has_touch=touch,
        is_mobile=touch,
        locale=locale,
        device_scale_factor=2 if touch else 1,
    )
    await context.add_init_script(WATCH_POLICY)
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    looked = Tabs(context)
    yield looked
    await context.close()
    faults = list((Counter(looked.faults) - Counter(looked.late)).elements())
    assert not faults, faults
