"""Names in a registry: what looks like a well-known name of somebody else waits for a moderator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from hub.registry.names import near, skeleton
from hub.registry.parts import Parts
from hub.registry.tables import listings
from hub.registry.verdicts import POPULAR
from tests.unit.registry.authoring import V1, Author, an_author, saying
from tests.unit.registry.conftest import Client

pytestmark = pytest.mark.usefixtures("scanning")
WORDS = st.text("abrn01-", max_size=7)


@pytest.mark.parametrize(
    "other", ["weather", "we-at-her", "w3ath3r", "vveather", "weathers", "wether", "weatler", "weathe-r", "veather"]
)
def test_names_that_look_alike_are_found(other: str) -> None:
    assert near(skeleton("weather"), skeleton(other)) or near("weather", other)


@pytest.mark.parametrize("other", ["feathers", "whether-or-not", "heather-w", "wthr", "units"])
def test_names_that_dont_look_alike_are_left_alone(other: str) -> None:
    assert not near(skeleton("weather"), skeleton(other))


@given(WORDS, WORDS)
def test_near_is_what_edit_distance_says(one: str, other: str) -> None:
    assert near(one, other) == near(other, one) == (distance(one, other) <= 1)


@pytest.mark.parametrize(
    ("publisher", "name", "state"),
    [
        ("bob", "weather", "held"),
        ("bob", "w3ather", "held"),
        ("bob", "weater", "held"),
        ("bob", "recipes", "listed"),
        ("anm", "recipes", "held"),
        ("ann-tools", "recipes", "listed"),
    ],
)
async def test_who_looks_like_a_well_known_name_waits_for_a_moderator(
    client: Client, parts: Parts, publisher: str, name: str, state: str
) -> None:
    ann, bob = await an_author(client, "ann"), await an_author(client, publisher)
    await ann.publish(saying("x", "weather"))
    await set_installs(parts, POPULAR)

    told = (await bob.publish(saying("y", name))).json()

    assert told["state"] == state, told
    assert (state == "listed") == (told["reason"] == "")
    own = (await ann.publish(saying("z", "weathers"))).json()
    assert own["state"] == "listed"


async def test_who_looks_like_what_few_have_is_listed(client: Client, parts: Parts) -> None:
    ann, bob = await an_author(client, "ann"), await an_author(client, "bob")
    await ann.publish(saying("x", "weather"))
    await set_installs(parts, POPULAR - 1)

    assert (await bob.publish(saying("y", "w3ather"))).json()["state"] == "listed"


async def test_what_a_moderator_let_through_is_asked_no_more(client: Client, parts: Parts) -> None:
    ann, bob = await an_author(client, "ann"), await an_author(client, "bob")
    admin = await an_author(client, "root-admin")
    await ann.publish(saying("x", "weather"))
    await set_installs(parts, POPULAR)
    await bob.publish(saying("y", "weather"))

    released = await admin.post("/packages/bob/weather/versions/1.0.0/release", reason="another weather")

    assert released.json()["state"] == "listed"
    assert (await bob.publish(saying("y", "weather", "1.0.1"))).json()["state"] == "listed"


async def test_a_deleted_name_is_never_given_again(client: Client) -> None:
    ann = await an_author(client, "ann")
    await ann.publish(saying("x"))
    await client.delete(f"{V1}/packages/ann/echo", headers=ann.headers)

    again = await ann.publish(saying("x", version="2.0.0"))
    other = await Author(client, "ann", ann.headers, ann.key).publish(saying("new", version="3.0.0"))

    assert [again.status_code, other.status_code] == [409, 409]
    assert "never given again" in again.json()["detail"]


async def set_installs(parts: Parts, count: int) -> None:
    query = update(listings).values(installs=count)
    await parts.shelf.write(lambda each: each.execute(query) and None)


def distance(one: str, other: str) -> int:
    """Levenshtein's, by the book."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, against in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != against))
    return row[-1]
