"""A publisher's keys: the first is its owner's word, each other one the word of the key before, or an admin's."""

import msgspec
import pytest
from sqlalchemy import select

from hub.registry.parts import Parts
from hub.registry.tables import audit
from hub.releases import Rotation, read_release
from hub.statements import SigningKey, shown
from hub.testing.builders import NOON
from tests.unit.registry.authoring import V1, Author, an_author, saying
from tests.unit.registry.conftest import Client

pytestmark = pytest.mark.usefixtures("scanning")


def rotation(publisher: str, old: SigningKey, new: SigningKey) -> dict[str, object]:
    envelope = old.seal(Rotation.of(publisher, old, new.public, NOON))
    return msgspec.json.decode(envelope, type=dict[str, object])


async def put_key(author: Author, key: SigningKey, stated: object = None) -> int:
    answer = await author.post(f"/publishers/{author.publisher}/keys", public=shown(key.public), rotation=stated)
    return answer.status_code


async def test_the_first_key_is_its_owners_to_name_and_no_other_without_the_first_ones_word(client: Client) -> None:
    ann, fresh = await an_author(client, "ann"), SigningKey.fresh()

    assert await put_key(ann, ann.key) == 200
    assert await put_key(ann, fresh) == 422
    assert await put_key(ann, fresh, rotation("ann", ann.key, fresh)) == 201


async def test_a_new_keys_statement_counts_only_from_the_current_key_and_for_this_publisher(client: Client) -> None:
    ann, bob, fresh, third = await an_author(client, "ann"), await an_author(client, "bob"), *map_keys(2)
    wrong = {
        "by another's key": rotation("ann", bob.key, fresh),
        "by itself": rotation("ann", fresh, fresh),
        "for another publisher": rotation("bob", ann.key, fresh),
        "for another key": rotation("ann", ann.key, third),
    }

    statuses = {what: await put_key(ann, fresh, stated) for what, stated in wrong.items()}

    assert statuses == dict.fromkeys(wrong, 422)
    assert await put_key(ann, fresh, rotation("ann", ann.key, fresh)) == 201
    assert await put_key(ann, third, rotation("ann", ann.key, third)) == 422


async def test_a_replaced_key_publishes_nothing_new_and_what_it_signed_stays_good(client: Client) -> None:
    ann, fresh = await an_author(client, "ann"), SigningKey.fresh()
    first = await ann.publish(saying("x"))
    await put_key(ann, fresh, rotation("ann", ann.key, fresh))
    renewed = Author(client, "ann", ann.headers, fresh)

    old = await ann.publish(saying("x", version="1.0.1"))
    again = await ann.publish(saying("x"))
    new = await renewed.publish(saying("x", version="1.0.1"))
    kept = await client.get(f"{V1}/packages/ann/echo/versions/1.0.0/statement")

    assert [first.status_code, old.status_code, again.status_code, new.status_code] == [201, 422, 200, 201]
    assert read_release(kept.content, ann.key.public).predicate.version == "1.0.0"
    assert (first.json()["key"], new.json()["key"]) == (ann.key.id, fresh.id)
    assert await put_key(ann, ann.key, rotation("ann", fresh, ann.key)) == 409


async def test_an_admin_lets_in_a_key_whose_forerunner_is_lost_and_that_is_noted(client: Client, parts: Parts) -> None:
    ann, admin = await an_author(client, "ann"), await an_author(client, "root-admin")
    fresh = SigningKey.fresh()

    status = await put_key(Author(client, "ann", admin.headers), fresh)

    assert status == 201
    query = select(audit.c.detail).where(audit.c.action == "key.add").order_by(audit.c.seq.desc()).limit(1)
    told = await parts.shelf.read(lambda each: each.execute(query).scalar_one())
    assert told == f"{fresh.id}, let in by an admin in place of {ann.key.id}"
    assert (await Author(client, "ann", ann.headers, fresh).publish(saying("x"))).status_code == 201


async def test_nobody_else_names_a_key_nor_a_token_that_is_for_less(client: Client) -> None:
    ann, bob = await an_author(client, "ann"), await an_author(client, "bob")
    made = await ann.post("/tokens", name="ci", scopes=["publish:ann/echo"])
    narrow = {"Authorization": f"Bearer {made.json()['token']}"}
    fresh = SigningKey.fresh()

    assert await put_key(Author(client, "ann", bob.headers), fresh, rotation("ann", ann.key, fresh)) == 403
    assert await put_key(Author(client, "ann", narrow), fresh, rotation("ann", ann.key, fresh)) == 403
    assert await put_key(Author(client, "nobody", bob.headers), fresh) == 404
    admin = await an_author(client, "root-admin")
    assert await put_key(Author(client, "nobody", admin.headers), fresh) == 404


async def test_what_is_no_key_is_refused_in_words(client: Client) -> None:
    ann = await an_author(client, "ann")

    answer = await ann.post("/publishers/ann/keys", public="AAAA")

    assert (answer.status_code, "no public key" in answer.json()["detail"]) == (422, True)


async def test_without_a_key_nothing_is_published(client: Client) -> None:
    ann = await an_author(client, "ann")
    bob = Author(client, "bob", (await an_author(client, "bob")).headers, ann.key)

    assert (await bob.publish(saying("x"))).status_code == 422


def map_keys(count: int) -> list[SigningKey]:
    return [SigningKey.fresh() for _ in range(count)]
