"""The documentation: its links lead somewhere, its examples are sound, and it names all there is to name."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest
import rich_click as click
from litestar.routes import HTTPRoute

from hub.__main__ import COMMANDS, load
from hub.config import Config
from hub.config import load as load_config
from hub.failpoints import NAMES, RARE
from hub.flow.commands import HELP
from hub.manifests import Agent, Plugin, load_agent, load_plugin, load_script
from hub.manifests.servers import load_server
from hub.records import SCOPES
from hub.waker.config import WakerConfig
from hub.waker.config import load as load_waker
from hub.web.auth import ANY
from tests.house.tree import ROOT, files, named
from tests.unit.web.world import a_world

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(path for path in files(ROOT / "docs") if path.suffix == ".md")]
REFERENCE = ROOT / "docs" / "reference"
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^### ((?:GET|POST|PUT|PATCH|DELETE) /\S+)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def named_if_path(part: object) -> str:
    return named(part) if isinstance(part, Path) else ""


def blocks(language: str) -> list[tuple[Path, str]]:
    return [(path, block) for path in PAGES for kind, block in BLOCK.findall(text(path)) if kind == language]


def prose(path: Path) -> str:
    return BLOCK.sub("", text(path))


def anchors(path: Path) -> set[str]:
    """The names of a page's headings, as a link has them after the #."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        where, _, anchor = link.partition("#")
        target = (page.parent / where).resolve() if where else page
        if "://" in link:
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            links = (link.partition("#")[0] for link in LINK.findall(prose(page)) if "://" not in link)
            waiting += [(page.parent / link).resolve() for link in links if link]

    assert [named(page) for page in PAGES if page not in reached] == []


def test_every_promise_links_to_its_test() -> None:
    promises = text(ROOT / "README.md").partition("## What it promises")[2].partition("\n## ")[0]
    rows = [row for row in promises.splitlines() if row.startswith("| ")][1:]

    assert rows
    for row in rows:
        proofs = [ROOT / link for link in LINK.findall(row)]
        assert proofs, row
        assert all(proof.is_file() and proof.name.startswith("test_") for proof in proofs), row


@pytest.mark.parametrize(("page", "block"), blocks("toml"), ids=named_if_path)
def test_every_toml_block_loads(page: Path, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if block.startswith("# agent.toml"):
        name = tomllib.loads(block)["name"]
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.toml").write_text(block, encoding="utf-8")
        (tmp_path / name / "prompt.md").write_text("Cook.", encoding="utf-8")
        assert isinstance(load_agent(tmp_path / name), Agent)
    elif block.startswith("# server.toml"):
        name = tomllib.loads(block)["name"]
        (tmp_path / name).mkdir()
        (tmp_path / name / "server.toml").write_text(block, encoding="utf-8")
        assert load_server(tmp_path / name).name == name
    elif block.startswith("# plugin.toml"):
        name = tomllib.loads(block)["name"]
        (tmp_path / name).mkdir()
        (tmp_path / name / "plugin.toml").write_text(block, encoding="utf-8")
        (tmp_path / name / "plugin.py").write_text("pass", encoding="utf-8")
        assert isinstance(load_plugin(tmp_path / name), Plugin)
    elif block.startswith("# script.toml"):
        name = tomllib.loads(block)["name"]
        (tmp_path / name).mkdir()
        (tmp_path / name / "script.toml").write_text(block, encoding="utf-8")
        (tmp_path / name / "main.py").write_text("pass", encoding="utf-8")
        assert isinstance(load_script(tmp_path / name), Plugin)
    elif block.startswith("# waker.toml"):
        monkeypatch.chdir(tmp_path)
        for file in re.findall(r'_file = "([^"/]+)"', block):
            Path(file).write_text("x" * 32, encoding="utf-8")
        Path("waker.toml").write_text(block, encoding="utf-8")
        assert isinstance(load_waker(Path("waker.toml"), {}), WakerConfig)
    else:
        (tmp_path / "config.toml").write_text(block, encoding="utf-8")
        assert isinstance(load_config(tmp_path / "config.toml", {}), Config)


@pytest.mark.parametrize(("page", "block"), blocks("python"), ids=named_if_path)
def test_every_python_block_compiles(page: Path, block: str) -> None:
    compile(block, named(page), "exec", dont_inherit=True)


@pytest.mark.parametrize(("page", "block"), blocks("json"), ids=named_if_path)
def test_every_json_block_is_json(page: Path, block: str) -> None:
    msgspec.json.decode(block)


def commands() -> list[tuple[Path, str]]:
    """Every `agenthost ...` that stands in a block of shell or in the prose."""
    shell = [(path, line) for path, block in blocks("sh") for line in block.replace("\\\n", " ").splitlines()]
    told = [(path, words) for path in PAGES for words in re.findall(r"`(agenthost [^`]+)`", prose(path))]
    return [(path, line) for path, line in (*shell, *told) if line.startswith("agenthost ")]


@pytest.mark.parametrize(("page", "line"), commands(), ids=named_if_path)
def test_every_command_with_its_options_exists(page: Path, line: str) -> None:
    _, name, *words = line.split()
    if name.isupper() or name.startswith("-"):
        return
    assert name in COMMANDS
    command: click.Command = load(name)
    for word in (word.strip("[]") for word in words):
        if isinstance(command, click.Group) and word.isalpha() and word.islower():
            assert word in command.commands
            command = command.commands[word]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    used = set(re.findall(r"(?<![\w\"-])--[a-z][a-z-]*", re.sub(r'"[^"]*"', "", line)))

    assert used <= {*options, "--help"}


def test_every_command_is_in_the_reference() -> None:
    page = text(REFERENCE / "command-line.md")

    assert [name for name in COMMANDS if f"agenthost {name}" not in page] == []


def test_every_chat_command_is_in_the_reference() -> None:
    page = text(REFERENCE / "commands.md")

    assert [name for name in HELP if not re.search(rf"`/{name}\b", page)] == []


def test_every_failpoint_and_every_scope_is_in_the_reference() -> None:
    failpoints, http = text(REFERENCE / "failpoints.md"), text(REFERENCE / "http.md")

    assert [name for name in (*NAMES, *RARE) if f"`{name}`" not in failpoints] == []
    assert [scope for scope in SCOPES if not re.search(rf"[` ]{scope}[` \n]", http)] == []


async def test_every_route_is_in_the_reference_with_its_scope_and_no_other() -> None:
    told = dict(SECTION.findall(text(REFERENCE / "http.md") + "\n## "))
    world = await a_world()
    routes = {}
    for route in world.app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith(("/v1", "/healthz", "/readyz", "/metrics")):
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS"}:
                    routes[f"{method} {re.sub(':(str|path)}', '}', route.path)}"] = handler.opt

    assert told.keys() == routes.keys()
    for name, opt in routes.items():
        scope = opt.get("scope")
        words = "any good key" if scope == ANY else f"scope `{scope}`"
        assert ("open" if opt.get("open") else words) in told[name].lower(), name
