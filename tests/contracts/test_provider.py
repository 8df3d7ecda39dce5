"""One suite over every provider: it isn't believed, what it's asked twice is done once, and secrets stay hidden."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hub.waker.providers import Creating, Forgetting, Priced, ProviderFault, Tag, Tagged
from hub.waker.providers.ec2 import Ec2Provider
from hub.waker.providers.fly import FlyProvider
from hub.waker.providers.http import HttpProvider
from tests.contracts.machines import DOUBTFUL, FAR, HOST, KINDS, OfAmazon, Stage, becomes, on_stage
from tests.waker.amazon import KEYS, Amazon
from tests.waker.cloudconfig import files_of
from tests.waker.sleeper import Machine


@pytest.fixture(scope="module")
def amazon_server() -> Iterator[Amazon]:
    with Amazon() as amazon:
        yield amazon


@pytest.fixture
def amazon(amazon_server: Amazon, monkeypatch: pytest.MonkeyPatch) -> Amazon:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    amazon_server.reset()
    return amazon_server


@pytest.fixture(params=KINDS)
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with on_stage(request.param, tmp_path, lambda: request.getfixturevalue("amazon")) as stage:
        yield stage


async def test_it_is_stopped_and_runs_once_started_and_is_stopped_again(stage: Stage) -> None:
    assert (await stage.provider.describe()).state == "stopped"
    await stage.provider.start()
    await becomes(stage, "running")
    await stage.provider.stop()
    await becomes(stage, "stopped")


async def test_asked_twice_it_is_started_once(stage: Stage) -> None:
    await stage.provider.start()
    await stage.provider.start()
    await becomes(stage, "running")
    await stage.passes(30)
    await stage.provider.start()
    assert await becomes(stage, "running") == "running"
    if not isinstance(stage.provider, Machine):
        assert stage.starts() == 1


async def test_a_stop_of_what_is_stopped_is_no_error(stage: Stage) -> None:
    await stage.provider.stop()
    await stage.passes(30)
    await stage.provider.stop()
    await becomes(stage, "stopped")


async def test_started_and_stopped_often_it_is_as_it_was_asked_last(stage: Stage) -> None:
    for _ in range(3):
        await stage.provider.start()
        await becomes(stage, "running")
        await stage.provider.stop()
        await becomes(stage, "stopped")


@pytest.mark.parametrize("stage", DOUBTFUL, indirect=True)
async def test_a_yes_that_did_nothing_is_seen_through(stage: Stage) -> None:
    stage.lie()
    await stage.provider.start()
    await stage.passes(30)
    assert (await stage.provider.describe()).state == "stopped"


@pytest.mark.parametrize("stage", DOUBTFUL, indirect=True)
async def test_a_stop_that_did_nothing_is_seen_through(stage: Stage) -> None:
    await stage.provider.start()
    await becomes(stage, "running")
    stage.lie()
    await stage.provider.stop()
    await stage.passes(2)
    assert (await stage.provider.describe()).state == "running"


@pytest.mark.parametrize("stage", FAR, indirect=True)
async def test_a_lost_answer_is_a_fault_and_what_was_done_is_seen(stage: Stage) -> None:
    stage.lose()
    with pytest.raises(ProviderFault):
        await stage.provider.start()
    await becomes(stage, "running")
    with pytest.raises(ProviderFault):
        await stage.provider.stop()
    await becomes(stage, "stopped")


@pytest.mark.parametrize("stage", DOUBTFUL, indirect=True)
async def test_what_goes_wrong_is_a_fault_in_words_without_the_secret(stage: Stage) -> None:
    stage.break_down()
    for ask in (stage.provider.describe, stage.provider.start, stage.provider.stop):
        await stage.passes(30)
        with pytest.raises(ProviderFault) as fault:
            await ask()
        assert str(fault.value)
        assert not stage.secret or stage.secret not in str(fault.value)
        assert stage.secret not in repr(fault.value.__cause__) or not stage.secret


@pytest.mark.parametrize("stage", DOUBTFUL, indirect=True)
async def test_what_is_gone_is_missing_and_its_stop_is_no_error(stage: Stage) -> None:
    stage.vanish()
    await stage.passes(30)
    await becomes(stage, "missing")
    await stage.provider.stop()
    if isinstance(stage.provider, Creating | HttpProvider):
        with pytest.raises(ProviderFault, match="there's no machine"):
            await stage.provider.start()


# --- abilities that some have


@pytest.fixture(params=("ec2", "fly"))
async def creating(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with on_stage(request.param, tmp_path, lambda: request.getfixturevalue("amazon")) as stage:
        await stage.provider.destroy()
        await stage.passes(30)
        yield stage
        await stage.provider.destroy()


async def test_made_twice_there_is_one_machine(creating: Any) -> None:
    provider = creating.provider
    assert isinstance(provider, Creating)
    assert isinstance(provider, Tagged)
    await becomes(creating, "missing")
    await provider.create(HOST)
    await provider.create(HOST)
    await becomes(creating, "running")
    assert [each.hub for each in await provider.found()] == ["hub"]
    assert (await creating.provider.describe()).url.startswith("http://")


async def test_made_with_its_answer_lost_there_is_one_machine(creating: Any) -> None:
    lost = creating.amazon.lost if isinstance(creating, OfAmazon) else creating.fly.lost
    lost += ["RunInstances"] if isinstance(creating, OfAmazon) else ["create"]
    with suppress(ProviderFault):
        await creating.provider.create(HOST)
    await creating.provider.create(HOST)
    await becomes(creating, "running")
    assert len(await creating.provider.found()) == 1


async def test_destroyed_twice_it_is_gone(creating: Any) -> None:
    await creating.provider.create(HOST)
    await becomes(creating, "running")
    await creating.provider.destroy()
    await creating.provider.destroy()
    await becomes(creating, "missing")
    assert await creating.provider.found() == ()


async def test_what_it_is_made_with_is_in_no_fault(creating: Any) -> None:
    creating.break_down()
    if isinstance(creating, OfAmazon):
        creating.amazon.refused["RunInstances"] = (400, "InvalidParameterValue", "UserData is invalid")
    with pytest.raises(ProviderFault) as fault:
        await creating.provider.create(HOST)
    assert "s3cret" not in str(fault.value)
    creating.amazon.reset() if isinstance(creating, OfAmazon) else setattr(creating.fly, "broken", None)


async def test_machines_of_other_hubs_of_the_same_waker_are_found_and_those_of_other_wakers_are_not(
    creating: Any,
) -> None:
    others = {"other-hub": creating.waker, "hub": "other-waker"}
    made = []
    for hub, waker in others.items():
        tag = Tag(waker=waker, hub=hub)
        other: Any = (
            Ec2Provider(creating.amazon.config, tag, creating)
            if isinstance(creating, OfAmazon)
            else FlyProvider(creating.fly.config, tag, creating)
        )
        await other.create(HOST)
        made.append(other)
    await creating.passes(30)
    found = await creating.provider.found()
    assert [each.hub for each in found] == ["other-hub"]
    await becomes(creating, "missing")
    await creating.provider.discard(found[0].id)
    await creating.provider.discard(found[0].id)
    await creating.passes(30)
    assert await creating.provider.found() == ()
    for other in made:
        await other.destroy()
        await other.close()


async def test_what_a_machine_was_made_with_is_forgotten(tmp_path: Path, amazon: Amazon) -> None:
    async with on_stage("ec2", tmp_path, lambda: amazon) as stage:
        provider = stage.provider
        assert isinstance(provider, Forgetting)
        assert HOST.files[0].content in made_with(amazon, stage.waker)
        await provider.forget()
        await provider.forget()
        assert made_with(amazon, stage.waker) == []
        await stage.provider.destroy()


def made_with(amazon: Amazon, waker: str) -> list[bytes]:
    """Return what files Amazon keeps of those that a machine was made with."""
    [machine] = amazon.machines(waker)
    return [file.content for file in files_of(amazon.user_data(machine["InstanceId"])).values()]


async def test_a_price_that_its_provider_says_is_known(tmp_path: Path) -> None:
    async with on_stage("http", tmp_path, Amazon) as stage:
        assert isinstance(stage.provider, Priced)
        assert await stage.provider.price() == 3.29
