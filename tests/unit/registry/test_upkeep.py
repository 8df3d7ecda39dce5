"""What a registry forgets, and what it keeps."""

from datetime import timedelta

from sqlalchemy import Table, func, insert, select

from hub.registry.parts import Parts
from hub.registry.tables import downloaders, replays, salts, tokens
from hub.registry.upkeep import Upkeep
from hub.testing import FakeClock
from tests.unit.registry.conftest import PASSWORD


async def count(parts: Parts, table: Table) -> int:
    query = select(func.count()).select_from(table)
    return int(await parts.shelf.read(lambda connection: connection.execute(query).scalar_one()))


async def test_tokens_that_are_over_go_and_good_ones_stay(parts: Parts, clock: FakeClock) -> None:
    _, told = await parts.accounts.create("ann", "", PASSWORD, "ann")
    caller = await parts.accounts.caller(told)
    assert caller is not None
    await parts.accounts.make_token(caller, "short", ["rate"], timedelta(hours=1))

    assert await parts.upkeep.sweep() == 0
    await clock.advance(timedelta(days=2).total_seconds())

    assert await parts.upkeep.sweep() == 1
    assert await count(parts, tokens) == 1
    assert await parts.accounts.caller(told) is not None


async def test_who_fetched_what_is_forgotten_on_the_day_after(parts: Parts, clock: FakeClock) -> None:
    today, yesterday = (clock.now() - timedelta(days=days) for days in (0, 1))
    days = [at.date().isoformat() for at in (today, yesterday)]

    await parts.shelf.write(
        lambda each: (
            each.execute(insert(downloaders), [{"day": day, "who": "x", "sha256": "y"} for day in days])
            and each.execute(insert(salts), [{"day": day, "salt": "z"} for day in days])
            and None
        )
    )

    assert await parts.upkeep.sweep() == 2
    assert await count(parts, downloaders) == await count(parts, salts) == 1


async def test_many_rows_go_in_pieces_so_that_nobody_waits_for_long(parts: Parts, clock: FakeClock) -> None:
    old = {"fingerprint": "", "status": 200, "body": "", "created_at": clock.now() - timedelta(days=3)}
    rows = [{"account": "ann", "name": f"key-{number}", **old} for number in range(35)]
    await parts.shelf.write(lambda each: each.execute(insert(replays), rows) and None)
    fresh = {"account": "ann", "name": "fresh", **old, "created_at": clock.now()}
    await parts.shelf.write(lambda each: each.execute(insert(replays), [fresh]) and None)

    assert await Upkeep(parts.shelf, clock, at_once=10).sweep() == 35
    assert await count(parts, replays) == 1
