"""A computer that's connected to one of two hubs on PostgreSQL is lent to tasks that either takes."""

import asyncio
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from agenthost_client import AsyncClient
from agenthost_client.business import Computer as Seen

from hub.local.session import Session
from tests.faults.harness import KEY
from tests.hubs.fleet import Fleet
from tests.local.lenders import Computer
from tests.local.served import hello

pytestmark = pytest.mark.faults


async def test_a_computer_at_one_hub_is_reached_by_the_other_and_vanishes_from_both(
    tmp_path: Path, empty_database: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    async with Fleet(tmp_path, empty_database, hubs=2, chats=1) as fleet:
        here, there = await fleet.start()
        with ExitStack() as stack:
            computer = Computer(stack, home, None, yes_read=True)
            (computer.root / "todo.md").touch()
            session = Session(here, KEY, hello(), computer.lender, lambda _: None)
            lending = asyncio.create_task(session.run())
            async with AsyncClient(here, KEY) as near, AsyncClient(there, KEY) as far:
                seen = await until_lent(far, 1)
                answers = [await api.packages.call_tool("computer_list", {"folder": "notes"}) for api in (near, far)]
                written = await far.packages.call_tool(
                    "computer_write", {"folder": "notes", "path": "a.txt", "text": "b"}
                )
                lending.cancel()
                with suppress(asyncio.CancelledError):
                    await lending
                await until_lent(far, 0)
                await until_lent(near, 0)
        boxes = await fleet.rows("SELECT count(*) FROM documents WHERE owner LIKE '%calls%' OR owner LIKE '%answers%'")

    assert [computer.name for computer in seen] == ["laptop"]
    assert seen[0].hub == "hub0"
    assert [(answer.result, answer.failed) for answer in answers] == [("todo.md (0 bytes)", False)] * 2
    assert (written.failed, "nobody said yes" in written.result) == (True, True)
    assert [count for (count,) in boxes] == [0]


async def until_lent(api: AsyncClient, count: int) -> list[Seen]:
    async with asyncio.timeout(30):
        while True:
            found = [computer async for computer in api.computers.list()]
            if len(found) == count:
                return found
            await asyncio.sleep(0.05)
