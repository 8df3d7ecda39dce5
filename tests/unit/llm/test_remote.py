"""A remote server's faults become ours: tried again, told apart, never with the key."""

import asyncio
import base64
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from hub.errors import ContextOverflow, LLMAway, LLMError, LLMRefused, LLMTimeout, LLMUnavailable
from hub.llm.remote import Remote
from hub.llm.server import _trust
from hub.ports import End, Piece, Said, Terms
from hub.records import TenantId
from tests.unit.llm.counterpart import Counterpart, Reply, refused, streamed, until, whole

ASK = Terms(tenant=TenantId("home"), deadline=20.0)
HELLO = [Said("user", "Hello")]
KEY = "sk-very-secret"
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.fixture
async def server() -> AsyncIterator[Counterpart]:
    async with Counterpart() as server:
        yield server


@pytest.fixture
async def llm(server: Counterpart) -> AsyncIterator[Remote]:
    llm = Remote(server.url, "small", key=KEY, backoff=0.001)
    yield llm
    await llm.close()


async def said(llm: Remote, ask: Terms = ASK) -> tuple[str, End]:
    text = ""
    async for piece in llm.chat(HELLO, ask, limit=20):
        if isinstance(piece, End):
            return text, piece
        text += piece.text
    raise AssertionError("no End")


async def test_an_answer_is_streamed_and_counted(server: Counterpart, llm: Remote) -> None:
    server.replies = [streamed("Good ", "day", reason="length")]

    text, end = await said(llm)

    assert text == "Good day"
    assert (end.reason, end.tokens_in, end.tokens_out) == ("length", 7, 2)
    assert server.asked[0]["model"] == "small"
    assert server.keys == [f"bearer {KEY}"]


async def test_events_may_come_cut_anywhere_with_comments_between(server: Counterpart, llm: Remote) -> None:
    event = '{"choices":[{"delta":{"content":"Grüße"},"finish_reason":"stop"}]}'
    data = f": hi\r\n\r\ndata: {event}\r\n\r\ndata: [DONE]\r\n\r\n"
    server.replies = [Reply(*(bytes([byte]) for byte in data.encode()))]

    assert (await said(llm))[0] == "Grüße"


async def test_one_connection_serves_for_one_answer_after_another(server: Counterpart, llm: Remote) -> None:
    server.replies = [streamed("One"), streamed("Two"), whole('{"n": 3}'), streamed("Four")]

    assert [(await said(llm))[0] for _ in range(2)] == ["One", "Two"]
    await llm.fill(HELLO, NUMBER, ASK)
    assert (await said(llm))[0] == "Four"
    assert server.connections == 1


async def test_an_answer_whose_end_does_not_come_is_whole_with_its_last_event(server: Counterpart, llm: Remote) -> None:
    endless = streamed("Hi")
    server.replies = [Reply(*endless.pieces, hangs=True), streamed("Again")]

    assert (await said(llm))[0] == "Hi"
    assert (await said(llm))[0] == "Again"
    assert server.connections == 2


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_what_may_pass_is_tried_again(server: Counterpart, llm: Remote, status: int) -> None:
    server.replies = [refused(status, "busy"), Reply(b"<html>", status=502), streamed("Hi")]

    assert (await said(llm))[0] == "Hi"
    assert len(server.asked) == 3


async def test_one_that_is_always_busy_is_unavailable(server: Counterpart, llm: Remote) -> None:
    server.replies = [refused(503, "busy")] * 10

    with pytest.raises(LLMUnavailable, match="503: busy"):
        await said(llm)
    assert len(server.asked) == 4


async def test_a_wait_beyond_the_deadline_is_not_waited_for(server: Counterpart, llm: Remote) -> None:
    server.replies = [refused(429, "slow down", Retry_After="3600")]

    with pytest.raises(LLMUnavailable, match="slow down"):
        await said(llm)
    assert len(server.asked) == 1


async def test_one_that_is_not_there_is_unavailable() -> None:
    llm = Remote("http://127.0.0.1:9/v1", "small", key=KEY, backoff=0.001)

    with pytest.raises(LLMUnavailable, match=r"127\.0\.0\.1:9"):
        await said(llm)
    await llm.close()


async def test_an_answer_that_breaks_off_is_not_asked_for_twice(server: Counterpart, llm: Remote) -> None:
    server.replies = [streamed("Once ", "upon", breaks=True)]

    with pytest.raises(LLMUnavailable, match="in the middle"):
        await said(llm)
    assert len(server.asked) == 1


async def test_closing_an_answer_closes_its_connection(server: Counterpart, llm: Remote) -> None:
    server.replies = [streamed("Once ", hangs=True)]
    async with aclosing(llm.chat(HELLO, ASK, limit=20)) as answer:
        assert await anext(answer) == Piece("Once ")

    async with asyncio.timeout(5):
        await server.left.wait()


async def test_one_that_falls_silent_is_left_at_the_deadline(server: Counterpart, llm: Remote) -> None:
    server.replies = [streamed("Once ", hangs=True)]

    with pytest.raises(LLMTimeout):
        await said(llm, Terms(tenant=TenantId("home"), deadline=0.1))


@pytest.mark.parametrize("status", [401, 403, 404, 400])
async def test_a_no_for_good_is_told_at_once_and_without_the_key(server: Counterpart, llm: Remote, status: int) -> None:
    server.replies = [refused(status, "no such thing")]

    with pytest.raises(LLMRefused, match="no such thing") as caught:
        await said(llm)
    assert KEY not in str(caught.value)
    assert len(server.asked) == 1


async def test_each_servers_words_for_too_long_are_understood(server: Counterpart, llm: Remote) -> None:
    server.replies = [
        refused(400, "This model's maximum context length is 5"),
        refused(400, "too long", code="context_length_exceeded"),
        Reply(b'{"error":{"code":400,"type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":5}}', status=400),
    ]
    for _ in range(3):
        with pytest.raises(ContextOverflow):
            await said(llm)


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"choices": 3}', b"\xff\xfe", b"{" * 100_000])
async def test_an_answer_that_cannot_be_understood_is_an_error(server: Counterpart, llm: Remote, body: bytes) -> None:
    server.replies = [Reply(body)]

    with pytest.raises(LLMError):
        await llm.fill(HELLO, NUMBER, ASK)


async def test_a_server_without_log_probabilities_chooses(server: Counterpart, llm: Remote) -> None:
    server.replies = [whole("B"), whole('{"answer": "B"}'), whole('{"answer": "A"}')]

    first = await llm.decide(HELLO, ["yes", "no"], ASK)
    second = await llm.decide(HELLO, ["yes", "no"], ASK)

    assert first.probabilities[1] > 0.7
    assert second.probabilities[0] > 0.7
    assert [bool(asked.get("logprobs")) for asked in server.asked] == [True, False, False]


async def test_a_choice_that_is_none_is_asked_for_once_more(server: Counterpart, llm: Remote) -> None:
    server.replies = [refused(400, "logprobs aren't supported"), whole("Well..."), whole("B")]

    assert (await llm.decide(HELLO, ["yes", "no"], ASK)).probabilities[1] > 0.7


async def test_a_model_that_thinks_first_gets_room_to_choose(server: Counterpart, llm: Remote) -> None:
    server.replies = [refused(400, "logprobs aren't supported"), whole("", finish_reason="length"), whole("B")]

    assert (await llm.decide(HELLO, ["yes", "no"], ASK)).probabilities[1] > 0.7
    assert [asked["max_tokens"] for asked in server.asked] == [1, 20, 1024]
    assert server.asked[1]["messages"] == server.asked[2]["messages"]


async def test_json_that_does_not_fit_is_sent_back_once(server: Counterpart, llm: Remote) -> None:
    server.replies = [whole('{"n": "three"}'), whole('```json\n{"n": 3}\n```')]

    assert (await llm.fill(HELLO, NUMBER, ASK)).json == '{"n":3}'
    assert "'three' is not of type 'integer'" in server.asked[1]["messages"][-1]["content"]


async def test_json_that_never_fits_is_an_error(server: Counterpart, llm: Remote) -> None:
    server.replies = [whole("sorry")] * 5

    with pytest.raises(LLMError, match="no JSON"):
        await llm.fill(HELLO, NUMBER, ASK)
    assert len(server.asked) == 2


async def test_a_server_that_cannot_bind_answers_is_asked_in_words(server: Counterpart, llm: Remote) -> None:
    server.replies = [refused(400, "response_format?"), whole('{"n": 3}'), whole('{"n": 4}')]

    assert (await llm.fill(HELLO, NUMBER, ASK)).json == '{"n":3}'
    assert (await llm.fill(HELLO, NUMBER, ASK)).json == '{"n":4}'
    assert ["response_format" in asked for asked in server.asked] == [True, False, False]


async def test_a_server_that_refuses_the_key_is_broken_and_says_which_setting(server: Counterpart, llm: Remote) -> None:
    server.models = refused(401, "wrong key")
    await llm.open()
    await until(lambda: llm.info.state != "loading")

    assert llm.info.state == "broken"
    assert "llm.key" in llm.info.detail
    assert KEY not in llm.info.detail


async def test_a_server_that_comes_later_is_found(server: Counterpart, llm: Remote) -> None:
    server.models = Reply(status=503)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.llm.watch.LOOK", 0.001)
        await llm.open()
        await until(lambda: llm.info.state == "restarting")
        server.models = Reply(status=404)
        async with asyncio.timeout(5):
            await llm.ready()

    assert llm.info.state == "ready"


async def test_a_line_separator_in_an_answer_ends_no_line(server: Counterpart, llm: Remote) -> None:
    server.replies = [streamed("One\u2028two\x85three")]

    assert (await said(llm))[0] == "One\u2028two\x85three"


async def test_a_proxy_that_the_environment_names_is_asked_for_what_it_is_named_for(
    server: Counterpart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1").removeprefix("http://"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,nowhere.example")
    server.replies = [streamed("Through the proxy"), streamed("And past it")]
    for url, words in (("http://models.example/v1", "Through the proxy"), (server.url, "And past it")):
        llm = Remote(url, "small", key=KEY, backoff=0.001)
        assert (await said(llm))[0] == words
        await llm.close()
    assert server.targets == ["http://models.example/v1/chat/completions", "/v1/chat/completions"]

    beyond = Remote("http://nowhere.example/v1", "small", backoff=0.001)
    with pytest.raises(LLMAway, match=r"nowhere\.example/v1 can't be reached"):
        await said(beyond)
    await beyond.close()


async def test_credentials_in_the_address_go_before_a_key(server: Counterpart) -> None:
    llm = Remote(server.url.replace("://", "://hub:sesame@"), "small", key=KEY, backoff=0.001)
    await said(llm)
    await llm.close()

    assert server.keys == [f"basic {base64.b64encode(b'hub:sesame').decode()}".lower()]


@pytest.fixture
def forgotten() -> Iterator[None]:
    yield
    _trust.cache_clear()


@pytest.mark.usefixtures("forgotten")
async def test_a_server_is_known_by_its_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trusted, other = a_certificate(tmp_path / "trusted"), a_certificate(tmp_path / "other")
    for shown, knows in ((trusted, True), (other, False)):
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted / "cert.pem"))
        _trust.cache_clear()  # as in a process of its own
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(shown / "cert.pem", shown / "key.pem")
        async with Counterpart(tls=context) as server:
            llm = Remote(server.url, "small", key=KEY, backoff=0.001)
            if knows:
                assert (await said(llm))[0]
            else:
                with pytest.raises(LLMAway, match="CERTIFICATE_VERIFY_FAILED"):
                    await said(llm)
                assert server.keys == []
            await llm.close()


def a_certificate(folder: Path) -> Path:
    folder.mkdir()
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", "-days", "2", *made, *names], check=True, capture_output=True)
    return folder
