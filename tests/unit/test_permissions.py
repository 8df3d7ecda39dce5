"""What a package may ask for, and how it's told to whoever decides."""

import msgspec
import pytest

from hub.manifests import Permissions
from hub.manifests.permissions import fault


def asked(**given: object) -> Permissions:
    return msgspec.convert(given, Permissions)


def test_nothing_is_asked_for_by_default() -> None:
    assert Permissions().asks == ()
    assert fault(Permissions()) == ""


def test_each_permission_is_asked_for_by_name() -> None:
    permissions = asked(
        net=["api.example.org", "api.example.org:8443"],
        fs=["data", "workspace:rw"],
        secrets=["WEATHER_KEY"],
        messages=["send:task"],
        tools=["convert_units"],
        schedule=True,
    )

    assert permissions.asks == (
        "net:api.example.org",
        "net:api.example.org:8443",
        "fs:data",
        "fs:workspace:rw",
        "secrets:WEATHER_KEY",
        "messages:send:task",
        "tools:convert_units",
        "schedule",
    )
    assert fault(permissions) == ""


def test_one_folder_may_be_named_without_a_list() -> None:
    assert asked(fs="data").asks == ("fs:data",)


@pytest.mark.parametrize(
    "host",
    [
        "https://example.org",
        "*.example.org",
        "localhost",
        "127.0.0.1",
        "2130706433",
        "[::1]",
        "example.org/path",
        "user@example.org",
        "EXAMPLE.org",
        "example.org:0",
        "example.org:65536",
        "example.org.",
        "ex ample.org",
        "",
    ],
)
def test_what_is_no_plain_host_name_cannot_be_asked_for(host: str) -> None:
    assert fault(asked(net=[host])).startswith(f"net: {host!r} won't do")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"secrets": ["weather"]}, "secrets: 'weather' won't do; use capital letters"),
        ({"tools": ["Units!"]}, "tools: 'Units!' won't do"),
        ({"fs": ["data", "data"]}, "'fs:data' is named twice"),
    ],
)
def test_a_fault_names_the_value_and_the_way_out(given: dict[str, object], told: str) -> None:
    assert fault(asked(**given)).startswith(told)
