"""What people see of packages: strangers what's listed, owners their own, moderators everything."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, update

from hub.registry.parts import Parts
from hub.registry.records import VersionState
from hub.registry.tables import accounts, archives
from hub.statements import SigningKey
from tests.unit.registry.conftest import Client, signed_up
from tests.unit.registry.publishing import a_plugin, published

ECHO = "/registry/v1/packages/ann/echo"
STATES: tuple[VersionState, ...] = ("pending", "held", "quarantined", "revoked", "deleted")


@pytest.fixture
async def ann(client: Client) -> dict[str, str]:
    return await signed_up(client, "ann")


async def a_moderator(client: Client, parts: Parts) -> dict[str, str]:
    headers = await signed_up(client, "mod")
    raised = update(accounts).where(accounts.c.name == "mod").values(role="moderator")
    await parts.shelf.write(lambda connection: connection.execute(raised) and None)
    return headers


async def test_a_package_is_shown_with_its_versions_newest_first(
    client: Client, parts: Parts, ann: dict[str, str]
) -> None:
    key = SigningKey.fresh()
    await published(parts, version="1.0.0", key=key)
    await published(parts, version="1.1.0", key=key)

    shown = (await client.get(ECHO)).json()

    assert [each["version"] for each in shown["versions"]] == ["1.1.0", "1.0.0"]
    assert (shown["latest"], shown["readme"], shown["license"]) == ("1.1.0", "# echo 1.1.0\n", "MIT")
    assert shown["rating"] == {"mean": None, "n": 0}
    assert [each["id"] for each in shown["keys"]] == [key.id]


async def test_a_version_says_what_it_asks_for_that_the_one_before_did_not(
    client: Client, parts: Parts, ann: dict[str, str]
) -> None:
    await published(parts, version="1.9.0", asks=("fs:data", "net:a.example:443"))
    await published(parts, version="1.10.0", asks=("net:a.example:443", "net:b.example:443"))
    await published(parts, version="2.0.0", state="pending", asks=("fs:tree",))

    first = (await client.get(f"{ECHO}/versions/1.9.0")).json()
    second = (await client.get(f"{ECHO}/versions/1.10.0")).json()

    assert first["changes"] == {"against": None, "added": ["fs:data", "net:a.example:443"], "removed": []}
    assert second["changes"] == {"against": "1.9.0", "added": ["net:b.example:443"], "removed": ["fs:data"]}


async def test_a_statement_comes_byte_by_byte_as_it_was_sent(client: Client, parts: Parts, ann: dict[str, str]) -> None:
    version = await published(parts)

    answer = await client.get(f"{ECHO}/versions/1.0.0/statement")

    assert answer.content == version.envelope.encode()
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("state", STATES)
async def test_a_stranger_sees_only_what_is_listed_and_the_owner_and_moderators_more(
    client: Client, parts: Parts, ann: dict[str, str], state: VersionState
) -> None:
    await published(parts, state=state)
    bob, mod = await signed_up(client, "bob"), await a_moderator(client, parts)

    seen = {
        (who, path): (await client.get(f"{ECHO}{path}", headers=headers)).status_code
        for who, headers in (("nobody", {}), ("bob", bob), ("ann", ann), ("mod", mod))
        for path in ("", "/versions", "/versions/1.0.0", "/versions/1.0.0/statement")
    }

    owner = 404 if state == "deleted" else 200
    assert {status for (who, _), status in seen.items() if who in ("nobody", "bob")} == {404}
    assert {status for (who, _), status in seen.items() if who == "ann"} == {owner}
    assert {status for (who, _), status in seen.items() if who == "mod"} == {200}


async def test_what_must_not_be_seen_is_told_and_looked_up_as_what_there_is_not(
    client: Client, parts: Parts, ann: dict[str, str]
) -> None:
    await published(parts, state="held")

    for path in ("", "/versions", "/versions/1.0.0", "/versions/1.0.0/statement", "/versions/1.0.0/download"):
        with asked(parts) as hidden:
            one = await client.get(f"{ECHO}{path}")
        with asked(parts) as absent:
            other = await client.get(f"{ECHO}{path}".replace("echo", "ocho"))
        assert hidden == absent
        assert hidden
        assert one.status_code == other.status_code == 404
        assert one.text.replace("echo", "ocho") == other.text


async def test_versions_are_listed_piece_by_piece(client: Client, parts: Parts, ann: dict[str, str]) -> None:
    for minor in range(5):
        await published(parts, version=f"1.{minor}.0")

    found: list[str] = []
    asking: dict[str, str] = {"limit": "2"}
    while "cursor" not in asking or asking["cursor"]:
        answer = (await client.get(f"{ECHO}/versions", params=asking)).json()
        found += [each["version"] for each in answer["items"]]
        asking["cursor"] = answer["next"] or ""
    unknown = await client.get(f"{ECHO}/versions", params={"cursor": "9.9.9"})

    assert found == ["1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"]
    assert (unknown.status_code, unknown.json()["field"]) == (400, "cursor")


async def test_a_publisher_is_shown_with_what_one_may_see_of_it(
    client: Client, parts: Parts, ann: dict[str, str]
) -> None:
    await published(parts, name="echo")
    await published(parts, name="secret", state="pending")

    stranger = (await client.get("/registry/v1/publishers/ann")).json()
    owner = (await client.get("/registry/v1/publishers/ann", headers=ann)).json()

    assert [each["name"] for each in stranger["packages"]] == ["echo"]
    assert {each["name"] for each in owner["packages"]} == {"echo", "secret"}
    assert (await client.get("/registry/v1/publishers/nobody")).status_code == 404


async def test_the_files_of_an_archive_are_listed_and_shown_as_letters_that_no_browser_runs(
    client: Client, parts: Parts, ann: dict[str, str]
) -> None:
    page = "<script>alert(1)</script>"
    archive = a_plugin("echo", "1.0.0", more={"docs/page.html": page, "raw.bin": "\0\1", "big.txt": "x" * 1_100_000})
    await published(parts, archive=archive)

    listed = (await client.get(f"{ECHO}/versions/1.0.0/files")).json()["items"]
    html = await client.get(f"{ECHO}/versions/1.0.0/files/docs/page.html")
    others = [
        (await client.get(f"{ECHO}/versions/1.0.0/files/{path}")).status_code
        for path in ("raw.bin", "big.txt", "none.txt", "..%2F..%2Fetc%2Fpasswd", "docs")
    ]

    assert {"path": "docs/page.html", "size": len(page)} in listed
    assert html.text == page
    assert html.headers["content-type"] == "text/plain; charset=utf-8"
    assert html.headers["x-content-type-options"] == "nosniff"
    assert html.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert others == [415, 413, 404, 404, 404]


async def test_an_archive_that_was_damaged_in_the_store_is_not_given_out(
    client: Client, parts: Parts, ann: dict[str, str]
) -> None:
    version = await published(parts)
    flipped = bytearray(a_plugin("echo", "1.0.0"))
    flipped[40] ^= 1
    change = update(archives).where(archives.c.sha256 == version.sha256).values(data=bytes(flipped))
    await parts.shelf.write(lambda connection: connection.execute(change) and None)

    answer = await client.get(f"{ECHO}/versions/1.0.0/download")

    assert answer.status_code == 503
    assert "damaged" in answer.json()["detail"]


@contextmanager
def asked(parts: Parts) -> Iterator[list[str]]:
    """Yield what the database is asked within, as SQL."""
    found: list[str] = []

    def remember(*told: object) -> None:
        found.append(str(told[2]))

    engine = parts.shelf._reader
    assert engine is not None
    event.listen(engine, "before_cursor_execute", remember)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", remember)
