"""[egress] and [[registries]]: what can't be used is told with its key path."""

import pytest

from hub.outward import EgressConfig, RegistryConfig, at, faults, place


@pytest.mark.parametrize(
    ("entry", "known"),
    [
        ("192.168.1.5:8123", ("192.168.1.5", 8123)),
        ("nas.lan:443", ("nas.lan", 443)),
        ("nas:80", ("nas", 80)),
        ("[::1]:80", ("::1", 80)),
        ("[0:0::1]:80", ("::1", 80)),
        ("192.168.1.5", None),
        ("192.168.1:80", None),
        ("0x7f000001:80", None),
        ("2130706433:80", None),
        ("::1:80", None),
        ("[127.0.0.1]:80", None),
        ("http://nas.lan:443", None),
        ("nas.lan:0", None),
        ("nas.lan:70000", None),
        ("*.lan:443", None),
        ("NAS.lan:443", None),
    ],
)
def test_a_place_is_a_host_and_a_port(entry: str, known: tuple[str, int] | None) -> None:
    assert place(entry) == known


@pytest.mark.parametrize("entry", ["10.0.0.0/8", "192.168.1.0/24", "fd00::/8", "192.168.1.5/32"])
def test_networks_are_allowed(entry: str) -> None:
    assert faults(EgressConfig(allow=(entry,)), ()) == []


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "10.0.0.0/33", "nas.lan", "", "all"])
def test_what_is_neither_is_told(entry: str) -> None:
    (fault,) = faults(EgressConfig(allow=("nas.lan:1", entry)), ())

    assert fault.startswith(f"egress.allow[1]: {entry!r} won't do; write it as")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://registry.example.org", ""),
        ("https://registry.example.org:8443/base/", ""),
        ("http://127.0.0.1:8080", ""),
        ("http://[::1]:8080", ""),
        ("", "missing"),
        ("registry.example.org", "won't do"),
        ("https://user:pass@registry.example.org", "won't do"),
        ("https://registry.example.org?x=1", "won't do"),
        ("ftp://registry.example.org", "won't do"),
        ("https://[registry", "won't do"),
        ("http://registry.example.org", "anybody on the way could change packages"),
    ],
)
def test_a_registry_is_asked_over_https(url: str, told: str) -> None:
    found = faults(EgressConfig(), [RegistryConfig(url=url)])

    assert [fault.startswith("registries[0].url: ") and told in fault for fault in found] == ([True] if told else [])


def test_a_registry_has_a_host_and_a_port() -> None:
    urls = ("https://registry.example.org/x", "http://[::1]", "http://127.0.0.1:81")

    assert [at(RegistryConfig(url=url)) for url in urls] == ["registry.example.org:443", "[::1]:80", "127.0.0.1:81"]
