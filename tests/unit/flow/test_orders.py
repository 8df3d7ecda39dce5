"""Which of a program's tools are offered."""

from hub.flow.orders import OFFERED, Offer, Order, may_answer, of_result, offered
from hub.records import HOME, OWNER, Address, KeyId, Pause, PauseId, TaskId, TurnId
from hub.testing import NOON, a_message

TOOLS = tuple(Offer(name=f"tool_{at}", description=f"Does number {at}.") for at in range(40))


def test_of_very_many_those_are_offered_that_fit() -> None:
    weather = Offer(name="get_weather", description="Tells the weather in a city.")
    order = Order(tools=(*TOOLS, weather))
    found = offered(order, "What's the weather in Paris?", [])
    assert len(found) == OFFERED
    assert found[-1].name == "client:get_weather"


def test_none_is_offered_that_was_called_or_forbidden_and_one_alone_if_its_wanted() -> None:
    order = Order(tools=TOOLS[:3])
    assert [tool.name for tool in offered(order, "", ["client:tool_1"])] == ["client:tool_0", "client:tool_2"]
    assert offered(Order(tools=TOOLS, choice="none"), "", []) == ()
    assert [tool.name for tool in offered(Order(tools=TOOLS, wanted="tool_7"), "", [])] == ["client:tool_7"]


def test_a_result_is_known_by_its_call_and_by_where_it_came_from() -> None:
    """A platform's ids are others' to choose."""
    pause = Pause(
        id=PauseId("p1"),
        tenant=HOME,
        person=OWNER,
        task=TaskId("t1"),
        turn=TurnId("u1"),
        kind="answer",
        tool="client:get_weather",
        arguments="{}",
        key="k",
        why="",
        created_at=NOON,
        expires_at=NOON,
    )
    here = Address(bridge="http", chat="owner/openai")
    name = of_result(KeyId("k1"), pause.id)
    assert may_answer(a_message("x", address=here, external_id=name), pause)
    assert not may_answer(a_message("x", address=here, external_id=of_result(KeyId("k1"), PauseId("p2"))), pause)
    assert not may_answer(a_message("x", address=Address(bridge="xmpp", chat="a"), external_id=name), pause)
    assert not may_answer(a_message("x", address=here), pause)
