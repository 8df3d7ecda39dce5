"""A hub in a container, by a stand-in for Docker Engine: what's asked of it, and what each answer means."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.waker.providers import ProviderFault, State
from hub.waker.providers.docker import DockerConfig, DockerProvider
from tests.telegram.says import until
from tests.waker.engine import ID, Engine


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with Engine(tmp_path) as engine:
        yield engine


@pytest.fixture
async def docker(engine: Engine) -> AsyncIterator[DockerProvider]:
    provider = DockerProvider(DockerConfig(socket=str(engine.socket), container="hub", port=8080), "hub")
    yield provider
    await provider.close()


async def test_a_container_is_started_once_and_stopped_however_often_that_is_asked(
    engine: Engine, docker: DockerProvider
) -> None:
    assert (await docker.describe()).state == "stopped"
    for _ in range(3):
        await docker.start()
        assert (await docker.describe()).state == "running"
    for _ in range(3):
        await docker.stop()
        assert (await docker.describe()).state == "stopped"
    assert engine.seconds == [30]
    assert (await docker.describe()).detail == "it ended with 0"


@pytest.mark.parametrize(
    ("status", "state", "detail"),
    [
        ("created", "stopped", ""),
        ("running", "running", ""),
        ("paused", "running", "it's paused"),
        ("restarting", "starting", "it ended with 3"),
        ("removing", "stopping", "it's removing"),
        ("exited", "stopped", "it ended with 3"),
        ("dead", "missing", "it's dead, as the engine has it: remove it and make it anew"),
    ],
)
async def test_every_state_of_a_container_is_understood(
    engine: Engine, docker: DockerProvider, status: str, state: State, detail: str
) -> None:
    engine.status, engine.exit_code = status, 3
    found = await docker.describe()
    assert (found.state, found.detail) == (state, detail)


async def test_a_state_that_nobody_knows_is_no_reason_to_do_anything(engine: Engine, docker: DockerProvider) -> None:
    engine.status = "hibernating"
    with pytest.raises(ProviderFault, match="'hibernating'"):
        await docker.describe()


async def test_a_paused_container_goes_on(engine: Engine, docker: DockerProvider) -> None:
    engine.status = "paused"
    await docker.start()
    assert engine.status == "running"


async def test_what_ends_at_once_is_stopped_with_what_it_ended_with(engine: Engine, docker: DockerProvider) -> None:
    engine.ends_at_once = 78
    await docker.start()
    found = await docker.describe()
    assert (found.state, found.detail) == ("stopped", "it ended with 78")


async def test_who_was_killed_for_its_memory_is_told_so(engine: Engine, docker: DockerProvider) -> None:
    engine.status, engine.exit_code, engine.killed = "exited", 137, True
    assert (await docker.describe()).detail == "it was killed for its memory"


@pytest.mark.parametrize("status", ["dead", "removing"])
async def test_what_cannot_be_started_is_a_fault_in_the_engines_words(
    engine: Engine, docker: DockerProvider, status: str
) -> None:
    engine.status = status
    with pytest.raises(ProviderFault, match="answered 409: container is marked for removal"):
        await docker.start()


async def test_a_refusal_is_told_in_the_engines_words(engine: Engine, docker: DockerProvider) -> None:
    engine.refuses = "driver failed: Bind for 0.0.0.0:8080 failed: port is already allocated"
    with pytest.raises(ProviderFault, match=r"answered 500: driver failed.*already allocated"):
        await docker.start()


async def test_there_may_be_no_container(engine: Engine, docker: DockerProvider) -> None:
    engine.there = False
    assert (await docker.describe()).state == "missing"
    await docker.stop()
    with pytest.raises(ProviderFault, match="there's none; make it with docker create"):
        await docker.start()


async def test_while_it_takes_its_time_to_stop_it_is_stopping(engine: Engine, docker: DockerProvider) -> None:
    engine.status, engine.deaf = "running", True
    stopping = asyncio.create_task(docker.stop())
    await until(lambda: bool(engine.seconds))
    assert (await docker.describe()).state == "stopping"
    engine.gate.set()
    await stopping
    found = await docker.describe()
    assert (found.state, found.detail) == ("stopped", "it ended with 137")


async def test_yes_is_not_believed(engine: Engine, docker: DockerProvider) -> None:
    engine.lies = True
    await docker.start()
    assert (await docker.describe()).state == "stopped"
    engine.status = "running"
    await docker.stop()
    assert (await docker.describe()).state == "running"


async def test_without_a_name_the_container_is_found_by_our_label(engine: Engine) -> None:
    provider = DockerProvider(DockerConfig(socket=str(engine.socket)), "hub")
    await provider.start()
    assert (await provider.describe()).state == "running"
    assert f"POST /v1.44/containers/{ID}/start" in engine.asked
    other = DockerProvider(DockerConfig(socket=str(engine.socket)), "another")
    assert (await other.describe()).detail == "there's no container labelled agenthost.hub=another"
    engine.twins = 2
    with pytest.raises(ProviderFault, match=r"2 containers are labelled agenthost.hub=hub"):
        await provider.start()
    await provider.close()
    await other.close()


@pytest.mark.parametrize(
    ("published", "url"),
    [
        ([{"HostIp": "0.0.0.0", "HostPort": "49153"}], "http://127.0.0.1:49153"),
        ([{"HostIp": "::", "HostPort": "49153"}], "http://127.0.0.1:49153"),
        ([{"HostIp": "::1", "HostPort": "49153"}], "http://[::1]:49153"),
        ([{"HostIp": "10.0.0.5", "HostPort": "80"}], "http://10.0.0.5:80"),
        (None, "http://172.17.0.2:8080"),
    ],
)
async def test_the_engine_says_where_the_hub_answers(
    engine: Engine, docker: DockerProvider, published: list[dict[str, str]] | None, url: str
) -> None:
    engine.status, engine.ports = "running", {"8080/tcp": published}
    assert (await docker.describe()).url == url
    engine.status = "exited"
    assert (await docker.describe()).url == ""


@pytest.mark.parametrize(
    ("version", "oldest", "spoken"), [("1.41", "1.24", "1.41"), ("1.44", "1.24", "1.44"), ("1.57", "1.44", "1.44")]
)
async def test_the_apis_version_is_agreed_with_the_engine(
    engine: Engine, docker: DockerProvider, version: str, oldest: str, spoken: str
) -> None:
    engine.version, engine.oldest = version, oldest
    assert (await docker.describe()).state == "stopped"
    assert engine.asked == ["GET /_ping", f"GET /v{spoken}/containers/hub/json"]


async def test_an_engine_that_was_exchanged_for_an_older_one_is_agreed_with_anew(
    engine: Engine, docker: DockerProvider
) -> None:
    await docker.describe()
    engine.version = "1.40"
    with pytest.raises(ProviderFault, match=r"1\.44 is too new"):
        await docker.describe()
    assert (await docker.describe()).state == "stopped"


@pytest.mark.parametrize(("version", "why"), [("1.12", "speaks API 1.12"), ("none", "no Docker Engine")])
async def test_what_speaks_another_language_is_a_fault(
    engine: Engine, docker: DockerProvider, version: str, why: str
) -> None:
    engine.version = version
    with pytest.raises(ProviderFault, match=why):
        await docker.describe()


async def test_without_an_engine_the_fault_says_where_it_was_looked_for(tmp_path: Path) -> None:
    provider = DockerProvider(DockerConfig(socket=str(tmp_path / "no.sock"), container="hub"), "hub")
    for ask in (provider.describe, provider.start, provider.stop):
        with pytest.raises(ProviderFault, match=r"no\.sock: can't be asked .*; is the engine running"):
            await ask()
    await provider.close()
