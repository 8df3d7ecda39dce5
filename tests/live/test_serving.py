"""`agenthost run` as a person starts it: a process, a port, signals."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

START = 60.0
"""Seconds that a hub may take to its link on a machine that's busy with other tests."""


class Run:
    """A hub in a process of its own, without a model: it must serve all the same."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        environ = {key: value for key, value in os.environ.items() if not key.startswith("AGENTHOST")}
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hub", "run", "--data", str(folder / "data"), "--port", "0", *options],
                env=environ | {"XDG_CACHE_HOME": str(folder / "no-cache")},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def link(self) -> str:
        """Return the sign-in link, which stands on a line of its own."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if re.fullmatch(r"http://\S+/sign-in#\S+", line.strip()):
                return line.strip()
        raise AssertionError(f"no link: {self.log()}")

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    started: list[Run] = []

    def run(*options: str) -> Run:
        started.append(Run(tmp_path, *options))
        return started[-1]

    yield run
    for one in started:
        one.process.kill()
        one.process.wait(30)
        if one.process.stdout:
            one.process.stdout.close()


def eventually(true: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    until = time.monotonic() + START
    while not true():
        assert time.monotonic() < until, otherwise()
        time.sleep(0.05)


def test_it_serves_without_a_model_and_ends_when_told(runs: Callable[..., Run], tmp_path: Path) -> None:
    hub = runs()
    base, code = hub.link().split("/sign-in#")
    with httpx.Client(base_url=base) as browser:
        assert browser.get("/healthz").json() == {"status": "ok"}
        assert browser.post("/v1/sign-in", json={"code": code}).status_code == 204
        status = browser.get("/v1/status").json()
        assert status["llm"]["state"] in {"absent", "broken"}
        assert status["llm"]["detail"], "it says what's missing"
        said = browser.post(
            "/v1/messages",
            json={"text": "Is anybody there?"},
            headers={"x-csrftoken": browser.cookies.get("csrftoken") or "", "origin": base},
        )
        assert said.status_code == 202
    assert hub.end() == 0

    again = runs()
    again.link()
    assert again.end() == 0
    for path in (tmp_path / "data").rglob("*"):
        lax = path.stat().st_mode & 0o077
        assert not lax or not path.is_file(), f"{path.name} is {stat.filemode(path.stat().st_mode)}"


def test_a_port_in_use_is_refused_in_words(runs: Callable[..., Run]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        hub = runs("--port", str(port))
        assert hub.process.wait(START) == 2
        assert f"hub.port: can't listen at 127.0.0.1:{port}" in hub.log()


def test_two_hubs_never_share_a_data_folder(runs: Callable[..., Run]) -> None:
    first = runs()
    first.link()
    second = runs()
    assert second.process.wait(START) == 2
    assert "hub.lock" in second.log() or "another hub" in second.log()


def test_a_bad_reload_keeps_the_last_good_config_and_a_good_one_takes_over(
    runs: Callable[..., Run], tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[limits]\nmessage_bytes = 100\n")
    hub = runs("--config", str(config))
    base = hub.link().split("/sign-in#")[0]
    key = (tmp_path / "data" / "owner.key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}"}

    def long_is(status: int) -> bool:
        try:
            answer = httpx.post(f"{base}/v1/messages", json={"text": "x" * 200}, headers=headers)
        except httpx.TransportError:
            return False
        return answer.status_code == status

    assert long_is(413)
    config.write_text("[limits]\nmessage_bytes = 'many'\n")
    hub.process.send_signal(signal.SIGHUP)
    eventually(lambda: "limits.message_bytes" in hub.log(), hub.log)
    assert long_is(413), "the last good one stays"

    config.write_text("[limits]\nmessage_bytes = 1000\n")
    hub.process.send_signal(signal.SIGHUP)
    base = hub.link().split("/sign-in#")[0]
    eventually(lambda: long_is(202), hub.log)
    assert hub.end() == 0
