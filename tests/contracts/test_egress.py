"""Every sentence that ports.Egress promises which doesn't need a network, over the guard and the fake."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from hub.errors import EgressError, EgressRefused
from hub.ports import Egress, Fetched, Vetting
from hub.testing import FakeEgress
from tests.unit.egress.outside import outside


@dataclass
class World:
    """An egress, and how to have an address answer."""

    egress: Egress
    says: Callable[[str, Fetched], None]


@pytest.fixture(params=["guard", "fake"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        fake = FakeEgress()
        yield World(fake, fake.answers.__setitem__)
        return
    async with outside() as real:

        def says(url: str, fetched: Fetched) -> None:
            headers = {name.replace("-", "_"): value for name, value in fetched.headers.items()}
            real.says(url.partition("://")[2], fetched.body, fetched.status, **headers)

        yield World(real.egress(), says)


def told(body: bytes = b"", status: int = 200, **headers: str) -> Fetched:
    return Fetched(url="", status=status, headers=headers, body=body)


@pytest.mark.parametrize("status", [200, 204, 404, 500])
async def test_an_answer_is_returned_whatever_its_status(world: World, status: int) -> None:
    world.says("https://example.org/a?b=c", told(b"" if status == 204 else b"Hi", status, etag="x"))

    fetched = await world.egress.fetch("https://example.org/a?b=c")

    assert (fetched.status, fetched.body) == (status, b"" if status == 204 else b"Hi")
    assert (fetched.url, fetched.headers["etag"]) == ("https://example.org/a?b=c", "x")


async def test_the_url_is_where_it_came_from_after_redirects(world: World) -> None:
    world.says("https://example.org/a", told(status=302, location="/b"))
    world.says("https://example.org/b", told(status=301, location="https://other.example.net/c"))
    world.says("https://other.example.net/c", told(b"Hi"))

    fetched = await world.egress.fetch("https://example.org/a")

    assert (fetched.url, fetched.body) == ("https://other.example.net/c", b"Hi")


async def test_more_redirects_than_allowed_are_refused(world: World) -> None:
    for number in range(5):
        world.says(f"https://example.org/{number}", told(status=302, location=f"/{number + 1}"))

    with pytest.raises(EgressError, match="more than 3 redirects"):
        await world.egress.fetch("https://example.org/0")
    with pytest.raises(EgressError, match="more than 0 redirects"):
        await world.egress.fetch("https://example.org/0", redirects=0)


async def test_a_redirect_to_a_host_that_is_not_allowed_is_refused(world: World) -> None:
    world.says("https://example.org/a", told(status=302, location="https://other.example.net/c"))
    world.says("https://other.example.net/c", told(b"Hi"))

    with pytest.raises(EgressRefused, match=r"other.example.net/c: only example.org may be asked"):
        await world.egress.fetch("https://example.org/a", hosts=["example.org"])


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://api.example.org/", ["example.org"]),
        ("https://example.org/", ["api.example.org", "example.org:8443"]),
        ("https://example.org:8443/", ["example.org"]),
        ("https://example.org:8443/", []),
        ("http://example.org/", ["example.org"]),
        ("http://example.org/", []),
        ("ftp://example.org/", []),
        ("file:///etc/passwd", []),
    ],
)
async def test_only_the_hosts_that_are_named_are_asked(world: World, url: str, hosts: list[str]) -> None:
    with pytest.raises(EgressError):
        await world.egress.fetch(url, hosts=hosts)


@pytest.mark.parametrize("url", ["https://example.org:8443/", "http://example.org:8443/"])
async def test_a_host_that_is_named_with_its_port_is_asked_there(world: World, url: str) -> None:
    world.says(url, told(b"Hi"))

    assert (await world.egress.fetch(url, hosts=["example.org:8443"])).body == b"Hi"


async def test_more_bytes_than_allowed_are_refused(world: World) -> None:
    world.says("https://example.org/", told(b"12345"))

    assert (await world.egress.fetch("https://example.org/", limit=5)).body == b"12345"
    with pytest.raises(EgressError, match=r"https://example.org/: has more than 4 bytes"):
        await world.egress.fetch("https://example.org/", limit=4)


async def test_of_more_bytes_than_allowed_the_first_are_returned_where_they_will_do(world: World) -> None:
    world.says("https://example.org/", told(b"12345"))

    assert (await world.egress.fetch("https://example.org/", limit=4, cut=True)).body == b"1234"
    assert (await world.egress.fetch("https://example.org/", limit=5, cut=True)).body == b"12345"


async def test_what_may_not_be_asked_is_said_beforehand(world: World) -> None:
    assert isinstance(world.egress, Vetting)
    await world.egress.vet("https://example.org/")
    await world.egress.vet("https://example.org:8443/", hosts=["example.org:8443"])
    for url, hosts in (("http://example.org/", []), ("https://api.example.org/", ["example.org"])):
        with pytest.raises(EgressRefused):
            await world.egress.vet(url, hosts=hosts)


async def test_an_error_names_the_url(world: World) -> None:
    with pytest.raises(EgressError, match=r"https://nobody.example.org/x"):
        await world.egress.fetch("https://nobody.example.org/x")
