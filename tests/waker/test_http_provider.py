"""A provider that's told in the config what to ask: what it makes of answers, and what of a config with faults."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from hub.waker.providers import ProviderFault
from hub.waker.providers.http import HttpConfig, HttpProvider, faults
from tests.waker.runpod import RunPod
from tests.waker.served import Asked, Served

GOOD = HttpConfig(
    state="GET https://a.example/m", start="POST https://a.example/m/on", stop="POST https://a.example/m/off"
)


class Anything:
    """An API that answers what a test likes."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (200, b"{}")
        self.asked: list[Asked] = []
        self._served = Served(self._answer)
        self._served.start()

    def _answer(self, asked: Asked) -> tuple[int, bytes]:
        self.asked.append(asked)
        return self.answer

    def provider(self, **changes: Any) -> HttpProvider:
        url = self._served.url
        config = HttpConfig(state=f"GET {url}/m", start=f"POST {url}/m/on", stop=f"POST {url}/m/off")
        return HttpProvider(replace(config, **changes))

    def stop(self) -> None:
        self._served.stop()


@pytest.fixture
async def api() -> AsyncIterator[Anything]:
    api = Anything()
    yield api
    api.stop()


async def described(api: Anything, answer: object, **changes: Any) -> Any:
    api.answer = (200, json.dumps(answer).encode())
    provider = api.provider(**changes)
    try:
        return await provider.describe()
    finally:
        await provider.close()


@pytest.mark.parametrize(
    ("answer", "changes"),
    [
        ({"state": "running"}, {}),
        ("running", {"state_at": ""}),
        ([{"a/b": {"x~y": "UP"}}], {"state_at": "/0/a~1b/x~0y", "states": ("UP = running",)}),
        ({"on": True}, {"state_at": "/on", "states": ("True = running", "False = stopped")}),
    ],
)
async def test_the_word_is_found_wherever_it_is(api: Anything, answer: object, changes: dict[str, Any]) -> None:
    assert (await described(api, answer, **changes)).state == "running"


@pytest.mark.parametrize("answer", [{"state": "WARMING"}, {}, [], "x", {"state": {"a": 1}}])
async def test_a_word_that_is_not_known_is_a_fault_that_says_where_to_tell(api: Anything, answer: object) -> None:
    with pytest.raises(ProviderFault, match=r"say in hubs\.http\.states what it means"):
        await described(api, answer)


async def test_an_answer_that_is_no_json_is_a_fault(api: Anything) -> None:
    api.answer = (200, b"<html>Bad gateway</html>")
    provider = api.provider()
    with pytest.raises(ProviderFault, match="can't be read"):
        await provider.describe()
    await provider.close()


async def test_where_the_hub_answers_is_taken_from_the_answer_if_it_is_an_address(api: Anything) -> None:
    there = {"state": "running", "at": {"url": "https://hub.example"}}
    assert (await described(api, there, url_at="/at/url")).url == "https://hub.example"
    assert (await described(api, {"state": "running", "at": {"url": "file:///etc"}}, url_at="/at/url")).url == ""


async def test_the_secret_is_put_where_it_is_wanted(api: Anything) -> None:
    api.answer = (200, b'{"state": "stopped"}')
    provider = api.provider(
        secret="s3cret", headers=("X-Key: {secret}",), start_body='{"key": "{secret}"}', state_body='{"q": 1}'
    )
    await provider.start()
    state, start = api.asked
    assert state.headers["X-Key"] == start.headers["X-Key"] == "s3cret"
    assert (json.loads(state.body), json.loads(start.body)) == ({"q": 1}, {"key": "s3cret"})
    assert start.headers["Content-Type"] == "application/json"
    await provider.close()


async def test_an_endless_answer_is_cut_off(api: Anything) -> None:
    api.answer = (200, b'"' + b"x" * (5 << 20) + b'"')
    provider = api.provider(state_at="")
    with pytest.raises(ProviderFault, match="its answer has more than"):
        await provider.describe()
    await provider.close()


async def test_nobody_there_is_a_fault() -> None:
    pod = RunPod()
    config = pod.config
    pod.start()
    pod.stop()
    provider = HttpProvider(config)
    with pytest.raises(ProviderFault, match="can't be asked"):
        await provider.describe()
    await provider.close()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"state": "https://a.example"}, "http.state: write it as"),
        ({"start": "BREW http://a.example"}, "http.start: write it as"),
        ({"stop": ""}, "http.stop: write it as"),
        ({"headers": ("Authorization",)}, "http.headers: write each as"),
        ({"states": ("EXITED",)}, "http.states: write each as"),
        ({"states": ("EXITED = gone",)}, "http.states: write each as"),
        ({"price_at": "costPerHr"}, "http.price_at: a JSON pointer begins with /"),
        ({"secret": "a", "secret_file": "b"}, "http.secret: give the secret itself"),
        ({"secret_file": "/absent"}, "http.secret_file: '/absent' can't be read"),
    ],
)
def test_what_is_wrong_in_the_config_is_told(change: dict[str, Any], fault: str) -> None:
    assert [*faults(GOOD)] == []
    [told] = faults(replace(GOOD, **change))
    assert told.startswith(fault)


def test_a_header_that_is_wrong_is_told_without_being_shown() -> None:
    [told] = faults(replace(GOOD, headers=("Bearer-abc123",)))
    assert "abc123" not in told
