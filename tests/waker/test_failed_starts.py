"""A hub that can't be had: people are told in time, it's tried ever later, and it comes as soon as it can."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.waker.sleeper import Sleeper
from tests.waker.test_power import at_work

IN_TIME = 90.0
"""Seconds within which people are told."""


def dies(sleeper: Sleeper) -> None:
    sleeper.machine.dies = True


def hangs(sleeper: Sleeper) -> None:
    sleeper.machine.boots = 1e9


def says_no(sleeper: Sleeper) -> None:
    sleeper.word.silent = True


def lies(sleeper: Sleeper) -> None:
    sleeper.machine.lies = True


KINDS = pytest.mark.parametrize("breaks", [dies, hangs, says_no, lies])
Breaks = Callable[[Sleeper], None]


def mend(sleeper: Sleeper) -> None:
    sleeper.machine.dies, sleeper.machine.boots, sleeper.word.silent, sleeper.machine.lies = False, 1.0, False, False


@KINDS
async def test_people_are_told_in_time_and_those_who_come_later_too(tmp_path: Path, breaks: Breaks) -> None:
    async with at_work(tmp_path) as sleeper:
        breaks(sleeper)
        await sleeper.hears("1")
        sleeper.power.wake()
        await sleeper.passes(IN_TIME)
        assert len(sleeper.told) == 1
        assert sleeper.told[0].startswith("asleep, and it ")
        sleeper.people = 2
        await sleeper.passes(10)
        assert len(sleeper.told) == 3
        assert sleeper.heard_of_it == 1, "who looks after the hub is told once"
        assert await sleeper.spool.waiting("hub") == (1, 1), "what they said is kept"


@KINDS
async def test_it_is_tried_ever_later_and_at_most_so_often_in_an_hour(tmp_path: Path, breaks: Breaks) -> None:
    async with at_work(tmp_path, start_seconds=20.0) as sleeper:
        breaks(sleeper)
        await sleeper.hears("1")
        await sleeper.passes(3600, step=20)
        started = list(sleeper.machine.started_at)
        assert 5 <= len(started) <= 12
        pauses = [late - early for early, late in pairwise(started)]
        for number, pause in enumerate(pauses):
            assert pause >= 0.8 * min(5 * 2**number, 900)
        mend(sleeper)
        await sleeper.passes(1100, step=10)
        assert sleeper.state == "ready"
        assert len(sleeper.machine.started_at) == len(started) + 1


async def test_a_start_that_is_only_slow_is_no_failure_but_people_hear_of_it(tmp_path: Path) -> None:
    async with at_work(tmp_path, start_seconds=300.0) as sleeper:
        sleeper.machine.boots = 100
        sleeper.power.wake()
        await sleeper.passes(IN_TIME)
        assert sleeper.told == ["asleep, and it isn't up yet after a minute: it is still being started"]
        await sleeper.passes(20)
        assert (sleeper.state, sleeper.power.failures, sleeper.machine.starts) == ("ready", 0, 1)


async def test_who_waits_for_a_hub_that_does_not_stop_is_told(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        sleeper.power.wake()
        await sleeper.passes(3)
        sleeper.machine.lies, sleeper.word.idle = True, 1000
        await sleeper.passes(20)
        assert sleeper.state == "stopping"
        await sleeper.passes(200, step=5)
        assert sleeper.told == [], "nobody waits"
        sleeper.power.wake()
        await sleeper.passes(IN_TIME)
        assert len(sleeper.told) == 1


async def test_who_waits_while_the_provider_cannot_be_asked_is_told_why(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        sleeper.power.state, sleeper.machine.fault = "unknown", "the service is down"
        sleeper.power.wake()
        await sleeper.passes(IN_TIME)
        assert sleeper.told == ["asleep, and it isn't up yet after a minute: the service is down"]
        assert sleeper.machine.starts == 0


async def test_a_hub_that_nobody_waits_for_is_no_news(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        await sleeper.passes(300, step=5)
        sleeper.power.wake()
        await sleeper.passes(3)
        sleeper.word.idle = 1000
        await sleeper.passes(300, step=5)
        assert (sleeper.state, sleeper.told, sleeper.heard_of_it) == ("stopped", [], 0)


async def test_a_thousand_who_wait_for_a_hub_that_fails_start_it_no_more_often_than_one(tmp_path: Path) -> None:
    async with at_work(tmp_path) as sleeper:
        dies(sleeper)
        wanting = [asyncio.create_task(sleeper.power.up(1e6)) for _ in range(1_000)]
        await sleeper.passes(60)
        assert sleeper.machine.starts <= 5
        mend(sleeper)
        await sleeper.passes(100, step=1)
        assert all(await asyncio.gather(*wanting))
