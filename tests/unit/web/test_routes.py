"""Which task each message went to, and how often that was right, over HTTP."""

from typing import Any

from hub.ports import Add
from hub.records import HOME, Candidate, Message, PersonId, Rule, Task
from hub.testing import a_correction, a_message, a_person, a_route, a_task
from tests.unit.web.world import World, a_world

BEA = PersonId("bea")


def candidates(one: Task, other: Task, first: float) -> tuple[Candidate, ...]:
    return (
        Candidate(task=one.id, title=one.title, probability=first, evidence={"last": 1.0}),
        Candidate(task=other.id, title=other.title, probability=0.95 - first, evidence={}),
        Candidate(task=None, title="a new task", probability=0.05, evidence={}),
    )


class Said:
    """Puts routed messages into a world's store."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trip, self.cake = a_task("A train to Bonn"), a_task("A carrot cake", number=2)

    async def begin(self) -> None:
        await self.world.store.commit(Add(self.trip), Add(self.cake), Add(a_person(id=BEA, name="Bea", role="member")))

    async def say(self, text: str, rule: Rule = "model", first: float = 0.8, **fields: Any) -> Message:
        at = self.world.services.clock.now()
        route = a_route(
            self.trip, rule=rule, new=False, probability=first, tokens=61, ms=48.0,
            candidates=candidates(self.trip, self.cake, first) if rule in ("model", "asked") else (),
        )  # fmt: skip
        message = a_message(text, task=self.trip.id, route=route, state="answered", created_at=at, **fields)
        await self.world.store.commit(Add(message))
        return message

    async def move(self, text: str, by: PersonId | None = None, **fields: Any) -> Message:
        """Have a message be one that was moved to the cake."""
        at = self.world.services.clock.now()
        moved = a_message(
            text,
            task=self.cake.id,
            route=a_route(self.cake, rule="corrected"),
            state="answered",
            created_at=at,
            **fields,
        )
        first = a_route(
            self.trip, rule="model", new=False, probability=0.7, candidates=candidates(self.trip, self.cake, 0.7)
        )
        correction = a_correction(moved, self.trip, self.cake, route=first, by=by or moved.person)
        await self.world.store.commit(Add(moved), Add(correction))
        return moved


async def a_said() -> Said:
    said = Said(await a_world())
    await said.begin()
    return said


async def test_a_route_is_told_with_its_runner_up_its_reason_and_its_cost() -> None:
    said = await a_said()
    await said.say("The one at eight")
    async with said.world.client() as client:
        [one] = (await client.get("/v1/routes")).json()["items"]
    assert (one["text"], one["task"]["number"], one["rule"], one["probability"]) == (
        "The one at eight",
        1,
        "model",
        0.8,
    )
    assert (one["runner_up"]["title"], round(one["runner_up"]["probability"], 3)) == ("A carrot cake", 0.15)
    assert (one["tokens"], one["ms"], one["asked"], one["corrected"], one["movable"]) == (61, 48.0, False, None, True)
    assert one["reason"].startswith("Rather than “A carrot cake”, for ")


async def test_a_correction_is_told_with_what_the_router_had_said_and_who_put_it_right() -> None:
    said = await a_said()
    await said.move("Without nuts")
    async with said.world.client() as client:
        [one] = (await client.get("/v1/routes")).json()["items"]
    assert (one["rule"], one["probability"], one["task"]["number"]) == ("model", 0.7, 2)
    assert (one["corrected"]["wrong"]["number"], one["corrected"]["by"]["name"]) == (1, "Owner")


async def test_listings_are_filtered_and_go_on_page_by_page() -> None:
    said = await a_said()
    for number in range(5):
        await said.say(f"sure {number}")
    await said.say("unsure", first=0.5)
    await said.say("asked about", rule="asked", first=0.55)
    await said.move("moved")
    async with said.world.client() as client:
        every = (await client.get("/v1/routes", params={"limit": 3})).json()
        rest = (await client.get("/v1/routes", params={"limit": 9, "cursor": every["next"]})).json()
        only = {
            which: [each["text"] for each in (await client.get("/v1/routes", params={"only": which})).json()["items"]]
            for which in ("wrong", "asked", "uncertain")
        }
    assert [each["text"] for each in every["items"]] == ["moved", "asked about", "unsure"]
    assert [each["text"] for each in rest["items"]] == [f"sure {number}" for number in range(4, -1, -1)]
    assert rest["next"] is None
    assert only == {"wrong": ["moved"], "asked": ["asked about"], "uncertain": ["asked about", "unsure"]}


async def test_a_filtered_page_looks_at_a_thousand_messages_and_says_where_to_go_on() -> None:
    said = await a_said()
    await said.move("long ago")
    for number in range(1_000):
        await said.say(str(number))
    async with said.world.client() as client:
        first = (await client.get("/v1/routes", params={"only": "wrong"})).json()
        then = (await client.get("/v1/routes", params={"only": "wrong", "cursor": first["next"]})).json()
    assert first["items"] == []
    assert [each["text"] for each in then["items"]] == ["long ago"]


async def test_figures_count_what_stayed_what_was_moved_and_what_was_asked() -> None:
    said = await a_said()
    for number in range(8):
        await said.say(str(number))
    await said.move("moved")
    await said.say("asked about", rule="asked", first=0.55)
    await said.say("told", rule="explicit")
    async with said.world.client() as client:
        found = (await client.get("/v1/routes/figures")).json()
    assert (found["messages"], found["live"]) == (11, {"weighed": 9, "moved": 1, "asked": 1})
    assert (found["decided"]["n"], found["decided"]["right"]) == (9, 8)
    assert found["decided"]["low"] < 8 / 9 < found["decided"]["high"]
    assert (found["asked"]["right"], found["asked"]["n"], found["guessed"]["n"]) == (1, 10, 1)
    assert (len(found["weeks"]), found["most"], found["ask_below"]) == (1, 2000, 0.65)


async def test_others_messages_are_numbers_unless_they_may_be_read() -> None:
    said = await a_said()
    await said.say("Bea's secret", person=BEA)
    operator = PersonId("ola")
    await said.world.store.commit(Add(a_person(id=operator, name="Ola", role="operator")))
    _, key = await said.world.people.create_key(HOME, operator, "k", ("messages:read", "usage:read"))
    _, plain = await said.world.people.create_key(HOME, BEA, "k", ("messages:read",))
    async with said.world.client(key) as client:
        assert (await client.get("/v1/routes")).json()["items"] == []
        answer = await client.get("/v1/routes", params={"of": "tenant"})
        numbers = (await client.get("/v1/routes/figures", params={"of": "tenant"})).json()
    [one] = answer.json()["items"]
    assert (one["text"], one["task"]["title"], one["runner_up"]["title"], one["movable"]) == (None, "", "", False)
    assert not any(word in answer.text for word in ("secret", "Bonn", "carrot"))
    assert numbers["decided"]["n"] == 1
    async with said.world.client(plain) as client:
        assert (await client.get("/v1/routes", params={"of": "tenant"})).status_code == 403
        assert (await client.get("/v1/routes/figures", params={"of": "tenant"})).status_code == 403
        assert [each["text"] for each in (await client.get("/v1/routes")).json()["items"]] == ["Bea's secret"]
    async with said.world.client() as client:
        owners = (await client.get("/v1/routes", params={"of": "tenant"})).json()["items"]
    assert [each["text"] for each in owners] == ["Bea's secret"]
