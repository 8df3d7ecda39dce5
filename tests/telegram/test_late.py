"""Telegram's library takes long to read: a hub is up before it is, and nothing that was said is lost by that."""

import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import bridges
from bridges.telegram import late
from bridges.telegram.late import LateTelegramBridge
from hub.accounts import TelegramAccount
from hub.clock import SystemClock
from hub.errors import ConfigError
from hub.store.documents import MemoryDocuments
from hub.store.files import FileStore
from hub.testing import FakeDesk
from tests.faults.harness import ROOT
from tests.telegram.botapi import TOKEN

HEADER = "x-telegram-bot-api-secret-token"


def a_bridge(folder: Path, **account: str) -> LateTelegramBridge:
    return LateTelegramBridge(
        TelegramAccount(**account),  # type: ignore[arg-type] # texts all
        files=FileStore(folder),
        desk=FakeDesk(),
        documents=MemoryDocuments(),
        clock=SystemClock(),
    )


def test_a_hub_with_a_bot_is_built_without_reading_its_library() -> None:
    built = "import sys, bridges, hub.serving; bridges.load('telegram')"
    program = f"{built}; sys.exit('aiogram' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120, cwd=ROOT)


def test_a_library_that_is_not_there_is_a_fault_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bridges.LATER, "telegram", "package_that_nobody_has")
    with pytest.raises(ConfigError, match="needs the package package_that_nobody_has"):
        bridges.load("telegram")


@pytest.mark.parametrize("token", ["", "abc", "1:a b", "x:abc", "1:"])
def test_what_cannot_be_a_token_is_a_fault_at_once(tmp_path: Path, token: str) -> None:
    with pytest.raises(ConfigError, match=r"bridges\.bot\.token: that's no bot's token"):
        a_bridge(tmp_path, name="bot", token=token)


def test_a_token_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert a_bridge(tmp_path, token_file=str(tmp_path / "token")).secret == a_bridge(tmp_path, token=TOKEN).secret
    with pytest.raises(ConfigError, match=r"bridges\.bot\.token_file: .*none can't be read"):
        a_bridge(tmp_path, name="bot", token_file=str(tmp_path / "none"))


async def test_what_comes_before_the_library_is_read_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = threading.Event()

    def slow(name: str) -> ModuleType:
        read.wait(60)
        return import_module(name)

    monkeypatch.setattr(late, "import_module", slow)
    monkeypatch.setattr(late, "READY", 0.01)
    bridge = a_bridge(tmp_path, token=TOKEN)
    assert bridge.info.state == "connecting"
    assert await bridge.hook({HEADER: bridge.secret}, b'{"update_id": 1}') == 503
    read.set()
    monkeypatch.setattr(late, "READY", 60.0)
    assert await bridge.hook({HEADER: "another's"}, b'{"update_id": 1}') == 401
    await bridge.close()
