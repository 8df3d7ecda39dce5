"""`agenthost search`, `install PUBLISHER/NAME`, `packages check` and `trust`, and `rate`, against a real hub."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from hub.__main__ import load
from hub.clock import SystemClock
from hub.config import LimitsConfig
from hub.releases import read_install
from hub.statements import SigningKey, public_of
from tests.unit.cli.conftest import Running, echo
from tests.unit.packages.shelving import StandIn
from tests.unit.packages.zipping import DATA, a_plugin


def run(hub: Running, name: str, *args: str, **env: str) -> Result:
    return CliRunner().invoke(load(name), args, env={**hub.environ, **env})


class Shopping(Running):
    """A hub with a registry."""

    registry: StandIn


@pytest.fixture
def hub() -> Iterator[Shopping]:
    registry = StandIn(clock=SystemClock())
    registry.publish("ann/echo", "1.0.0", a_plugin())
    running = Shopping(echo, LimitsConfig(), registry=registry)
    yield running
    running.close()


def error(result: Result) -> str:
    """Return what went wrong, without the box that it's put into."""
    return " ".join(result.stderr.replace("│", " ").split())


class Desk(BaseHTTPRequestHandler):
    """Where ratings are taken: what a registry answers to whom it knows."""

    taken: list[tuple[str, dict[str, Any]]]

    def do_GET(self) -> None:
        if self.path == "/registry/v1/search?q=echo&kind=plugin&sort=relevance" or "q=echo&sort" in self.path:
            rating = {"mean": 4.25, "n": 4}
            found = {"publisher": "ann", "name": "echo", "kind": "plugin", "latest": "1.0.0", "rating": rating}
            self._answer(200, {"items": [found], "next": None})
            return
        good = self.headers["Authorization"] == "Bearer ah_good" and self.path == "/registry/v1/me"
        self._answer(200 if good else 401, {"name": "bob"} if good else {"detail": "that token is unknown"})

    def do_PUT(self) -> None:
        body = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])), type=dict[str, Any])
        self.taken.append((self.path, body))
        self._answer(200, {})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: object) -> None:
        data = msgspec.json.encode(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def desk() -> Iterator[str]:
    Desk.taken = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_packages_are_found_in_the_registries_of_the_config_without_a_hub(desk: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    away = "http://127.0.0.1:9"
    config.write_text(f"[[registries]]\nurl = '{away}'\n[[registries]]\nurl = '{desk}'\n", encoding="utf-8")

    found = CliRunner().invoke(load("search"), ["echo", "--kind", "plugin", "--config", str(config)])
    assert found.exit_code == 0, found.output
    assert "ann/echo" in found.stdout
    assert "4.2 of 5 (4)" in found.stdout
    assert f"{away}: no registry answers" in found.stderr
    listed = CliRunner().invoke(load("search"), ["echo", "--registry", desk, "--json"])
    (one,) = json.loads(listed.stdout)["items"]
    assert (one["registry"], one["publisher"], one["name"], one["latest"]) == (desk, "ann", "echo", "1.0.0")
    assert CliRunner().invoke(load("search"), ["echo", "--registry", away]).exit_code == 1
    assert CliRunner().invoke(load("search"), ["echo", "--data", str(tmp_path)]).exit_code == 2


def test_a_package_is_installed_and_shown_with_who_signed_it(hub: Shopping) -> None:
    installed = run(hub, "install", "ann/echo", "--yes")
    assert installed.exit_code == 0, installed.output
    key = hub.registry.signer("ann").id
    assert f"signed by: the key {key} of ann" in installed.stdout
    assert "registry: https://registry.example.org" in installed.stdout


def test_what_is_refused_is_told_as_the_hub_tells_it(hub: Shopping) -> None:
    run(hub, "install", "ann/echo", "--yes")
    fresh = hub.registry.rotate("ann", stated=False)
    hub.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"))

    refused = run(hub, "install", "ann/echo", "--yes")
    assert refused.exit_code == 1
    assert f"agenthost packages trust ann {fresh.id}" in error(refused)

    assert "(it came with their first package)" in run(hub, "packages", "trust", "ann").stdout
    assert "by an admin's word" in run(hub, "packages", "trust", "ann", fresh.id).stdout
    assert run(hub, "install", "ann/echo", "--yes").exit_code == 0
    assert run(hub, "packages", "trust", "ann", "--forget").stdout == "Forgotten: the key of ann.\n"
    assert run(hub, "packages", "trust", "ann").stdout == "No key of ann is pinned.\n"
    assert run(hub, "packages", "trust", "ann", "x").exit_code == 1
    assert run(hub, "packages", "trust", "ann", fresh.id, "--forget").exit_code == 2


def test_what_was_taken_back_or_away_and_what_is_newer_is_told(hub: Shopping) -> None:
    run(hub, "install", "ann/echo", "--yes")
    assert run(hub, "packages", "check").exit_code == 0

    hub.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0", more=DATA), ["fs:data"])
    hub.registry.yank("ann/echo", "1.0.0", "It forgets.")
    looked = run(hub, "packages", "check")
    assert looked.exit_code == 0
    assert "ann/echo 1.0.0: taken back by its publisher: It forgets." in looked.stdout
    assert "ann/echo 1.0.0: newer: 1.1.0" in looked.stdout

    hub.registry.revoke("ann/echo", "1.0.0", "It steals.")
    assert "TAKEN AWAY by its registry: It steals." in run(hub, "packages", "check").stdout
    assert "disabled" in run(hub, "packages", "list").stdout
    assert "TAKEN AWAY" in run(hub, "packages", "show", "echo").stdout
    refused = run(hub, "packages", "enable", "echo")
    assert (refused.exit_code, "took it away" in error(refused)) == (1, True)

    waits = run(hub, "packages", "update", "echo")
    assert "may, if you grant fs:data" in waits.stdout


def test_what_is_used_is_rated_with_the_hubs_receipt(hub: Shopping, desk: str) -> None:
    run(hub, "install", "ann/echo", "--yes")

    rated = run(hub, "rate", "ann/echo", "5", "Well made.", "--registry", desk, AGENTHOST_REGISTRY_TOKEN="ah_good")

    assert rated.exit_code == 0, rated.output
    ((path, body),) = Desk.taken
    assert path == "/registry/v1/packages/ann/echo/rating"
    assert (body["stars"], body["text"], body["version"]) == (5, "Well made.", "1.0.0")
    receipt = read_install(msgspec.json.encode(body["receipt"]), public_of(body["hub"]))
    assert receipt.predicate.account == "bob"
    assert body["hub"] == hub.registry.fetches[0][0], "the hub that fetched it"


def test_what_is_not_used_is_not_rated_and_a_token_goes_nowhere_it_could_be_read(hub: Shopping, desk: str) -> None:
    env = {"AGENTHOST_REGISTRY_TOKEN": "ah_good"}
    assert "isn't installed from a registry" in error(run(hub, "rate", "ann/echo", "5", **env))
    run(hub, "install", "ann/echo", "--yes")

    assert run(hub, "rate", "ann/echo", "5").exit_code == 2
    assert run(hub, "rate", "ann/echo", "6", **env).exit_code == 2
    plain = run(hub, "rate", "ann/echo", "5", "--registry", "http://registry.example.org", **env)
    assert "anybody on the way could read the token" in error(plain)
    unknown = run(hub, "rate", "ann/echo", "5", "--registry", desk, "--token", "ah_bad")
    assert "that token is unknown" in error(unknown)
    run(hub, "packages", "disable", "echo")
    off = run(hub, "rate", "ann/echo", "5", "--registry", desk, **env)
    assert "isn't enabled" in error(off)
    assert Desk.taken == []


def test_a_registry_with_another_key_is_refused_with_the_way_out(hub: Shopping) -> None:
    run(hub, "install", "ann/echo", "--yes")
    hub.registry.key = SigningKey.fresh()

    refused = run(hub, "install", "ann/echo", "--yes")
    assert "give the new one under [[registries]]" in error(refused)
