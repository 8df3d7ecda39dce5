"""The pages are shells: small, the same for everybody, and made so that the strictest policy fits them."""

import re
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from hub.flow.brands import Look
from hub.flow.commands import HELP
from hub.records import SCOPES
from hub.web.site import FOLDER, Site, address, static_files, templates

PAGES = (
    *("/", "/tasks", "/tasks/0190f3", "/people", "/desk", "/packages", "/packages/find", "/webhooks", "/approvals"),
    *("/routes", "/keys", "/usage", "/look", "/status", "/sign-in"),
)
WEIGHT = 64 * 1024
"""Bytes of scripts and styles that a page may load, uncompressed."""
SCRIPTS = sorted(path.name for path in (FOLDER / "static").glob("*.js"))


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    look = {"look": Provide(Look, sync_to_thread=False)}
    app = Litestar([Site, static_files()], template_config=templates(), dependencies=look)
    with TestClient(app) as client:
        yield client


def loaded(client: TestClient[Litestar], page: str) -> set[str]:
    """Return the addresses of all scripts and styles that a page brings along, those imported by scripts too."""
    html = client.get(page).text
    found: set[str] = set()
    waiting = re.findall(r'(?:src|href)="(/static/\w+/[\w-]+\.(?:js|css))"', html)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            imported = re.findall(r'from "\./([\w-]+\.js)"', client.get(path).text)
            waiting += [f"{address()}/{name}" for name in imported]
    return found


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_script_or_style_of_its_own_and_loads_nothing_from_elsewhere(
    client: TestClient[Litestar], page: str
) -> None:
    html = client.get(page).text

    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
    assert all(re.search(r'\ssrc="/static/', tag) for tag in re.findall(r"<script[^>]*>", html))
    assert not re.search(r'(?:src|href|action)="(?!/|#)', html)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_light(client: TestClient[Litestar], page: str) -> None:
    assert sum(len(client.get(path).content) for path in loaded(client, page)) < WEIGHT


@pytest.mark.parametrize("page", PAGES)
def test_everything_that_a_page_names_is_there(client: TestClient[Litestar], page: str) -> None:
    for path in loaded(client, page):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] in {"text/javascript", "text/css"}


def test_pages_are_asked_about_each_time_and_what_they_load_is_kept_until_it_changes(
    client: TestClient[Litestar],
) -> None:
    assert client.get("/").headers["cache-control"] == "no-cache"
    assert client.get(f"{address()}/chat.js").headers["cache-control"] == "max-age=31536000, immutable"


@pytest.mark.parametrize("name", SCRIPTS)
def test_html_is_put_into_a_page_only_where_the_hub_has_sanitised_it(name: str) -> None:
    for line in (FOLDER / "static" / name).read_text(encoding="utf-8").splitlines():
        if "innerHTML" in line:
            assert re.search(r"message\.html\)?; // Sanitised by the hub\.", line)
        assert not re.search(r"insertAdjacentHTML|outerHTML|document\.write|\beval\(|new Function", line)


def test_the_composer_offers_the_commands_that_the_hub_obeys() -> None:
    script = (FOLDER / "static" / "commands.js").read_text(encoding="utf-8")

    assert sorted(re.findall(r'\["/(\w+)"', script)) == sorted(HELP)


def test_the_keys_page_has_plain_words_for_every_scope() -> None:
    script = (FOLDER / "static" / "keys.js").read_text(encoding="utf-8")

    assert re.findall(r'^  "?([a-z:]+)"?: t\(', script, re.MULTILINE) != []
    assert sorted(re.findall(r'^  "?([a-z:]+)"?: t\(', script, re.MULTILINE)) == sorted(SCOPES)


def test_the_files_lie_open_to_nobody_who_climbs_out_of_the_folder(client: TestClient[Litestar]) -> None:
    for path in ("../site.py", "%2e%2e/site.py", "..%2fsite.py"):
        assert client.get(f"{address()}/{path}").status_code in {400, 404}


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_says_our_name_where_a_site_may_go_by_another(name: str) -> None:
    script = (FOLDER / "static" / name).read_text(encoding="utf-8")

    assert "AgentHost" not in re.sub(r"(?m)^\s*//.*$", "", script)
