"""URLs that would have the hub ask what only the hub can reach: none of them leads to a connection.

Counted are the guard's own dials, and what a socket on this machine really gets.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from hub.egress.guard import GuardedEgress
from hub.errors import EgressError
from tests.unit.egress.outside import PUBLIC, Outside

LITERALS = {
    "loopback": "https://127.0.0.1/",
    "loopback with a port": "https://127.0.0.1:8080/",
    "loopback over http": "http://127.0.0.1/",
    "all of loopback": "https://127.8.9.1/",
    "this host": "https://0.0.0.0/",
    "this network": "https://0.1.2.3/",
    "private 10": "https://10.0.0.1/",
    "private 172.16": "https://172.16.0.1/",
    "private 172.31": "https://172.31.255.255/",
    "private 192.168": "https://192.168.1.1/",
    "carrier-grade NAT": "https://100.64.0.1/",
    "link-local": "https://169.254.1.1/",
    "metadata of most clouds": "https://169.254.169.254/latest/meta-data/",
    "metadata over http": "http://169.254.169.254/latest/meta-data/",
    "metadata of containers": "https://169.254.170.2/v2/credentials",
    "metadata in CGNAT": "https://100.100.100.200/latest/meta-data/",
    "metadata that looks public": "https://168.63.129.16/metadata",
    "metadata in 192.0.0": "https://192.0.0.192/opc/v1/",
    "protocol assignments": "https://192.0.0.8/",
    "documentation 1": "https://192.0.2.1/",
    "documentation 2": "https://198.51.100.1/",
    "documentation 3": "https://203.0.113.1/",
    "benchmarks": "https://198.18.0.1/",
    "6to4 relay": "https://192.88.99.1/",
    "multicast": "https://224.0.0.1/",
    "multicast local": "https://239.255.255.250/",
    "reserved": "https://240.0.0.1/",
    "broadcast": "https://255.255.255.255/",
    "IPv6 loopback": "https://[::1]/",
    "IPv6 loopback in full": "https://[0:0:0:0:0:0:0:1]/",
    "IPv6 unspecified": "https://[::]/",
    "IPv4-mapped loopback": "https://[::ffff:127.0.0.1]/",
    "IPv4-mapped loopback in hex": "https://[::ffff:7f00:1]/",
    "IPv4-mapped public": "https://[::ffff:93.184.215.14]/",
    "IPv4-compatible": "https://[::127.0.0.1]/",
    "IPv4-translated": "https://[::ffff:0:127.0.0.1]/",
    "IPv6 link-local": "https://[fe80::1]/",
    "IPv6 link-local with a zone": "https://[fe80::1%eth0]/",
    "IPv6 link-local with a zone, encoded": "https://[fe80::1%25eth0]/",
    "IPv6 site-local": "https://[fec0::1]/",
    "IPv6 ULA": "https://[fd00::1]/",
    "IPv6 ULA fc": "https://[fc00::1]/",
    "IPv6 metadata": "https://[fd00:ec2::254]/",
    "IPv6 multicast": "https://[ff02::1]/",
    "IPv6 documentation": "https://[2001:db8::1]/",
    "IPv6 documentation, new": "https://[3fff::1]/",
    "IPv6 discard": "https://[100::1]/",
    "6to4 of loopback": "https://[2002:7f00:1::]/",
    "6to4 of private": "https://[2002:c0a8:101::1]/",
    "Teredo": "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "NAT64 of loopback": "https://[64:ff9b::127.0.0.1]/",
    "NAT64 of private": "https://[64:ff9b::10.0.0.1]/",
    "NAT64 of metadata": "https://[64:ff9b::a9fe:a9fe]/",
    "NAT64 local": "https://[64:ff9b:1::1]/",
    "ISATAP of private": "https://[2a00:1450::5efe:10.0.0.1]/",
    "segment routing": "https://[5f00::1]/",
}
SPELLINGS = {
    "decimal": "https://2130706433/",
    "decimal of metadata": "https://2852039166/",
    "octal": "https://0177.0.0.1/",
    "octal whole": "https://017700000001/",
    "octal parts": "https://0251.0376.0251.0376/",
    "hex": "https://0x7f.0.0.1/",
    "hex whole": "https://0x7f000001/",
    "hex last": "https://127.0.0.0x1/",
    "hex nothing": "https://127.0.0.0x/",
    "short": "https://127.1/",
    "short three": "https://127.0.1/",
    "zero": "https://0/",
    "leading zeros": "https://127.0.0.01/",
    "too many parts": "https://127.0.0.1.1/",
    "too large": "https://256.0.0.1/",
    "trailing dot": "https://127.0.0.1./",
    "trailing dot name": "https://localhost./",
    "full-width digits": "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "circled digits": "https://①②⑦.⓪.⓪.①/",
    "ideographic dots": "https://127。0。0。1/",
    "soft hyphen": "https://127.0.0.1\u00ad/",
    "percent-encoded": "https://%31%32%37.0.0.1/",
    "percent-encoded dot": "https://127%2e0.0.1/",
    "percent-encoded name": "https://local%68ost/",
    "user": "https://example.org@127.0.0.1/",
    "user and password": "https://example.org:443@127.0.0.1/",
    "user, encoded": "https://example.org%40127.0.0.1/",
    "two users": "https://a@example.org@127.0.0.1/",
    "backslash": "https://example.org\\@127.0.0.1/",
    "backslashes": "https:\\\\127.0.0.1\\",
    "backslash path": "https://127.0.0.1\\example.org/",
    "tab": "https://127.0.\t0.1/",
    "newline": "https://127.0.0.1\n.example.org/",
    "carriage return": "https://127.0.0.1/\r\nHost: example.org",
    "NUL": "https://127.0.0.1\x00.example.org/",
    "leading space": " https://127.0.0.1/",
    "leading control": "\x01https://127.0.0.1/",
    "zero-width space": "https://local\u200bhost/",
    "no slashes": "https:127.0.0.1/",
    "one slash": "https:/127.0.0.1/",
    "three slashes": "https:///127.0.0.1/",
    "no scheme": "//127.0.0.1/",
    "bare": "127.0.0.1",
    "empty": "",
    "empty host": "https:///",
    "empty port": "https://127.0.0.1:/",
    "odd port": "https://example.org:443x@127.0.0.1/",
    "port with zeros": "https://127.0.0.1:00443/",
    "port too large": "https://127.0.0.1:65979/",
    "negative port": "https://127.0.0.1:-1/",
    "two ports": "https://127.0.0.1:80:443/",
    "open bracket": "https://[::1/",
    "IPv4 in brackets": "https://[127.0.0.1]/",
    "name in brackets": "https://[localhost]/",
    "bracket behind": "https://[::1]example.org/",
    "fragment trick": "https://127.0.0.1#@example.org/",
    "query trick": "https://127.0.0.1?@example.org/",
    "semicolon": "https://127.0.0.1;example.org/",
    "comma": "https://127.0.0.1,example.org/",
    "wildcard": "https://*.0.0.1/",
    "empty labels": "https://127..0.0.1/",
    "leading dot": "https://.127.0.0.1/",
    "broken punycode": "https://xn--a\u0301/",
    "long": "https://127.0.0.1/" + "a" * 5000,
    "file": "file:///etc/passwd",
    "file with host": "file://127.0.0.1/etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_INFO",
    "dict": "dict://127.0.0.1:11211/stats",
    "ftp": "ftp://127.0.0.1/",
    "ldap": "ldap://127.0.0.1/",
    "data": "data:text/html,hi",
    "javascript": "javascript:alert(1)",
    "jar": "jar:https://127.0.0.1!/",
    "view-source": "view-source:https://127.0.0.1/",
    "ws": "ws://127.0.0.1/",
    "unix socket": "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "url: prefix": "url:https://127.0.0.1/",
}
NAMES = {
    "localhost": ("localhost", "127.0.0.1"),
    "localhost in IPv6": ("localhost", "::1"),
    "below localhost": ("a.localhost", "127.0.0.1"),
    "a name of one part": ("intranet", PUBLIC),
    "a public name for loopback": ("localtest.example.org", "127.0.0.1"),
    "an address in a name": ("127-0-0-1.example.org", "127.0.0.1"),
    "a name for the router": ("router.example.org", "192.168.0.1"),
    "a name for metadata": ("metadata.google.internal", "169.254.169.254"),
    "a name for Azure's": ("wire.example.org", "168.63.129.16"),
    "a name for an IPv6 zone": ("zone.example.org", "fe80::1%2"),
    "a name for ULA": ("ula.example.org", "fd12::1"),
    "a name for IPv4-mapped": ("mapped.example.org", "::ffff:10.0.0.1"),
    "a name for 6to4": ("sixtofour.example.org", "2002:a00:1::1"),
    "a name for NAT64": ("nat.example.org", "64:ff9b::10.0.0.1"),
    "a name for nothing": ("junk.example.org", "not an address"),
    "upper case": ("LOCALHOST", "127.0.0.1"),
}
ROUNDABOUT = {
    "to loopback": "https://127.0.0.1/",
    "to loopback without a scheme": "//127.0.0.1/",
    "to metadata over http": "http://169.254.169.254/latest/meta-data/",
    "to a private name": "https://router.example.org/",
    "to decimal": "https://2130706433/",
    "to IPv6": "https://[::1]/",
    "to a user": "https://example.org@127.0.0.1/",
    "with a backslash": "\\\\127.0.0.1\\",
    "with a tab": "https://127.0.0.1\t/",
    "to a file": "file:///etc/passwd",
    "to gopher": "gopher://127.0.0.1:6379/_INFO",
    "to another port": "https://example.org:6379/",
    "to a broken bracket": "https://[::1/",
}


@dataclass
class Inside:
    """A server on this machine that nobody should reach."""

    connections: list[object] = field(default_factory=list)
    port: int = 0


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    within = Inside()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        within.connections.append(writer.get_extra_info("peername"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        within.port = server.sockets[0].getsockname()[1]
        yield within
        await asyncio.sleep(0)
    assert within.connections == []


@pytest.mark.parametrize("url", [*LITERALS.values(), *SPELLINGS.values()], ids=[*LITERALS, *SPELLINGS])
async def test_a_url_that_means_a_private_place_is_not_asked(world: Outside, url: str) -> None:
    with pytest.raises(EgressError):
        await world.egress().fetch(url)
    # Nor is it looked up: nothing of it is told to whoever serves names.
    assert (world.looked_up, world.dialled) == ([], [])


@pytest.mark.parametrize(("name", "address"), NAMES.values(), ids=NAMES)
async def test_a_name_that_leads_to_a_private_place_is_not_asked(world: Outside, name: str, address: str) -> None:
    for found in ((address,), (PUBLIC, address), (address, PUBLIC)):
        world.names[name.lower()] = found
        with pytest.raises(EgressError):
            await world.egress().fetch(f"https://{name}/")
    assert world.dialled == []


@pytest.mark.parametrize("location", ROUNDABOUT.values(), ids=ROUNDABOUT)
@pytest.mark.parametrize("hops", [1, 3])
async def test_a_redirect_to_a_private_place_is_not_followed(world: Outside, location: str, hops: int) -> None:
    world.names["router.example.org"] = ("192.168.0.1",)
    for hop in range(1, hops):
        world.says(f"example.org/{hop}", status=302, location=f"/{hop + 1}")
    world.says(f"example.org/{hops}", status=302, location=location)

    with pytest.raises(EgressError):
        await world.egress().fetch("https://example.org/1")
    assert world.dialled == [(PUBLIC, 443)] * hops


async def test_a_name_that_changes_its_mind_between_look_and_dial_changes_nothing(world: Outside) -> None:
    world.names["rebind.example.org"] = [(PUBLIC,), ("127.0.0.1",), ("127.0.0.1",)]
    world.says("rebind.example.org/", b"Hi")

    assert (await world.egress().fetch("https://rebind.example.org/")).body == b"Hi"
    assert (world.looked_up, world.dialled) == (["rebind.example.org"], [(PUBLIC, 443)])


async def test_a_real_socket_on_this_machine_gets_no_connection(inside: Inside) -> None:
    """Over the real resolver and the real network: the fixture counts."""
    spellings = ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.1", "0.0.0.0", "[::1]")
    for host in spellings:
        for scheme in ("http", "https"):
            url = f"{scheme}://{host}:{inside.port}/"
            with pytest.raises(EgressError):
                await GuardedEgress().fetch(url)
            with pytest.raises(EgressError):
                await GuardedEgress().fetch(url, hosts=[f"{host}:{inside.port}"])


def test_there_are_enough_of_them() -> None:
    assert len({*LITERALS.values(), *SPELLINGS.values()}) + len(NAMES) + len(ROUNDABOUT) >= 150
