"""`agenthost doctor`: each fault is made, found, and comes with its fix."""

import asyncio
import errno
import fcntl
import importlib.util
import json
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import httpx
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from hub.__main__ import load
from hub.accounts import TelegramAccount
from hub.cli import examine, interview
from hub.cli.client import Client
from hub.cli.place import Place
from hub.cli.wire import Dead, Model
from hub.config import Config, DecisionsConfig, HubConfig, LLMConfig, PackagesConfig, Secret, SecretConfig
from hub.ports import BridgeInfo
from hub.testing import AbleBridge
from tests.unit.cli.conftest import Running


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "data").mkdir(mode=0o700)
    return Config(hub=HubConfig(data=str(tmp_path / "data")))


def with_llm(config: Config, **llm: object) -> Config:
    return replace(config, llm=LLMConfig(**llm))  # type: ignore[arg-type]


@pytest.fixture
def database(config: Config) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(config.data / "hub.db")) as connection:
        connection.execute("CREATE TABLE entries (state TEXT, due_at INTEGER, created_at INTEGER)")
        yield connection


def test_all_is_well_where_nothing_is_wrong(config: Config) -> None:
    for check in (*examine.LOCAL[:8],):
        assert check(config, os.environ).state == "ok"


def test_an_old_python_is_found(config: Config) -> None:
    assert examine.python(config, {}, (3, 10, 9)).state == "fault"


def test_a_data_folder_that_cannot_be_written_is_found(tmp_path: Path, config: Config) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = examine.folder(Config(hub=HubConfig(data=str(tmp_path / "file/data"))), {})

    assert (found.state, "isn't a folder" in found.text) == ("fault", True)


def test_a_data_folder_without_rights_is_found(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    found = examine.folder(config, {})

    assert (found.state, "Permission denied" in found.text) == ("fault", True)
    assert "chmod" in found.fix


def test_a_data_folder_that_others_can_look_into_is_found(config: Config) -> None:
    config.data.chmod(0o755)
    found = examine.folder(config, {})

    assert (found.state, found.fix) == ("warn", f"chmod 700 {config.data}")


@pytest.mark.parametrize(("free", "state"), [(10 << 20, "fault"), (100 << 20, "warn"), (1 << 30, "ok")])
def test_a_full_disk_is_found(config: Config, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1 << 40, 0, free))

    assert examine.space(config, {}).state == state


def test_a_key_that_others_can_read_is_found(config: Config) -> None:
    key = config.data / "owner.key"
    key.touch(mode=0o644)
    key.chmod(0o644)
    found = examine.key_file(config, {})

    assert (found.state, found.fix) == ("fault", f"chmod 600 {key}")


def test_a_clock_that_was_set_back_is_found(config: Config, database: sqlite3.Connection) -> None:
    later = time.time() + 3600
    os.utime(config.data / "hub.db", (later, later))

    assert examine.clock(config, {}).state == "fault"


def test_a_damaged_database_is_found(config: Config, database: sqlite3.Connection) -> None:
    database.executemany("INSERT INTO entries VALUES ('done', 0, ?)", ((number,) for number in range(5000)))
    database.commit()
    path = config.data / "hub.db"
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)
    found = examine.stored(config, {})

    assert found.state == "fault"
    assert "restore" in found.fix


def test_a_database_that_a_hub_works_on_is_left_alone(config: Config) -> None:
    (config.data / "hub.db").write_bytes(b"anything")
    with (config.data / "hub.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert examine.stored(config, {}).state == "ok"


def test_a_message_that_waits_too_long_is_found(config: Config, database: sqlite3.Connection) -> None:
    now = int(time.time() * 1e6)
    database.execute("INSERT INTO entries VALUES ('ready', NULL, ?)", (now - 3600 * 10**6,))
    database.execute("INSERT INTO entries VALUES ('ready', ?, ?)", (now + 3600 * 10**6, now - 7200 * 10**6))
    database.commit()
    found = examine.queue(config, {})

    assert (found.state, found.text) == ("fault", "1 wait, the first since 60 minutes")


def test_a_missing_llama_cpp_is_found_with_the_compiler_it_needs(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = examine.llama(config, {"PATH": "/nowhere"})

    assert found.state == "fault"
    assert "Install gcc, g++, make" in found.fix
    assert 'backend = "remote"' in found.fix
    assert examine.llama(with_llm(config, backend="remote", url="http://x", model="m"), {}).state == "ok"


@pytest.mark.parametrize(
    ("content", "sha256", "told"),
    [
        (None, "", "isn't there"),
        (b"<html>not found</html>", "", "isn't a GGUF file"),
        (b"GGUF and the rest", "0" * 64, "isn't what it should be"),
    ],
)
def test_a_wrong_model_file_is_found(
    config: Config, tmp_path: Path, content: bytes | None, sha256: str, told: str
) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    found = examine.model(with_llm(config, model=str(path), sha256=sha256), {})

    assert (found.state, told in found.text) == ("fault", True)


def test_a_truncated_embedded_model_is_found(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "agenthost" / "models"
    folder.mkdir(parents=True)
    (folder / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF" * 100)
    found = examine.model(config, {"XDG_CACHE_HOME": str(tmp_path)})

    assert (found.state, "400 bytes" in found.text) == ("fault", True)
    assert "make venv" in found.fix


def test_a_configured_file_that_is_missing_is_found(config: Config) -> None:
    assert "llm.model" in examine.model_paths(with_llm(config, model="/no/such.gguf"), {}).text


# --- the hub, and whoever has its port


def place(config: Config, port: int) -> Place:
    return Place(url=f"http://127.0.0.1:{port}", key=Secret(""), key_from="", data=config.data)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_hub_that_does_not_run_is_told(config: Config, port: int) -> None:
    found = await interview.hub(place(config, port), replace(config, hub=HubConfig(data=config.hub.data, port=port)))

    assert (found.state, "agenthost run" in found.fix) == ("warn", True)


async def test_an_address_that_is_not_this_machines_is_found(config: Config, port: int) -> None:
    elsewhere = replace(config, hub=HubConfig(data=config.hub.data, host="192.0.2.1", port=port))
    found = await interview.hub(place(config, port), elsewhere)

    assert (found.state, "can't listen" in found.text) == ("fault", True)


async def test_a_hub_that_holds_its_lock_but_does_not_answer_is_found(config: Config, port: int) -> None:
    with (config.data / "hub.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = await interview.hub(place(config, port), config)

    assert (found.state, "doesn't answer" in found.text) == ("fault", True)


async def test_another_program_on_the_port_is_found(config: Config, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interview, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", port)):
        found = await interview.hub(place(config, port), config)

    assert (found.state, "another one with --port" in found.fix) == ("fault", True)


def test_a_running_hub_is_well(hub: Running, config: Config) -> None:
    shown = CliRunner().invoke(load("doctor"), ["--data", str(config.data), "--json"], env=hub.environ)
    findings = {item["check"]: item["state"] for item in json.loads(shown.stdout)["items"]}

    assert findings["model answers"] == "ok"
    assert findings["dead letters"] == "ok"
    assert findings["hub"] == "warn", "it answers, but it isn't this data folder's"


async def test_a_key_that_is_not_the_hubs_is_found(hub: Running) -> None:
    async with Client(replace(hub.place, key=Secret("ah_wrong"))) as client:
        (found,) = await interview.inside(client)

    assert (found.check, found.state) == ("key", "fault")


@pytest.mark.parametrize(
    ("state", "found"), [("ready", "ok"), ("loading", "warn"), ("restarting", "warn"), ("broken", "fault")]
)
def test_a_model_that_does_not_answer_is_found(state: str, found: str) -> None:
    told = interview.of_model("model answers", Model(model="m", state=state, detail="the file is damaged"))

    assert (told.state, "the file is damaged" in told.text) == (found, True)


def test_dead_letters_are_found_with_their_reasons() -> None:
    found = interview.of_dead((Dead(entry="e1", error="no space"),))

    assert (found.state, "e1: no space" in found.text) == ("warn", True)


# --- remote models


def remote(answer: httpx.Response | Exception) -> httpx.MockTransport:
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer sk-secret"
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(respond)


@pytest.mark.parametrize(
    ("answer", "state", "told"),
    [
        (httpx.ConnectError("refused"), "fault", "llm.url"),
        (httpx.Response(401), "fault", "llm.key_file"),
        (httpx.Response(500), "fault", "log"),
        (httpx.Response(404, text="nope"), "warn", "/v1"),
        (httpx.Response(200, json={"data": [{"id": "other"}]}), "fault", "other"),
        (httpx.Response(200, json={"data": [{"id": "m"}]}), "ok", ""),
    ],
)
async def test_a_remote_server_is_asked(
    config: Config, answer: httpx.Response | Exception, state: str, told: str
) -> None:
    asked = with_llm(config, backend="remote", url="http://llm.test/v1", model="m", key="sk-secret")
    (found,) = await interview.remote(asked, remote(answer))

    assert (found.state, told in found.fix) == (state, True)
    assert "sk-secret" not in str(found)


async def test_a_local_model_asks_nobody(config: Config) -> None:
    assert await interview.remote(config) == []


async def test_a_remote_decision_model_is_asked_too(config: Config) -> None:
    decisions = DecisionsConfig(backend="remote", url="http://llm.test/v1", model="m", key="sk-secret")
    found = await interview.remote(with_llm(config, decisions=decisions), remote(httpx.Response(401)))

    assert [finding.check for finding in found] == ["[llm.decisions] server"]


# --- the command


def test_faults_of_the_config_are_the_first_thing_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[hub]\nport = 99999\n", encoding="utf-8")
    result = CliRunner().invoke(load("doctor"), ["--config", str(path)])

    assert result.exit_code == 1
    assert "hub.port" in result.stdout
    assert "line 2" in result.stdout


def test_a_fault_is_shown_with_its_fix_and_ends_with_1(config: Config, port: int) -> None:
    (config.data / "owner.key").write_text("ah_secret", encoding="utf-8")
    (config.data / "owner.key").chmod(0o644)
    args = ["--data", str(config.data), "--url", f"http://127.0.0.1:{port}"]
    result = CliRunner().invoke(load("doctor"), args)

    assert result.exit_code == 1
    assert "✗ key files" in result.stdout
    assert f"-> chmod 600 {config.data}/owner.key" in result.stdout
    assert "ah_secret" not in result.stdout


async def test_an_account_that_the_platform_knows_is_fine() -> None:
    (found,) = await interview.accounts({"telegram": AbleBridge("telegram")})

    assert (found.check, found.state) == ("bridge telegram", "ok")


@pytest.mark.parametrize(("state", "kind"), [("refused", "fault"), ("waiting", "warn")])
async def test_an_account_that_does_not_work_is_told_with_its_reason_and_the_fix(
    state: Literal["refused", "waiting"], kind: str
) -> None:
    bridge = AbleBridge("telegram")
    bridge.info = BridgeInfo(name="telegram", state=state, detail="the token isn't known there")
    (found,) = await interview.accounts({"telegram": bridge})

    assert (found.state, found.text) == (kind, "the token isn't known there")
    assert found.fix


async def test_an_account_that_says_nothing_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(AbleBridge):
        async def probe(self) -> BridgeInfo:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(interview, "TRIAL", 0.05)
    (found,) = await interview.accounts({"xmpp": Silent("xmpp")})

    assert found.state == "fault"


def test_a_token_file_that_others_can_read_is_found(config: Config, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("42:AAE4", encoding="utf-8")
    (tmp_path / "token").chmod(0o644)
    found = examine.key_file(replace(config, bridges=(TelegramAccount(token_file=str(tmp_path / "token")),)), {})

    assert (found.state, str(tmp_path / "token") in found.text) == ("fault", True)


async def test_secrets_that_packages_ask_for_and_nobody_gave_are_told(config: Config) -> None:
    def answer(asks: list[str], state: str = "enabled") -> Client:
        edition = {"version": "1.0.0", "digest": "d", "grants": asks, "source": ""}
        package = {"id": "weather", "kind": "plugin", "state": state, "description": "", "tools": [], "asks": asks}
        at = "2026-11-22T12:00:00Z"
        items = [{**package, "now": edition, "before": None, "created_at": at, "updated_at": at}]
        served = httpx.MockTransport(lambda _: httpx.Response(200, json={"items": items, "next": None}))
        place = Place(url="http://hub", key=Secret("k"), key_from="the test", data=Path("nowhere"))
        return Client(place, transport=served)

    given = replace(config, packages=PackagesConfig(secrets=(SecretConfig(name="A", value="a"),)))
    for client, said in (
        (answer(["secrets:A", "secrets:B"]), ["weather asks for B"]),
        (answer(["secrets:A", "net:a.org"]), ["1 that packages ask for are there"]),
        (answer(["secrets:B"], "disabled"), []),
        (answer([]), []),
    ):
        async with client:
            assert [found.text for found in await interview.secrets(client, given)] == said
