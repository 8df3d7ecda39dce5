"""Packages are found by their words, in either database alike; and never one that isn't listed."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import BadRequest
from hub.registry.parts import Parts
from hub.registry.searching import DEEPEST, Found, Search
from hub.testing import FakeClock
from tests.unit.registry.conftest import Client
from tests.unit.registry.shelves import Shelved


def names(found: Found) -> list[str]:
    return [item.name for item in found.items]


async def test_a_word_counts_most_in_a_name_then_in_tags_then_in_a_description_then_in_a_readme(
    shelved: Shelved,
) -> None:
    await shelved.add("in-readme", readme="It knows the weather.")
    await shelved.add("in-description", description="Tells the weather.")
    await shelved.add("in-tags", tags=("weather",))
    await shelved.add("weather-in-name")
    await shelved.add("weather")
    await shelved.add("else", description="Reads the news.")

    found = await Search(shelved.shelf).find("weather")

    assert names(found) == ["weather", "weather-in-name", "in-tags", "in-description", "in-readme"]


WRITTEN = {
    "weather-fore": ["weather-forecast"],
    "weatherforecast": ["weather-forecast"],
    "forecast weather": ["weather-forecast"],
    "weather snow": [],
    "ann/weather-forecast": ["weather-forecast"],
    "WEATHER": ["weather-forecast"],
    "wea forecast": [],
    "ubermäßig": ["gruesse"],
    "naïve": ["gruesse"],
    "naive": ["gruesse"],
    "天気": ["tenki"],
    "気予報": ["tenki"],
    "報": ["tenki"],
    "हिन्दी": ["hindi"],
    "погод": ["pogoda"],
    "!!!": [],
}


async def test_words_are_found_as_people_write_them(shelved: Shelved) -> None:
    await shelved.add("weather-forecast", description="Rainfall for tomorrow.")
    await shelved.add("gruesse", description="ÜBERMÄSSIG naïve Grüße")
    await shelved.add("tenki", description="日本の天気予報を教えます。")
    await shelved.add("hindi", description="हिन्दी में मौसम")
    await shelved.add("pogoda", description="Показывает погоду")
    search = Search(shelved.shelf)

    assert {query: names(await search.find(query)) for query in WRITTEN} == WRITTEN


async def test_only_what_is_listed_is_found(shelved: Shelved) -> None:
    search = Search(shelved.shelf)
    for state in ("pending", "held", "quarantined", "revoked", "deleted"):
        await shelved.add(f"secret-{state}", state=state)
    await shelved.add("secret-removed")
    await shelved.remove("secret-removed")
    await shelved.add("secret-yanked")
    await shelved.change("secret-yanked", yanked_at=FakeClock().now(), yanked="broken")

    assert names(await search.find("secret")) == names(await search.find()) == []
    await shelved.change("secret-held", state="listed")
    assert names(await search.find("secret")) == names(await search.find()) == ["secret-held"]


async def test_a_package_is_found_by_its_newest_version_alone(shelved: Shelved) -> None:
    await shelved.add("tool", "1.10.0", description="Reads mail.")
    await shelved.add("tool", "1.9.0", description="Reads news.")
    await shelved.add("tool", "2.0.0-rc.1", description="Reads stars.")
    search = Search(shelved.shelf)

    [item] = (await search.find("mail")).items
    assert (item.latest, item.description) == ("1.10.0", "Reads mail.")
    assert names(await search.find("news")) == names(await search.find("stars")) == []

    await shelved.change("tool", "1.10.0", state="quarantined")

    assert names(await search.find("mail")) == []
    assert names(await search.find("news")) == ["tool"]


async def test_kinds_tags_and_orders_go_with_words_and_without(shelved: Shelved) -> None:
    await shelved.add("mail-one", kind="agent", tags=("home", "Büro"), downloads=5, stars=3, ratings=1)
    await shelved.add("mail-two", kind="plugin", tags=("home",), downloads=9)
    await shelved.add("mail-three", kind="agent", downloads=1, stars=50, ratings=10)
    find = Search(shelved.shelf).find

    assert names(await find("mail", kind="agent", sort="newest")) == ["mail-three", "mail-one"]
    assert names(await find("mail", tag="home", sort="downloads")) == ["mail-two", "mail-one"]
    assert names(await find(tag="Büro")) == ["mail-one"]
    assert names(await find(tag="home")) == ["mail-two", "mail-one"]
    assert names(await find()) == ["mail-three", "mail-two", "mail-one"]
    assert names(await find(kind="agent", sort="downloads")) == ["mail-one", "mail-three"]
    for query in ("", "mail"):
        assert names(await find(query, sort="rating")) == ["mail-three", "mail-one", "mail-two"]


async def test_pages_follow_each_other_and_end(shelved: Shelved) -> None:
    for number in range(7):
        await shelved.add(f"page-{number}")
    search = Search(shelved.shelf)

    for query in ("", "page"):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            found = await search.find(query, cursor=cursor, limit=3)
            seen += names(found)
            cursor = found.next
        assert sorted(seen) == [f"page-{number}" for number in range(7)]
    assert names(await search.find(cursor="9999")) == []


async def test_a_cursor_of_nobodys_is_refused_in_words(shelved: Shelved) -> None:
    for cursor in ("x", "-1", "\uff11", str(DEEPEST * 100), "1.5"):
        with pytest.raises(BadRequest, match="take a page's `next`"):
            await Search(shelved.shelf).find(cursor=cursor)


HOSTILE = [
    '"',
    '" OR name : "',
    "a AND",
    "NEAR(a b)",
    "a* OR *",
    "{name} : x",
    "^a",
    "'; DROP TABLE listings; --",
    "a & | ! b <-> c",
    "\\'",
    "':*",
    "\0a\ud800b",
    "a" * 5_000,
    "a " * 5_000,
    "﷽" * 400,
    "%_",
    "\u202eabc",
    "NOT",
    "🙂",
]


async def test_no_query_is_an_error(shelved: Shelved) -> None:
    await shelved.add("tool", readme="\0 \ud800 ' \\ : * " + "﷽" * 30_000 + " word" * 30_000)
    search = Search(shelved.shelf)

    for query in HOSTILE:
        await search.find(query, kind="plugin", tag=query)
        await search.find(query, sort="rating")
        await search.find("", tag=query)
    assert names(await search.find("tool")) == ["tool"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=60) | st.text(alphabet=string.punctuation + "ab \0", max_size=30))
async def test_whatever_is_typed_is_looked_for(shelved: Shelved, query: str) -> None:
    await Search(shelved.shelf).find(query, tag=query)


async def test_anybody_searches_over_http_and_bad_parameters_are_told(client: Client, parts: Parts) -> None:
    shelved = Shelved(parts.shelf, parts.clock)
    await shelved.add("weather", tags=("home",), stars=5, ratings=1)
    await shelved.add("weather-two", kind="agent")

    answer = await client.get("/registry/v1/search", params={"q": "weather", "kind": "plugin", "tag": "home"})

    assert answer.status_code == 200, answer.text
    [item] = answer.json()["items"]
    assert (item["name"], item["latest"], item["rating"]) == ("weather", "1.0.0", {"mean": 5.0, "n": 1})
    for bad in ({"sort": "best"}, {"cursor": "x"}, {"limit": "0"}, {"kind": "malware"}, {"q": "x" * 500}):
        refused = await client.get("/registry/v1/search", params=bad)
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json"), bad
