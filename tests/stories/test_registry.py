"""The registry's story, on the command line: published, found, installed, used in a chat, rated, taken back."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from hub.packages.skeletons import skeleton
from hub.testing.server import Loopback

PASSWORD = "correct horse battery"
SETTINGS = "[registry]\nadmins = ['keeper']\nlisted_after_days = 0\nrate_after_hours = 0\nrate_after_days = 0\n"
PATIENCE = 60.0


class Desk:
    """A person's own computer: their folder, their keys, and the command line."""

    def __init__(self, folder: Path, registry: str) -> None:
        self.folder = folder
        self.token = ""
        folder.mkdir()
        (folder / "config.toml").write_text(f'[[registries]]\nurl = "{registry}"\n', encoding="utf-8")

    def run(self, *words: str, status: int = 0, **environ: str) -> str:
        """Return what a command printed."""
        own = {"AGENTHOST_REGISTRY_TOKEN": self.token, "XDG_CONFIG_HOME": str(self.folder / "config-home")}
        done = subprocess.run(
            [sys.executable, "-m", "hub", *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": os.getcwd(), **own, **environ},
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def sign_up(self, registry: str, name: str) -> None:
        """Open an account, and make a token for the command line."""
        with httpx.Client(base_url=f"{registry}/registry/v1") as http:
            made = http.post("/accounts", json={"name": name, "password": PASSWORD}).raise_for_status().json()
            bearer = {"Authorization": f"Bearer {made['token']}"}
            wanted = {"name": "laptop", "scopes": [f"publish:{name}/*", "rate"]}
            self.token = http.post("/tokens", json=wanted, headers=bearer).raise_for_status().json()["token"]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "registry.toml").write_text(SETTINGS, encoding="utf-8")
    port = free_port()
    words = ("registry", "--config", "registry.toml", "--data", "registry", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    with running(tmp_path, *words, up=lambda: httpx.get(f"{url}/registry/v1/key", timeout=5).is_success):
        yield url


def test_a_lost_key_is_made_anew_only_if_thats_said(registry: str, tmp_path: Path) -> None:
    ann = Desk(tmp_path / "ann", registry)
    ann.sign_up(registry, "ann")
    lay_out(ann.folder / "shout")
    ann.run("publish", "shout")
    kept = ann.folder / "config-home" / "agenthost" / "publishers" / "ann.key"
    kept.unlink()

    told = "".join(ann.run("publish", "shout", status=1).split())
    assert f"{kept}isn'tthere" in told.replace("│", "")
    assert not kept.exists(), "a key that nobody asked for signs nothing"
    again = ann.run("keys", "publisher", "--lost")
    assert "Ask an admin of the registry to let in for ann the key" in again
    assert kept.exists()
    assert ann.run("keys", "publisher", "--lost") == again.splitlines(keepends=True)[0], "the same one"
    both = ann.run("keys", "publisher", "--lost", "--rotate", status=2).replace("│", "")
    assert "give one of them" in " ".join(both.split())


def test_a_package_goes_from_one_persons_desk_into_anothers_chat(registry: str, tmp_path: Path) -> None:
    """Published, found, installed, used, rated after a verified install, taken back: and the hub says so."""
    ann, bob = Desk(tmp_path / "ann", registry), Desk(tmp_path / "bob", registry)
    ann.sign_up(registry, "ann")
    bob.sign_up(registry, "bob")
    lay_out(ann.folder / "shout")

    assert "ann/shout@0.1.0 is published" in ann.run("publish", "shout")
    assert "ann/shout@0.1.0 is published" in ann.run("publish", "shout"), "the same bytes again are no error"
    (ann.folder / "shout" / "README.md").write_text("Louder.\n", encoding="utf-8")
    assert "publish it as another version" in " ".join(ann.run("publish", "shout", status=1).split())
    assert "ann/shout" in bob.run("search", "shout")

    with hub(bob.folder) as url:
        assert "installed and enabled" in bob.run("install", "ann/shout", "--yes", "--url", url)
        owner = {"Authorization": f"Bearer {(bob.folder / 'data' / 'owner.key').read_text().strip()}"}
        with httpx.Client(base_url=url, headers=owner, timeout=PATIENCE) as http:
            called = http.post("/v1/tools/shout_words/call", json={"arguments": {"text": "hello"}})
            assert "1 word" in called.raise_for_status().text

        bob.run("rate", "ann/shout", "5", "Loud enough.", "--url", url)
        found = httpx.get(f"{registry}/registry/v1/packages/ann/shout").raise_for_status().json()
        assert found["rating"]["n"] == 1
        assert found["installs"] == 1

        ann.run("yank", "ann/shout@0.1.0", "--reason", "Too loud.")
        told = until(lambda: bob.run("packages", "check", "--url", url), lambda text: "Too loud." in text)
        assert "ann/shout" in told


def test_a_new_registry_is_filled_by_one_command(registry: str, tmp_path: Path) -> None:
    keeper = Desk(tmp_path / "keeper", registry)
    keeper.sign_up(registry, "keeper")

    keeper.run("registry", "seed", "--registry", registry)

    found = httpx.get(f"{registry}/registry/v1/search").raise_for_status().json()["items"]
    assert {"units", "csv-summary", "researcher"} <= {item["name"] for item in found}


def lay_out(folder: Path) -> None:
    """Write a plugin that works."""
    for path, text in skeleton("plugin", folder.name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


@contextmanager
def hub(folder: Path) -> Iterator[str]:
    """A hub of somebody's own, with their config."""
    port = free_port()
    with Loopback() as model:
        import threading  # noqa: PLC0415

        threading.Thread(target=model.serve_forever, daemon=True).start()
        llm = f'\n[llm]\nbackend = "remote"\nmodel = "loopback"\nurl = "{model.url}"\n'
        config = folder / "config.toml"
        config.write_text(llm + config.read_text(encoding="utf-8"), encoding="utf-8")
        url = f"http://127.0.0.1:{port}"
        with running(folder, "run", "--port", str(port), up=lambda: httpx.get(f"{url}/healthz", timeout=5).is_success):
            yield url
        model.shutdown()


@contextmanager
def running(folder: Path, *words: str, up: Callable[[], bool]) -> Iterator[None]:
    """Run a command that serves until it's told to stop."""
    log = (folder / f"{words[0]}.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "hub", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, Path(log.name).read_text(encoding="utf-8")
            try:
                if up():
                    break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, "it doesn't come up"
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0
        log.close()


def until(ask: Callable[[], str], good: Callable[[str], bool]) -> str:
    """Return what's told once it's good."""
    deadline = time.monotonic() + PATIENCE
    while not good(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
