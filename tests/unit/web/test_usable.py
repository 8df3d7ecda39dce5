"""/v1/agents, /v1/plugins and /v1/tools tell what can be used and where it comes from; receipts what was done."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from hub.manifests import load_agents
from hub.packages.agents import Agents
from hub.packages.installer import Installer
from hub.packages.kinds import Kind
from hub.packages.own import found
from hub.packages.plugins import Plugins
from hub.packages.scripts import Scripts
from hub.ports import Add, Effect, ToolCall
from hub.records import OWNER, PackageId
from hub.store.documents import MemoryDocuments
from hub.testing import NOON, a_task, a_turn
from hub.testing.builders import a_pause, a_step
from tests.house.tree import ROOT
from tests.unit.packages.zipping import DATA, a_plugin, an_agent
from tests.unit.web.world import World, a_world


class Letter:
    """A tool as a package brings one, which brings words in and sends some out."""

    name = "post.letter"
    description = "Send a letter."
    schema: Mapping[str, object] = {"type": "object", "properties": {}}
    effect: Effect = "once"
    outside = True
    package = PackageId("post")
    version = "1.2.3"
    digest = "d"

    def fits(self, text: str) -> bool:
        return "letter" in text

    def goes_out(self, call: ToolCall, heard: str) -> str:
        return "it sends a letter"

    async def call(self, call: ToolCall) -> str:
        return "sent"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = await a_world()
    scripts = Scripts()
    kinds: list[Kind] = [Plugins(scripts, MemoryDocuments()), Agents()]
    agents = load_agents([ROOT / "agents"])
    installer = Installer(world.store, tmp_path, kinds, world.services.clock, tools=(), agents=agents)
    await installer.open()
    own = found(kinds, {"shipped": [ROOT / "agents", ROOT / "plugins"], "folder": [tmp_path / "nowhere"]})
    services = replace(world.services, packages=installer, own=lambda: own, tools=lambda: (Letter(),))
    yield replace(world, services=services)
    await scripts.close()


async def test_what_is_in_use_is_listed_by_kind_with_where_it_comes_from(world: World) -> None:
    async with world.client() as client:
        await client.post("/v1/packages", content=a_plugin(), headers={"Content-Type": "application/zip"})
        asking = a_plugin("asks", more=DATA)
        await client.post("/v1/packages", content=asking, headers={"Content-Type": "application/zip"})
        plugins = (await client.get("/v1/plugins")).json()["items"]
        others = [(await client.get(f"/v1/{kind}")).json()["items"] for kind in ("scripts", "skills", "servers")]
        agents = (await client.get("/v1/agents")).json()["items"]

    known = {one["name"]: one["origin"] for one in plugins}
    assert known["units"] == "shipped"
    assert known["echo"] == "package"
    assert "asks" not in known, "it isn't in use"
    assert others == [[], [], []]
    assert [(one["name"], one["origin"]) for one in agents] == [("default", "shipped")]


async def test_a_tool_tells_its_package_and_which_way_words_go(world: World) -> None:
    async with world.client() as client:
        (tool,) = (await client.get("/v1/tools")).json()["items"]
        called = await client.post("/v1/tools/post.letter/call", json={})

    assert {key: tool[key] for key in ("id", "effect", "origin", "package", "version", "outside", "outward")} == {
        "id": "post.letter",
        "effect": "once",
        "origin": "package",
        "package": "post",
        "version": "1.2.3",
        "outside": True,
        "outward": True,
    }
    assert called.status_code == 200


async def test_a_package_is_left_disabled_for_whoever_wants_to_look_at_it_first(world: World) -> None:
    async with world.client() as client:
        zip = {"Content-Type": "application/zip"}
        agent = (await client.post("/v1/packages?enable=false", content=an_agent(), headers=zip)).json()
        plugin = (await client.post("/v1/packages?enable=false", content=a_plugin(more=DATA), headers=zip)).json()
        enabled = (await client.post("/v1/packages/cook/enable")).json()

    assert (agent["state"], agent["permissions"], agent["what"][-15:]) == ("disabled", [], "It has no code.")
    assert plugin["permissions"] == [
        {
            "id": "fs:data",
            "meaning": "Keep small documents of its own about each person, in the hub's data folder.",
            "granted": False,
        }
    ]
    assert enabled["state"] == "enabled"


async def test_a_package_whose_files_somebody_broke_is_still_shown_and_can_be_removed(
    world: World, tmp_path: Path
) -> None:
    async with world.client() as client:
        await client.post("/v1/packages", content=a_plugin(), headers={"Content-Type": "application/zip"})
        (manifest,) = tmp_path.glob("echo/*/echo/plugin.toml")
        manifest.chmod(0o644)
        manifest.write_text("name =", encoding="utf-8")
        (shown,) = (await client.get("/v1/packages")).json()["items"]
        gone = await client.delete("/v1/packages/echo")

    assert shown["notes"][0].startswith("Its files can't be used: ")
    assert gone.status_code == 204


async def test_receipts_tell_each_call_and_who_gave_leave_for_exactly_that(world: World) -> None:
    task = a_task()
    turn = a_turn(task)
    chosen = a_step(turn, number=1, kind="choose", name="tool 1", request="post.letter", result="post.letter")
    leave = a_pause(turn, kind="leave", why="It sends a letter.", decided_at=NOON, decided_by=OWNER, answer="approved")
    sent = a_step(turn, number=2, kind="tool", name="post.letter", request="{}", result="sent", effect="once")
    sent = structs.replace(sent, pause=leave.id)
    other = a_step(turn, number=3, kind="tool", name="gone", request="{}", result="no", failed=True)
    await world.store.commit(Add(task), Add(turn), Add(chosen), Add(sent), Add(other), Add(leave))
    async with world.client() as client:
        first, second = (await client.get(f"/v1/tasks/{task.id}/receipts")).json()["items"]
        stranger = await client.get("/v1/tasks/999/receipts")

    assert (first["tool"], first["arguments"], first["result"], first["effect"], first["package"]) == (
        "post.letter",
        "{}",
        "sent",
        "once",
        "post",
    )
    assert (first["leave"]["decision"], first["leave"]["by"], first["leave"]["why"]) == (
        "approved",
        "Owner",
        "It sends a letter.",
    )
    assert (second["effect"], second["failed"], second["leave"]) == (None, True, None)
    assert stranger.status_code == 404
