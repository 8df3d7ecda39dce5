"""What an operator's Prometheus reads after a day with the hub."""

from datetime import timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from hub.errors import DeliveryRefused
from hub.ports import Add
from hub.records import HOME, Address
from hub.services import services_of
from hub.telemetry.meters import REST, TOOLS, Meters
from hub.testing import FakeBridge, FakeClock, FakeTool, ScriptedLLM, a_message, a_step, a_task, a_turn, hello
from tests.stories.day import Day, at_work

Sample = tuple[str, frozenset[tuple[str, str]]]


async def read(day: Day) -> dict[Sample, float]:
    """Return what a scrape would: each series by its name and labels."""
    whole = CollectorRegistry(auto_describe=False)
    for part in await services_of(day.hub, "secret").metrics():
        whole.register(part)
    families = text_string_to_metric_families(generate_latest(whole).decode())
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def of(samples: dict[Sample, float], name: str, **labels: str) -> float:
    return samples.get((f"agenthost_{name}", frozenset(labels.items())), 0.0)


async def test_a_message_is_counted_from_its_coming_to_its_answers_delivery() -> None:
    bridge = FakeBridge("fake")
    async with Day(ScriptedLLM("When?"), bridges={"fake": bridge}) as day, at_work(day, bridge):
        await bridge.say(hello("A train to Bonn, please"))
        await day.quiet()
        samples = await read(day)

    assert of(samples, "messages_accepted_total", bridge="fake") == 1
    assert of(samples, "routes_total", rule="first") == 1
    assert of(samples, "turns_total", state="done") == 1
    assert of(samples, "turn_seconds_count") == 1
    assert of(samples, "messages_settled_total", bridge="fake", state="answered") == 1
    assert of(samples, "answer_seconds_count", bridge="fake") == 1
    assert of(samples, "deliveries_total", bridge="fake", outcome="sent") == 1
    assert of(samples, "verdicts_total", kind="ask") == 1
    assert of(samples, "tokens_total", model="scripted", purpose="answer", direction="out") > 0
    assert of(samples, "tasks", state="input-required") == 1
    assert of(samples, "commit_seconds_count") > 3


async def test_a_call_of_a_tool_and_its_failure_are_counted() -> None:
    meters = Meters(FakeClock(), lambda: ("big", "small"))
    turn = a_turn(a_task())
    steps = [a_step(turn, kind="tool", name="clock", number=n, failed=n == 2, unsure=n == 3) for n in range(4)]
    meters.committed([Add(step) for step in steps], 0.001)
    meters.committed([Add(a_step(turn, kind="choose", tokens_in=40)), Add(a_step(turn, kind="begun"))], 0.001)
    counted = generate_latest(meters.registry).decode()

    assert 'agenthost_tool_calls_total{outcome="ok",tool="clock"} 2.0' in counted
    assert 'agenthost_tool_calls_total{outcome="failed",tool="clock"} 1.0' in counted
    assert 'agenthost_tool_calls_total{outcome="unsure",tool="clock"} 1.0' in counted
    assert 'agenthost_tokens_total{direction="in",model="small",purpose="choose"} 40.0' in counted


async def test_strangers_tools_make_no_series_without_end() -> None:
    """A package that brings ever new tools is counted under one name from the hundredth on."""
    meters = Meters(FakeClock(), lambda: ("", ""))
    turn = a_turn(a_task())
    for number in range(TOOLS + 50):
        meters.committed([Add(a_step(turn, kind="tool", name=f"t{number}", number=number))], 0.001)
    counted = generate_latest(meters.registry).decode()

    assert counted.count("agenthost_tool_calls_total{") == TOOLS + 1
    assert f'agenthost_tool_calls_total{{outcome="ok",tool="{REST}"}} 50.0' in counted


async def test_a_refused_delivery_is_a_dead_letter_and_counted_as_both() -> None:
    bridge = FakeBridge(faults=[DeliveryRefused("the chat is gone")])
    async with Day(ScriptedLLM("Hi!"), bridges={"fake": bridge}) as day, at_work(day, bridge):
        await bridge.say(hello())
        await day.quiet()
        samples = await read(day)

    assert of(samples, "deliveries_total", bridge="fake", outcome="refused") == 1
    assert of(samples, "dead_letters_total", queue="outbox") == 1
    assert of(samples, "entries", queue="outbox", state="dead") == 1


async def test_what_waits_is_seen_with_its_age() -> None:
    async with Day(ScriptedLLM("Hi!")) as day:
        message = a_message(address=Address(bridge="away", chat="ann"))
        waiting = day.hub.spool.put("outbox", "out:home:away:ann", message, day.clock.now() - timedelta(minutes=7))
        await day.store.commit(Add(message), waiting)
        samples = await read(day)

    assert of(samples, "oldest_waiting_seconds", queue="outbox") == 420
    assert of(samples, "oldest_waiting_seconds", queue="inbox") == 0
    assert of(samples, "entries", queue="outbox", state="ready") == 1


async def test_no_label_says_who_or_what() -> None:
    """Neither ids nor people, chats or words stand in what's read, whatever was said."""
    bridge, tool = FakeBridge("fake"), FakeTool()
    canary = "canary-0193"
    async with Day(ScriptedLLM(f"About {canary}"), bridges={"fake": bridge}, tools=[tool]) as day, at_work(day, bridge):
        await bridge.say(hello(f"{canary} please"))
        await day.quiet()
        samples = await read(day)
        tasks = await day.store.tasks(HOME)

    values = {value for _, labels in samples for _, value in labels}
    assert not any(canary in value or value in {"ann", "owner", tasks[0].id} for value in values)
