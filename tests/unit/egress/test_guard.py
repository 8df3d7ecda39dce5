"""What the guard sends, to which address, and when it stops reading."""

import asyncio
import gzip
import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.egress.guard import GuardedEgress
from hub.errors import EgressError
from tests.unit.egress.outside import OTHER, PUBLIC, Outside, answer


async def test_the_checked_address_is_dialled_for_the_name(world: Outside) -> None:
    world.says("example.org/a", b"Hi")

    await world.egress().fetch("https://EXAMPLE.org/a#part")

    assert (world.looked_up, world.dialled, world.certified) == (["example.org"], [(PUBLIC, 443)], ["example.org"])
    assert world.asked[0].startswith(b"GET /a HTTP/1.1\r\nhost: example.org\r\n")


async def test_one_private_address_among_several_refuses_the_host(world: Outside) -> None:
    world.names["example.org"] = (PUBLIC, "10.0.0.1", OTHER)

    with pytest.raises(EgressError, match=r"isn't public; the operator can allow it under \[egress\]"):
        await world.egress().fetch("https://example.org/")
    assert world.dialled == []


async def test_a_name_is_looked_up_once_even_when_it_leads_to_itself(world: Outside) -> None:
    world.names["example.org"] = [(PUBLIC,), ("127.0.0.1",), ("127.0.0.1",)]
    world.says("example.org/a", status=302, location="/b")
    world.says("example.org/b", b"Hi")

    assert (await world.egress().fetch("https://example.org/a")).body == b"Hi"
    assert (world.looked_up, world.dialled) == (["example.org"], [(PUBLIC, 443)] * 2)


async def test_a_name_that_is_private_by_the_next_request_is_refused_then(world: Outside) -> None:
    world.names["example.org"] = [(PUBLIC,), ("127.0.0.1",)]
    world.says("example.org/", b"Hi")
    egress = world.egress()

    await egress.fetch("https://example.org/")
    with pytest.raises(EgressError, match="isn't public"):
        await egress.fetch("https://example.org/")
    assert world.dialled == [(PUBLIC, 443)]


async def test_secrets_do_not_go_along_to_another_origin(world: Outside) -> None:
    world.says("example.org/a", status=302, location="https://other.example.net/c")
    world.says("other.example.net/c", b"Hi")
    headers = {"Authorization": "Bearer s3cret", "Cookie": "s3cret", "X-Api-Key": "s3cret", "Accept": "text/html"}

    await world.egress().fetch("https://example.org/a", headers=headers)

    assert world.asked[0].count(b"s3cret") == 3
    assert b"s3cret" not in world.asked[1]
    assert b"accept: text/html" in world.asked[1]


async def test_secrets_go_along_within_an_origin(world: Outside) -> None:
    world.says("example.org/a", status=302, location="https://example.org:443/b")
    world.says("example.org/b", b"Hi")

    await world.egress().fetch("https://example.org/a", headers={"Authorization": "Bearer s3cret"})

    assert b"authorization: Bearer s3cret" in world.asked[1]


@pytest.mark.parametrize(
    ("status", "method"), [(301, b"GET"), (302, b"GET"), (303, b"GET"), (307, b"POST"), (308, b"POST")]
)
async def test_a_redirected_post_is_repeated_only_where_it_is_told(world: Outside, status: int, method: bytes) -> None:
    world.says("example.org/a", status=status, location="/b")
    world.says("example.org/b", b"Hi")

    await world.egress().fetch("https://example.org/a", method="POST", body=b"all", headers={"Content-Type": "text/x"})

    assert world.asked[1].split(b" ")[0] == method
    assert world.asked[1].endswith(b"all") is (b"content-type" in world.asked[1]) is (method == b"POST")


async def test_what_was_sent_does_not_go_on_to_another_origin(world: Outside) -> None:
    world.says("example.org/a", status=307, location="https://other.example.net/c")

    with pytest.raises(EgressError, match=r"would have what was sent go on to https://other.example.net/c"):
        await world.egress().fetch("https://example.org/a", method="POST", body=b"all")
    assert len(world.dialled) == 1


async def test_https_does_not_lead_on_to_http(world: Outside) -> None:
    world.says("example.org/a", status=302, location="http://example.org:8080/b")

    with pytest.raises(EgressError, match="isn't https"):
        await world.egress().fetch("https://example.org/a", hosts=["example.org", "example.org:8080"])
    assert len(world.dialled) == 1


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "proxy-authorization", "Connection"])
async def test_headers_that_say_how_it_is_sent_are_not_taken(world: Outside, name: str) -> None:
    with pytest.raises(EgressError, match="can't be set"):
        await world.egress().fetch("https://example.org/", headers={name: "x"})
    assert world.dialled == []


@pytest.mark.parametrize("headers", [{"x": "a\r\nHost: evil"}, {"x y": "a"}, {"x": "\u0141"}, {"x\n": "a"}])
async def test_headers_that_would_be_two_are_not_sent(world: Outside, headers: dict[str, str]) -> None:
    with pytest.raises(EgressError):
        await world.egress().fetch("https://example.org/", headers=headers)
    assert world.asked == []


async def test_a_method_that_opens_a_tunnel_is_refused(world: Outside) -> None:
    for method in ("CONNECT", "TRACE", "get", "GET /x HTTP/1.1\r\n"):
        with pytest.raises(EgressError, match="no method"):
            await world.egress().fetch("https://example.org/", method=method)


async def test_what_is_packed_is_unpacked(world: Outside) -> None:
    world.says("example.org/", gzip.compress(b"Hi" * 1000), Content_Encoding="gzip")

    assert (await world.egress().fetch("https://example.org/")).body == b"Hi" * 1000


async def test_a_bomb_is_refused_at_the_limit(world: Outside) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    world.says("example.org/", bomb, Content_Encoding="gzip")

    with pytest.raises(EgressError, match="more than 100,000 bytes"):
        await world.egress().fetch("https://example.org/", limit=100_000)


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "deflate, gzip", "compress"])
async def test_packings_that_were_not_asked_for_are_refused(world: Outside, encoding: str) -> None:
    world.says("example.org/", gzip.compress(gzip.compress(b"Hi")), Content_Encoding=encoding)

    with pytest.raises(EgressError, match="wasn't asked for"):
        await world.egress().fetch("https://example.org/")


async def test_what_breaks_off_is_no_answer(world: Outside) -> None:
    world.answers["example.org/plain"] = b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nHi"
    world.says("example.org/packed", gzip.compress(os.urandom(100))[:50], Content_Encoding="gzip")
    world.answers["example.org/junk"] = b"SSH-2.0-OpenSSH_9.2\r\n"
    world.answers["example.org/nothing"] = b""

    for name in ("plain", "packed", "junk", "nothing"):
        with pytest.raises(EgressError, match=f"https://example.org/{name}"):
            await world.egress().fetch(f"https://example.org/{name}")


async def test_an_answer_without_a_length_is_refused_at_the_limit(world: Outside) -> None:
    world.answers["example.org/"] = b"HTTP/1.1 200 X\r\n\r\n" + bytes(200_000)

    with pytest.raises(EgressError, match="more than 100,000 bytes"):
        await world.egress().fetch("https://example.org/", limit=100_000)


async def test_the_whole_of_it_has_to_come_in_time(world: Outside) -> None:
    async def for_ever(host: str, port: int) -> tuple[str, ...]:
        await asyncio.Event().wait()
        return ()

    world.answers["example.org/"] = b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nHi"
    with pytest.raises(EgressError, match=r"no whole answer within 0.05 seconds"):
        await GuardedEgress(resolve=for_ever).fetch("https://example.org/", seconds=0.05)


async def test_no_proxy_of_the_environment_is_used(world: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    world.says("example.org/", b"Hi")

    await world.egress().fetch("https://example.org/")

    assert world.dialled == [(PUBLIC, 443)]


async def test_the_next_address_is_dialled_when_the_first_does_not_answer(world: Outside) -> None:
    """All of them are checked before any is dialled."""
    world.names["example.org"] = (PUBLIC, OTHER)
    world.says("example.org/", b"Hi")
    port, world.port = world.port, 1

    with pytest.raises(EgressError, match="gave no answer"):
        await world.egress().fetch("https://example.org/")
    assert world.dialled == [(PUBLIC, 443), (OTHER, 443)]
    world.port = port
    assert (await world.egress().fetch("https://example.org/")).body == b"Hi"


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("192.168.1.5:8123", "http://192.168.1.5:8123/"),
        ("192.168.1.5:443", "https://192.168.1.5/"),
        ("192.168.1.0/24", "https://192.168.1.5/"),
        ("192.168.1.5:443", "https://nas.example.org/"),
        ("nas.example.org:8123", "http://nas.example.org:8123/"),
        ("nas:80", "http://nas/"),
        ("[fd12::5]:8123", "http://[fd12::5]:8123/"),
    ],
)
async def test_what_the_operator_allows_is_asked(world: Outside, allow: str, url: str) -> None:
    world.names |= {"nas.example.org": ("192.168.1.5",), "nas": ("192.168.1.5",)}
    world.says(url.partition("://")[2], b"Hi")

    assert (await world.egress([allow]).fetch(url)).body == b"Hi"


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("192.168.1.5:8123", "https://192.168.1.5/"),
        ("192.168.1.5:8123", "http://192.168.1.6:8123/"),
        ("192.168.1.5:8123", "https://nas.example.org/"),
        ("192.168.1.0/24", "https://192.168.2.5/"),
        ("192.168.1.0/24", "https://192.168.1.5:8123/"),
        ("169.254.0.0/16", "http://169.254.169.254/"),
        ("169.254.0.0/16", "https://169.254.169.254/"),
        ("nas.example.org:443", "https://sub.nas.example.org/"),
    ],
)
async def test_and_nothing_beside_it(world: Outside, allow: str, url: str) -> None:
    world.names |= {"nas.example.org": ("192.168.1.5",), "sub.nas.example.org": ("192.168.1.5",)}

    with pytest.raises(EgressError):
        await world.egress([allow]).fetch(url)
    assert world.dialled == []


# --- with real certificates


@pytest.fixture
async def certified(tmp_path: Path) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """A TLS server on loopback that has a certificate for example.org, and who trusts it."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    names = ["-subj", "/CN=example.org", "-addext", "subjectAltName=DNS:example.org"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"Hi"))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1], ssl.create_default_context(cafile=cert)


async def test_the_certificate_has_to_be_the_names_though_an_address_is_dialled(
    certified: tuple[int, ssl.SSLContext],
) -> None:
    port, trust = certified

    async def resolve(host: str, _: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    egress = GuardedEgress([f"example.org:{port}", f"example.net:{port}"], resolve=resolve, trust=trust)

    assert (await egress.fetch(f"https://example.org:{port}/")).body == b"Hi"
    with pytest.raises(EgressError, match=r"[Hh]ostname mismatch"):
        await egress.fetch(f"https://example.net:{port}/")
    with pytest.raises(EgressError, match="certificate"):
        await GuardedEgress([f"example.org:{port}"], resolve=resolve).fetch(f"https://example.org:{port}/")
