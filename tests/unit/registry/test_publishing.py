"""Versions on their way in: kept as they were sent and signed, or refused; what's there never changes."""

import asyncio
import os
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from hub.errors import AgentHostError
from hub.packages.archive import Bounds
from hub.registry import publishing
from hub.registry.auditing import fault
from hub.registry.parts import Parts
from hub.registry.publishing import Upload
from hub.registry.tables import archives, audit, listings, versions
from hub.releases import Rotation
from hub.statements import SigningKey
from hub.testing import FakeClock
from hub.testing.builders import NOON
from tests.unit.packages.zipping import a_plugin, an_agent, zipped
from tests.unit.registry.authoring import V1, Author, an_author, release, saying
from tests.unit.registry.conftest import Client

pytestmark = pytest.mark.usefixtures("scanning")
RACES = int(os.environ.get("AGENTHOST_RACES", "25"))
"""Of 20 clients each."""


async def test_a_version_is_listed_once_it_was_looked_into(client: Client, parts: Parts) -> None:
    ann = await an_author(client, "ann")

    answer = await ann.publish(a_plugin(more='[permissions]\nnet = ["api.example.org"]\n'))

    told = answer.json()
    assert (answer.status_code, told["state"], told["version"], told["kind"]) == (201, "listed", "1.0.0", "plugin")
    assert (told["asks"], told["key"], told["yanked"]) == (["net:api.example.org"], ann.key.id, False)
    assert await actions(parts) == ["account.create", "key.add", "version.publish", "version.list"]
    assert await parts.shelf.read(fault) == ""
    latest = await parts.shelf.read(lambda each: each.execute(select(listings.c.latest)).scalar_one())
    assert latest == "1.0.0"


async def test_an_agent_and_a_skill_are_taken_too(client: Client) -> None:
    ann = await an_author(client, "ann")
    skill = zipped({"SKILL.md": "---\nname: minutes\ndescription: How to write them.\n---\nDo."})

    assert [(await ann.publish(archive)).json()["kind"] for archive in (an_agent(), skill)] == ["agent", "skill"]


async def test_the_same_bytes_again_are_no_error_and_other_bytes_are_refused_for_ever(client: Client) -> None:
    ann = await an_author(client, "ann")
    await ann.publish(saying("one"))

    same, again = await ann.publish(saying("one")), await ann.publish(saying("one"))
    other = await ann.publish(saying("other"))
    await ann.post("/packages/ann/echo/versions/1.0.0/yank", reason="broken")
    yanked = await ann.publish(saying("other"))
    await client.delete(f"{V1}/packages/ann/echo", headers=ann.headers)
    deleted = [(await ann.publish(saying(said))).status_code for said in ("one", "other")]

    assert [same.status_code, again.status_code, other.status_code, yanked.status_code] == [200, 200, 409, 409]
    assert deleted == [409, 409]
    assert "another version" in other.json()["detail"]


async def test_of_twenty_that_publish_one_version_at_once_one_is_first(
    client: Client, parts: Parts, clock: FakeClock
) -> None:
    ann = await an_author(client, "ann")
    me = await parts.accounts.caller(ann.headers["Authorization"].partition(" ")[2])
    assert me
    clock.put(NOON + timedelta(days=20))

    async def sent(at: int, version: str) -> str:
        archive = saying(f"{at % 5}", version=version)
        statement = ann.key.seal(release("ann/echo", version, archive))
        upload = Upload(publisher="ann", name="echo", version=version, archive=archive, envelope=statement)
        try:
            _, fresh = await parts.publishing.publish(me, upload)
        except AgentHostError as error:
            return type(error).__name__
        return "new" if fresh else "same"

    for race in range(RACES):
        told = Counter(await asyncio.gather(*(sent(at, f"1.0.{race}") for at in range(20))))
        assert told == {"new": 1, "same": 3, "Decided": 16}, (race, told)
    assert await count(parts, versions) == await count(parts, archives) == RACES


async def test_twenty_clients_over_http_get_one_201(client: Client) -> None:
    ann = await an_author(client, "ann")
    sent = [(archive := saying(f"{at % 4}"), ann.stated(archive)) for at in range(20)]

    answers = await asyncio.gather(*(ann.send("echo", "1.0.0", *each) for each in sent))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 4, 409: 15}


@pytest.mark.parametrize(
    ("name", "version"), [("other", "1.0.0"), ("echo", "2.0.0"), ("echo", "1.0"), ("Echo", "1.0.0"), ("echo", "01.0.0")]
)
async def test_what_isnt_what_its_manifest_and_its_statement_say_is_refused(
    client: Client, parts: Parts, name: str, version: str
) -> None:
    ann = await an_author(client, "ann")
    archive = a_plugin()

    answer = await ann.send(name, version, archive, ann.key.seal(release(f"ann/{name}", version, archive)))

    assert answer.status_code in {400, 422}, answer.text
    assert await count(parts, versions) == await count(parts, archives) == await count(parts, listings) == 0


async def test_a_statement_of_anything_else_or_by_anybody_else_is_refused(client: Client, parts: Parts) -> None:
    ann, archive, key = await an_author(client, "ann"), a_plugin(more="[permissions]\nschedule = true\n"), SigningKey
    asks = ("schedule",)
    wrong = {
        "another version": ann.key.seal(release("ann/echo", "1.0.1", archive, asks)),
        "another package": ann.key.seal(release("ann/other", "1.0.0", archive, asks)),
        "another publisher": ann.key.seal(release("bob/echo", "1.0.0", archive, asks)),
        "other bytes": ann.key.seal(release("ann/echo", "1.0.0", archive + b"x", asks)),
        "fewer permissions": ann.key.seal(release("ann/echo", "1.0.0", archive)),
        "more permissions": ann.key.seal(release("ann/echo", "1.0.0", archive, ("fs:data", *asks))),
        "another's key": key.fresh().seal(release("ann/echo", "1.0.0", archive, asks)),
        "another kind": ann.key.seal(Rotation.of("ann", ann.key, ann.key.public, NOON)),
        "no statement": b"{}",
        "no JSON": b"\xff",
        "nothing": b"",
        "much": b" " * 70_000 + ann.stated(archive),
    }

    answers = {what: (await ann.send("echo", "1.0.0", archive, each)).status_code for what, each in wrong.items()}

    assert answers == dict.fromkeys(wrong, 422)
    assert await count(parts, versions) == await count(parts, archives) == 0
    assert (await ann.publish(archive)).status_code == 201


async def test_no_flipped_bit_in_archive_or_statement_is_taken(client: Client, parts: Parts) -> None:
    ann, archive = await an_author(client, "ann"), a_plugin()
    statement = ann.stated(archive)
    me = await parts.accounts.caller(ann.headers["Authorization"].partition(" ")[2])
    assert me
    loop = asyncio.get_running_loop()

    async def refused(archive: bytes, statement: bytes) -> bool:
        upload = Upload(publisher="ann", name="echo", version="1.0.0", archive=archive, envelope=statement)
        try:
            await parts.publishing.publish(me, upload)
        except AgentHostError:
            return True
        return False

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(archive) * 8 - 1))
    def in_the_archive(bit: int) -> None:
        coming = refused(flipped(archive, bit), statement)
        assert asyncio.run_coroutine_threadsafe(coming, loop).result(30)

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(statement) * 8 - 1))
    def in_the_statement(bit: int) -> None:
        changed = flipped(statement, bit)
        coming = refused(archive, changed)
        assert asyncio.run_coroutine_threadsafe(coming, loop).result(30), changed

    await asyncio.to_thread(in_the_archive)
    await asyncio.to_thread(in_the_statement)

    assert await count(parts, versions) == 0


async def test_what_is_too_large_is_refused_before_it_is_read(client: Client) -> None:
    ann = await an_author(client, "ann")

    answer = await ann.send("echo", "1.0.0", b"\0" * (Bounds().packed + 200_000), b"{}")

    assert answer.status_code == 413
    assert "at most" in answer.json()["detail"]


async def test_uploads_wait_on_the_disk_and_too_many_are_told_to_come_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "WAITING", 3)
    ann = await an_author(client, "ann")
    sent = [(archive := saying("x", version=f"1.0.{at}"), ann.stated(archive)) for at in range(8)]

    answers = await asyncio.gather(*(ann.send("echo", f"1.0.{at}", *each) for at, each in enumerate(sent)))

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {201, 429}
    assert statuses[201] >= 3
    assert {answer.headers["Retry-After"] for answer in answers if answer.status_code == 429} == {"10"}


async def test_an_odd_archive_is_refused_with_its_fault(client: Client, parts: Parts) -> None:
    ann = await an_author(client, "ann")
    for archive in (b"", b"PK\x03\x04", a_plugin() + b"x", zipped({"../plugin.toml": "x"})):
        answer = await ann.send("echo", "1.0.0", archive, ann.key.seal(release("ann/echo", "1.0.0", archive)))
        assert (answer.status_code, "archive" in answer.json()["detail"]) == (422, True), answer.text
    assert await count(parts, versions) == 0


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({"archive": ("a", b"x")}, 400),
        ({"statement": ("a", b"x")}, 400),
        ({"archive": ("a", b"x"), "statement": ("a", b"x"), "more": ("a", b"x")}, 400),
        ([("archive", ("a", b"x")), ("archive", ("a", b"x")), ("statement", ("a", b"x"))], 400),
    ],
)
async def test_another_form_is_told_what_belongs_into_it(client: Client, files: object, status: int) -> None:
    ann = await an_author(client, "ann")

    answer = await client.put(f"{V1}/packages/ann/echo/versions/1.0.0", files=files, headers=ann.headers)  # type: ignore[arg-type]

    assert answer.status_code == status, answer.text


async def test_only_its_owner_publishes_under_a_publisher(client: Client) -> None:
    ann, bob = await an_author(client, "ann"), await an_author(client, "bob")
    archive = a_plugin()
    made = await ann.post("/tokens", name="ci", scopes=["publish:ann/other"])
    narrow = {"Authorization": f"Bearer {made.json()['token']}"}

    others = await Author(client, "ann", bob.headers, bob.key).publish(archive)
    narrow_token = await Author(client, "ann", narrow, ann.key).publish(archive)
    nobodys = await Author(client, "nobody", bob.headers, bob.key).publish(archive)
    strangers = await Author(client, "ann", {}, ann.key).publish(archive)

    assert [each.status_code for each in (others, narrow_token, nobodys, strangers)] == [403, 403, 404, 401]


async def test_a_reserved_name_is_an_admins_to_give(client: Client) -> None:
    ann, admin = await an_author(client, "ann"), await an_author(client, "root-admin")

    assert (await ann.publish(saying("x", "official"))).status_code == 400
    assert (await admin.publish(saying("x", "official"))).status_code == 201


async def test_a_new_account_publishes_so_much_a_day_and_no_more(
    client: Client, parts: Parts, clock: FakeClock
) -> None:
    ann = await an_author(client, "ann")
    begun = [(await ann.publish(saying("x", f"tool-{at}"))).status_code for at in range(4)]
    more = [(await ann.publish(saying("x", "tool-1", f"1.0.{at}"))).status_code for at in range(1, 9)]
    refused = await ann.publish(saying("x", "tool-1", "2.0.0"))
    await clock.advance(timedelta(hours=24, minutes=1).total_seconds())
    again = await ann.publish(saying("x", "tool-1", "2.0.0"))

    assert begun == [201, 201, 201, 429]
    assert more == [201] * 7 + [429]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 86_401
    assert again.status_code == 201


async def test_bytes_row_listing_and_audit_are_kept_together(client: Client, parts: Parts) -> None:
    ann = await an_author(client, "ann")

    await parts.shelf.write(lambda each: each.exec_driver_sql("ALTER TABLE audit RENAME TO elsewhere") and None)
    answer = await ann.publish(a_plugin())
    await parts.shelf.write(lambda each: each.exec_driver_sql("ALTER TABLE elsewhere RENAME TO audit") and None)

    assert answer.status_code == 503
    assert await count(parts, versions) == await count(parts, archives) == await count(parts, listings) == 0
    assert (await ann.publish(a_plugin())).status_code == 201


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


async def count(parts: Parts, table: object) -> int:
    query = select(func.count()).select_from(table)  # type: ignore[arg-type]
    return await parts.shelf.read(lambda each: each.execute(query).scalar_one())


async def actions(parts: Parts) -> list[str]:
    query = select(audit.c.action).order_by(audit.c.seq)
    return [row.action for row in await parts.shelf.read(lambda each: each.execute(query).all())]
