"""How far messages are kept, and in which order."""

import asyncio

from bridges.xmpp.backlog import Backlog, Lanes, Recent


def test_a_server_hears_of_a_message_as_handled_only_once_it_and_all_before_are_kept() -> None:
    backlog = Backlog()
    first, second, third = (backlog.enter(number, "own", f"a{number}") for number in (4, 6, 9))
    assert backlog.handled(10) == 3
    assert not backlog.keep(second)
    assert (backlog.handled(10), backlog.marks) == (3, {})
    assert backlog.keep(first)
    assert (backlog.handled(10), backlog.marks) == (8, {"own": "a6"})
    assert backlog.keep(third)
    assert (backlog.handled(10), backlog.marks, len(backlog)) == (10, {"own": "a9"}, 0)


def test_a_new_session_counts_anew_and_each_archive_has_its_mark() -> None:
    backlog = Backlog()
    old = backlog.enter(400, "own", "a1")
    backlog.forget_counts()
    assert backlog.handled(3) == 3
    room = backlog.enter(2, "room", "r1")
    unnamed = backlog.enter(3, "own", "")
    for ticket in (old, room, unnamed):
        backlog.keep(ticket)
    assert backlog.marks == {"own": "a1", "room": "r1"}


async def test_chats_go_side_by_side_each_in_its_order() -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def slow() -> None:
        await gate.wait()
        done.append("slow")

    async def quick(name: str) -> None:
        done.append(name)

    async with asyncio.TaskGroup() as group:
        lanes = Lanes(group)
        lanes.put("a", slow)
        lanes.put("a", lambda: quick("after slow"))
        lanes.put("b", lambda: quick("other chat"))
        await asyncio.sleep(0.01)
        assert done == ["other chat"]
        gate.set()
    assert done == ["other chat", "slow", "after slow"]


def test_only_so_many_are_remembered() -> None:
    recent: Recent[int, str] = Recent(2)
    for number in (1, 2, 3):
        recent.put(number, str(number))
    assert (recent.get(1), recent.get(2), recent.pop(3), recent.get(3)) == (None, "2", "3", None)
