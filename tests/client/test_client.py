"""The client against a served hub: what it sends, what it makes of answers, and that nothing is done twice."""

from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from agenthost_client import (
    AsyncClient,
    BadRequest,
    Client,
    Conflict,
    Forbidden,
    Message,
    NotAnsweredYet,
    NotFound,
    NotUnderstood,
    Quotas,
    TooMany,
    Unauthorized,
    Unreachable,
)
from agenthost_client.client import PATIENCE
from agenthost_client.trying import Pauses, path

from hub.config import LimitsConfig
from hub.records import HOME, OWNER
from tests.client.faults import Losing, deletes, posts
from tests.unit.cli.conftest import Running, begin

LATER = datetime(2099, 1, 1, tzinfo=UTC)


def client(hub: Running, transport: Losing | None = None, patience: float = PATIENCE) -> Client:
    return Client(hub.url, hub.key, transport=transport, patience=patience, sleep=lambda _: None)


def test_a_question_gets_its_answer(hub: Running) -> None:
    with client(hub) as api:
        said = api.messages.ask("Are there cats?", task="new")

    assert (said.state, said.answer) == ("answered", "You said: **Are there cats?**")
    assert said.route
    assert (said.route.rule, said.role) == ("explicit", "user")


async def test_the_same_is_awaited_in_a_program_that_does_other_things(hub: Running) -> None:
    async with AsyncClient(hub.url, hub.key) as api:
        said = await api.messages.ask("Are there cats?", task="new")
        again = await api.messages.get(said.id)
        chat = [message async for message in api.messages.chat()]

    assert again.answer == said.answer == "You said: **Are there cats?**"
    assert [message.role for message in chat] == ["agent", "user"]


def test_an_answer_that_takes_too_long_is_told_with_the_id_of_what_was_kept(slow_hub: Running) -> None:
    with client(slow_hub) as api:
        with pytest.raises(NotAnsweredYet) as late:
            api.messages.ask("Think.", seconds=0.2)
        kept = api.messages.get(late.value.id)
        stopped = api.messages.stop()

    assert kept.text == "Think."
    assert stopped.stopped <= 1


def test_a_message_whose_answer_was_lost_is_said_once(hub: Running) -> None:
    line = Losing(posts, times=3)
    with client(hub, line) as api:
        api.messages.say("Feed the cat.")
        said = [message for message in api.messages.chat() if message.role == "user"]

    assert len(line.sent) > 3
    assert [message.text for message in said] == ["Feed the cat."]
    assert len({request.headers["Idempotency-Key"] for request in line.sent if request.method == "POST"}) == 1


def test_a_task_whose_answer_was_lost_is_assigned_once_and_a_file_kept_once(hub: Running) -> None:
    with client(hub, Losing(posts, times=1)) as api:
        task = api.tasks.assign("Feed the cat.", due_at=LATER)
        tasks = list(api.tasks.list())
    with client(hub, Losing(posts, times=1)) as api:
        kept = api.files.send(b"meow", "cat.txt", "text/plain")
        data = api.files.get(kept.sha256)

    assert [each.id for each in tasks] == [task.id]
    assert (data, kept.name, kept.media_type, kept.size) == (b"meow", "cat.txt", "text/plain", 4)


def test_a_key_whose_answer_was_lost_is_a_conflict_for_its_secret_is_not_told_twice(hub: Running) -> None:
    with client(hub, Losing(posts)) as api:
        with pytest.raises(Conflict, match="shown once"):
            api.keys.make("kitchen", ["messages:read"])
        names = [key.name for key in api.keys.list()]

    assert names.count("kitchen") == 1


def test_what_was_removed_though_the_answer_was_lost_is_removed(hub: Running) -> None:
    with client(hub, Losing(deletes)) as api:
        fresh = api.keys.make("kitchen", ["messages:read"], expires_at=LATER)
        api.keys.revoke(fresh.id)
        with pytest.raises(NotFound):
            api.keys.revoke("nosuchkey")

    with Client(hub.url, fresh.key) as other, pytest.raises(Unauthorized):
        other.keys.whoami()


def test_a_hub_that_is_restarted_is_waited_for(hub: Running) -> None:
    hub.stop()
    pauses: list[float] = []

    def start(pause: float) -> None:
        if not pauses:
            hub.start()
        pauses.append(pause)

    with Client(hub.url, hub.key, sleep=start) as api:
        assert api.keys.whoami().person.role == "owner"
    assert pauses


def test_a_hub_that_stays_away_is_unreachable_once_patience_is_over() -> None:
    seconds = [0.0]

    def sleep(pause: float) -> None:
        seconds[0] += pause

    with (
        Client("http://127.0.0.1:9", "ah_key", patience=10.0, sleep=sleep, clock=lambda: seconds[0]) as api,
        pytest.raises(Unreachable, match="can't be reached"),
    ):
        api.keys.whoami()
    assert 4.0 < seconds[0] <= 10.0


def test_pauses_grow_are_never_in_step_and_heed_what_the_hub_asks_for() -> None:
    pauses = Pauses(1e9, lambda: 0.0)
    found = [pauses.next() or 0.0 for _ in range(12)]

    assert found[0] <= 0.2
    assert max(found) <= 5.0
    assert found[-1] > 2.0
    assert len(set(found)) == len(found)
    assert pauses.next(least=60.0) == 60.0
    assert Pauses(5.0, lambda: 0.0).next(least=6.0) is None


def test_what_is_refused_has_its_reason_and_the_field(hub: Running) -> None:
    with client(hub) as api:
        with pytest.raises(BadRequest) as empty:
            api.messages.say("")
        with pytest.raises(NotFound) as nowhere:
            api.tasks.get(17)
    with Client(hub.url, "ah_wrong") as stranger, pytest.raises(Unauthorized):
        stranger.keys.whoami()
    with Client(hub.url, hub.key_with("messages:read")) as reader, pytest.raises(Forbidden, match="messages:write"):
        reader.messages.say("Hello.")

    assert (empty.value.status, empty.value.field) == (400, "text")
    assert nowhere.value.status == 404
    assert "17" in nowhere.value.detail


def test_what_is_no_hub_is_not_understood(hub: Running) -> None:
    with Client(f"{hub.url}/static", hub.key) as api, pytest.raises((NotUnderstood, NotFound)):
        api.keys.whoami()


def test_an_id_is_one_part_of_a_path_whatever_is_in_it(hub: Running) -> None:
    with client(hub) as api:
        with pytest.raises(NotFound):
            api.messages.get("../keys")
        with pytest.raises(ValueError, match="names nothing"):
            api.messages.get("..")

    assert path("/v1/packages/{id}", {"id": "a/b?c#d e"}) == "/v1/packages/a%2Fb%3Fc%23d%20e"


def test_a_long_listing_is_read_to_its_end_each_item_once(hub: Running) -> None:
    with client(hub) as api:
        made = [api.tasks.assign(f"Feed cat {n}.", due_at=LATER).number for n in range(60)]
        listed = [task.number for task in api.tasks.list()]
        some = [task.number for task in api.tasks.list(state=["completed", "failed"])]

    assert listed == made[::-1]
    assert some == []


def test_a_schedule_is_made_changed_and_ended(hub: Running) -> None:
    with client(hub) as api:
        task = api.tasks.assign("Feed the cat.", schedule="0 8 * * 1-5", limits={"turns": 3})
        changed = api.schedules.change(task.number, {"every": 3600})
        runs = list(api.schedules.runs(task.id))
        ended = api.schedules.end(task.id)
        gone = api.tasks.cancel(task.id)

    assert task.schedule
    assert task.schedule.cron == "0 8 * * 1-5"
    assert changed.schedule
    assert (changed.schedule.every, task.limits.turns, runs) == (3600.0, 3, [])
    assert ended.schedule is None
    assert gone.state == "canceled"


def test_what_a_task_did_can_be_read_turn_by_turn(hub: Running) -> None:
    with client(hub) as api:
        said = api.messages.ask("What is 17*23?", task="new")
        assert said.task
        turns = list(api.tasks.turns(said.task.id))
        receipts = list(api.tasks.receipts(said.task.id))
        moments = list(api.tasks.timeline(said.task.id, order="oldest"))
        texts = [message.text for message in api.tasks.messages(said.task.number)]

    assert "391" in said.answer
    assert [turn.state for turn in turns] == ["done"]
    assert [receipt.tool for receipt in receipts] == ["calculate"]
    assert {"message", "call"} <= {moment.kind for moment in moments}
    assert texts[-1] == "What is 17*23?"


def test_files_go_with_a_message(hub: Running) -> None:
    with client(hub) as api:
        kept = api.files.send(b"meow", "cat.txt", "text/plain")
        said = api.messages.ask("What's in it?", files=[kept], task="new")

    assert [part.name for part in said.parts if part.type == "file"] == ["cat.txt"]


def test_a_tenant_is_a_world_of_its_own(hub: Running) -> None:
    with client(hub) as api:
        api.messages.ask("Are there cats?", task="new")
        fresh = api.tenants.make("Cat hotel", quotas=Quotas(messages=100))
        with Client(hub.url, fresh.key) as theirs:
            whose = theirs.keys.whoami()
            seen = list(theirs.messages.chat())
        changed = api.tenants.change(fresh.id, name="Dog hotel")
        api.tenants.suspend(fresh.id)
        with Client(hub.url, fresh.key) as theirs, pytest.raises((Unauthorized, Forbidden)):
            theirs.keys.whoami()
        api.tenants.resume(fresh.id)
        names = [tenant.name for tenant in api.tenants.list()]

    assert (whose.tenant, whose.person.role, seen) == (fresh.id, "owner", [])
    assert (changed.name, changed.quotas.messages) == ("Dog hotel", 100)
    assert "Dog hotel" in names


def test_people_packages_agents_tools_and_approvals_can_be_listed(hub: Running) -> None:
    with client(hub) as api:
        people = list(api.people.list())
        me = api.people.get(people[0].id)
        agents = {agent.name for agent in api.packages.agents()}
        tried = api.packages.call_tool("calculate", {"expression": "12 * 12"})
        empty = [*api.packages.list(), *api.approvals.list(), *api.people.knocks()]
        zone = api.people.choose_zone("Europe/Berlin")
        quiet = api.people.prefer(quiet="22:00-07:00")
        exported = api.people.export()

    assert me.role == "owner"
    assert {"default", "coder"} <= agents
    assert ("144" in tried.result, tried.failed, empty) == (True, False, [])
    assert (zone.timezone, quiet.zone) == ("Europe/Berlin", "Europe/Berlin")
    assert exported.startswith(b"PK")


def test_a_person_is_spoken_for_by_who_may(hub: Running) -> None:
    with client(hub) as api, pytest.raises(BadRequest, match="on_behalf_of"):
        api.messages.say("Hello.", on_behalf_of="nobody")
    assert hub.do(hub.hub.store.people(HOME))


def replies(event: object) -> list[str]:
    return [event.text] if isinstance(event, Message) else []


def test_events_tell_what_was_said_and_begin_with_hello(hub: Running) -> None:
    texts: list[str] = []
    with client(hub) as api:
        events = api.events()
        assert next(events).kind == "hello"
        api.messages.say("Are there cats?", task="new")
        for event in events:
            if event.kind == "reply":
                texts += replies(event.data)
                break
        events.close()

    assert texts == ["You said: **Are there cats?**"]


async def test_events_go_on_over_a_restart_each_once_and_none_is_missed(hub: Running) -> None:
    ids: list[int] = []
    texts: list[str] = []
    async with AsyncClient(hub.url, hub.key) as api, aclosing(api.events(after="0")) as events:
        await api.messages.say("One", task="new", key="one")
        async for event in events:
            ids += [int(event.id)] if event.id else []
            if event.kind != "reply":
                continue
            texts += replies(event.data)
            if len(texts) == 1:
                hub.stop()
                hub.start()
                await api.messages.say("Two", task="new", key="two")
            else:
                break

    assert texts == ["You said: **One**", "You said: **Two**"]
    assert ids == sorted(set(ids))


async def test_events_that_are_refused_end_with_the_reason(hub: Running) -> None:
    async with AsyncClient(hub.url, hub.key_with("tasks:read")) as api, aclosing(api.events()) as events:
        with pytest.raises(Forbidden, match="messages:read"):
            await anext(events)


def test_too_many_messages_are_said_again_when_there_is_room_and_as_late_as_the_hub_asks() -> None:
    hub = Running(begin, LimitsConfig(waiting_per_person=2))
    pauses: list[float] = []

    def make_room(pause: float) -> None:
        pauses.append(pause)
        with Client(hub.url, hub.key) as other:
            other.messages.stop()
            while hub.do(hub.hub.store.waiting(HOME, OWNER)) > 1:
                other.messages.stop()

    try:
        with Client(hub.url, hub.key, sleep=make_room) as api:
            for n in range(4):
                api.messages.say(f"Think of cat {n}.", task="new")
            said = [message.text for message in api.messages.chat() if message.role == "user"]
    finally:
        hub.close()

    assert sorted(said) == [f"Think of cat {n}." for n in range(4)]
    assert pauses
    assert min(pauses) >= 1.0


def test_too_many_messages_are_an_error_once_patience_is_over() -> None:
    hub = Running(begin, LimitsConfig(waiting_per_person=1))
    try:
        with Client(hub.url, hub.key, patience=0.5) as api:
            api.messages.say("Think.")
            with pytest.raises(TooMany) as refused:
                api.messages.say("Think more.")
    finally:
        hub.close()

    assert refused.value.retry_after


def test_a_chat_for_other_sites_is_made_changed_and_lets_somebody_in(hub: Running) -> None:
    with client(hub) as api:
        made = api.embeds.make("Shop", ["https://shop.example.org"], greeting="Hello!")
        changed = api.embeds.change(made.id, title="Cats")
        admitted = api.embeds.admit(made.id, "customer-7", name="Ann", minutes=5)
        api.embeds.remove(made.id)
        left = [embed.name for embed in api.embeds.list()]

    assert (changed.title, changed.greeting, changed.origins) == ("Cats", "Hello!", ("https://shop.example.org",))
    assert admitted.token
    assert left == []
