"""What a remote server's no, silence and absence mean: told in clear words, waited out, or counted."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from hub.errors import LLMAway, LLMRefused, LLMTimeout, LLMUnavailable
from hub.llm.remote import Remote
from hub.llm.server import Patience
from hub.ports import Terms
from hub.records import TenantId
from tests.unit.llm.counterpart import Counterpart, Reply, refused, streamed, until, whole
from tests.unit.llm.test_remote import ASK, HELLO, KEY, NUMBER, said


@pytest.fixture
async def server() -> AsyncIterator[Counterpart]:
    async with Counterpart() as server:
        yield server


@pytest.fixture
async def llm(server: Counterpart) -> AsyncIterator[Remote]:
    llm = Remote(server.url, "small", key=KEY, backoff=0.001)
    yield llm
    await llm.close()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            refused(401, "bad key"),
            r"the key is refused; mend llm\.key or llm\.key_file \(127\.0\.0\.1 answers HTTP 401",
        ),
        (refused(402, "pay"), r"the account at 127\.0\.0\.1 has no money left; top it up"),
        (refused(429, "quota", code="insufficient_quota"), "has no money left"),
        (
            refused(404, "no model small"),
            r"no model small; if it's the model or the address .* mend llm\.model or \.url",
        ),
        (Reply(b"<!doctype html>", status=404), r"a web page \(HTTP 404\) instead of JSON.* mend llm\.url"),
    ],
)
async def test_a_no_says_who_has_to_do_what(server: Counterpart, llm: Remote, reply: Reply, words: str) -> None:
    server.replies = [reply]

    with pytest.raises(LLMRefused, match=words):
        await said(llm)
    assert len(server.asked) == 1
    assert llm.info.state == "broken"


async def test_a_server_that_repeats_the_key_or_the_address_gives_neither_away(server: Counterpart) -> None:
    """What it says is kept as the message's error, and shown to everybody in the status."""
    inside = server.url.replace("://", "://hub:sesame-1@")
    for url, key, secret in ((server.url, KEY, KEY), (inside, "", "sesame-1")):
        server.replies = [refused(401, f"Incorrect API key provided: {secret}")]
        llm = Remote(url, "small", key=key, backoff=0.001)
        with pytest.raises(LLMRefused, match=r"Incorrect API key provided: \[hidden\]") as refusal:
            await said(llm)
        assert secret not in f"{refusal.value}{llm.info.detail}"
        await llm.close()

    llm = Remote("http://hub:sesame-1@127.0.0.1:9/v1", "small", backoff=0.001)
    with pytest.raises(LLMAway, match=r"http://hidden@127\.0\.0\.1:9/v1 can't be reached"):
        await said(llm)
    assert "sesame-1" not in llm.info.detail
    await llm.close()


async def test_a_web_page_in_place_of_an_answer_is_told_as_one(server: Counterpart, llm: Remote) -> None:
    server.replies = [Reply(b"<html>Log in", headers={"Content-Type": "text/html; charset=utf-8"})]

    with pytest.raises(LLMAway, match="a web page"):
        await said(llm)


async def test_a_request_that_cannot_be_taken_leaves_the_server_well(server: Counterpart, llm: Remote) -> None:
    server.replies = [streamed("Hi"), refused(422, "no such parameter")]
    await said(llm)

    with pytest.raises(LLMRefused, match="no such parameter"):
        await said(llm)
    assert llm.info.state == "ready"


async def test_a_wait_that_the_server_asks_for_is_waited(server: Counterpart, llm: Remote) -> None:
    server.replies = [refused(429, "slow down", Retry_After="1"), streamed("Hi")]
    began = asyncio.get_running_loop().time()

    assert (await said(llm))[0] == "Hi"
    assert asyncio.get_running_loop().time() - began >= 1.0


async def test_one_that_never_begins_to_answer_is_unavailable(server: Counterpart) -> None:
    llm = Remote(server.url, "small", patience=Patience(first=0.05, between=10))
    server.replies = [Reply(hangs=True)]

    with pytest.raises(LLMUnavailable, match="nothing for 0 s"):
        await said(llm)
    assert llm.info.state == "restarting"
    await llm.close()


async def test_one_that_stops_in_the_middle_is_unavailable_and_not_asked_again(server: Counterpart) -> None:
    llm = Remote(server.url, "small", patience=Patience(first=10, between=0.05))
    server.replies = [streamed("Once ", hangs=True)]

    with pytest.raises(LLMUnavailable, match="fell silent in the middle of an answer"):
        await said(llm)
    assert len(server.asked) == 1
    await llm.close()


async def test_tokens_that_the_server_still_knew_are_not_new(server: Counterpart, llm: Remote) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 80}}
    events = [{"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
    server.replies = [Reply(*(f"data: {json.dumps(event)}\n\n".encode() for event in events))]

    _, end = await said(llm)

    assert (end.tokens_in, end.tokens_new, end.tokens_out) == (100, 20, 2)


async def test_a_server_that_goes_away_is_looked_at_until_it_is_back(
    server: Counterpart, llm: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.llm.watch.LOOK", 0.001)
    await llm.open()
    await llm.ready()
    server.models, server.replies = Reply(status=503), [refused(503, "busy")] * 4
    with pytest.raises(LLMAway):
        await said(llm)
    await until(lambda: "HTTP 503" in llm.info.detail and llm.info.state == "restarting")
    waiting = asyncio.ensure_future(llm.ready())
    await asyncio.sleep(0.02)
    assert not waiting.done()

    server.models = Reply(b'{"data": []}')
    await asyncio.wait_for(waiting, 5)
    assert llm.info.state == "ready"


async def test_one_that_was_too_slow_is_well_until_a_look_finds_it_gone(server: Counterpart, llm: Remote) -> None:
    await llm.open()
    await llm.ready()
    brief = Terms(tenant=TenantId("home"), deadline=0.05)
    server.replies = [streamed("Once ", hangs=True)] * 2
    before = len(server.keys)
    with pytest.raises(LLMTimeout):
        await said(llm, brief)
    await until(lambda: len(server.keys) == before + 2)  # the request, and a look
    assert llm.info.state == "ready"

    server.models = Reply(status=503)
    with pytest.raises(LLMTimeout):
        await said(llm, brief)
    await until(lambda: llm.info.state == "restarting")


async def test_a_fallback_names_its_own_section(server: Counterpart) -> None:
    llm = Remote(server.url, "small", setting="llm.fallback[1]")
    server.replies = [refused(401, "bad key")]

    with pytest.raises(LLMRefused, match=r"mend llm\.fallback\[1\]\.key"):
        await said(llm)
    await llm.close()


@pytest.mark.parametrize(("status", "away"), [(429, True), (502, True), (503, True), (529, True), (500, False)])
async def test_only_what_says_nothing_of_the_request_may_be_waited_out_for_ever(
    server: Counterpart, llm: Remote, status: int, *, away: bool
) -> None:
    server.replies = [refused(status, "no")] * 4

    with pytest.raises(LLMUnavailable) as caught:
        await said(llm)
    assert isinstance(caught.value, LLMAway) is away


async def test_a_server_that_drops_the_connection_over_a_request_may_have_stumbled_over_it() -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(drop, "127.0.0.1", 0) as dropping:
        llm = Remote(f"http://127.0.0.1:{dropping.sockets[0].getsockname()[1]}/v1", "small", backoff=0.001)
        with pytest.raises(LLMUnavailable, match="broke off before it answered") as caught:
            await said(llm)
        assert not isinstance(caught.value, LLMAway)
        await llm.close()


async def test_a_server_that_wants_things_said_differently_is_obliged_once_and_for_all(
    server: Counterpart, llm: Remote
) -> None:
    server.replies = [
        refused(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        refused(400, "Unsupported value: 'temperature' does not support 0 with this model."),
        refused(422, "stream_options: extra fields not permitted"),
        streamed("Hi"),
        whole('{"n": 3}'),
    ]

    assert (await said(llm))[0] == "Hi"
    assert (await llm.fill(HELLO, NUMBER, ASK)).json == '{"n":3}'
    for asked in server.asked[3:]:
        assert "max_completion_tokens" in asked
        assert not asked.keys() & {"max_tokens", "temperature", "stream_options"}


async def test_a_refusal_that_goes_on_is_not_tried_for_ever(server: Counterpart, llm: Remote) -> None:
    server.replies = [refused(400, "temperature, max_completion_tokens, stream_options")] * 9

    with pytest.raises(LLMRefused):
        await said(llm)
    assert len(server.asked) == 2


async def test_requests_refused_at_the_same_time_are_both_said_again() -> None:
    def picky(asked: dict[str, object]) -> Reply:
        return refused(400, "use max_completion_tokens") if "max_tokens" in asked else streamed("Hi")

    async with Counterpart(picky) as server:
        llm = Remote(server.url, "small")
        assert [text for text, _ in await asyncio.gather(said(llm), said(llm))] == ["Hi", "Hi"]
        await llm.close()
