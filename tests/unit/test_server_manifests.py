"""server.toml and the manifest.json of MCP bundles: what they say, and what's refused."""

import json
from pathlib import Path

import pytest

from hub.errors import ManifestError
from hub.manifests.servers import Value, filled, filled_in, load_server, server_name

OWN = """\
name = "weather"
version = "1.0.0"
description = "Forecasts."
[server]
command = ["node", "${__dirname}/server.js"]
"""
BUNDLE: dict[str, object] = {
    "manifest_version": "0.3",
    "name": "weather",
    "version": "1.0.0",
    "description": "Forecasts.",
    "author": {"name": "A"},
    "server": {"type": "node", "entry_point": "server.js", "mcp_config": {"command": "node", "args": ["x.js"]}},
}


def own(folder: Path, text: str) -> Path:
    place = folder / "weather"
    place.mkdir(exist_ok=True)
    (place / "server.toml").write_text(text, encoding="utf-8")
    return place


def bundled(folder: Path, **more: object) -> Path:
    place = folder / "weather"
    place.mkdir(exist_ok=True)
    (place / "manifest.json").write_text(json.dumps({**BUNDLE, **more}), encoding="utf-8")
    return place


def test_a_bundles_keys_that_mean_nothing_are_named_and_do_no_harm(tmp_path: Path) -> None:
    server = load_server(bundled(tmp_path, icon="x.png", sparkle=True))

    assert server.command == ("node", "x.js")
    assert server.notes == ("manifest.json has keys that mean nothing here: sparkle",)


def test_beside_a_bundle_server_toml_is_what_counts(tmp_path: Path) -> None:
    bundled(tmp_path)

    server = load_server(own(tmp_path, f'{OWN}[permissions]\nnet = ["api.example.org"]\n'))

    assert server.asks == ("net:api.example.org",)
    assert server.command == ("node", "${__dirname}/server.js")


def test_what_a_bundle_says_of_this_system_goes_before_the_rest(tmp_path: Path) -> None:
    run = {"command": "x", "args": ["1"], "platform_overrides": {"linux": {"command": "y"}, "win32": {"command": "z"}}}

    server = load_server(bundled(tmp_path, server={"type": "binary", "entry_point": "x", "mcp_config": run}))

    assert server.command == ("y", "1")


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("node", ("node", "${__dirname}/a/b")),
        ("python", ("python", "${__dirname}/a/b")),
        ("binary", ("${__dirname}/a/b",)),
    ],
)
def test_an_entry_point_alone_says_how_it_runs(kind: str, command: tuple[str, ...], tmp_path: Path) -> None:
    assert load_server(bundled(tmp_path, server={"type": kind, "entry_point": "a/b"})).command == command


def test_folders_and_secrets_of_settings_are_asked_for(tmp_path: Path) -> None:
    config = {"token": {"type": "string", "sensitive": True}, "where": {"type": "directory"}, "n": {"type": "number"}}

    assert load_server(bundled(tmp_path, user_config=config)).asks == ("secrets:WEATHER_TOKEN", "fs:data")


def test_a_server_elsewhere_asks_for_its_host(tmp_path: Path) -> None:
    text = OWN.replace('command = ["node", "${__dirname}/server.js"]', 'url = "https://mcp.example.org:8443/mcp"')

    assert load_server(own(tmp_path, text)).asks == ("net:mcp.example.org:8443",)


BAD_OWN = {
    "neither": (OWN.replace("command", "#"), "needs either command"),
    "both": (f'{OWN}url = "https://a.example.org"\n', "needs either command"),
    "a line for a shell": (OWN.replace('["node", "${__dirname}/server.js"]', '"node server.js"'), "server.command"),
    "http": (OWN.replace("command =", 'url = "http://a.org"\n#'), "write it as https"),
    "a user": (OWN.replace("command =", 'url = "https://me:pw@a.org/"\n#'), "write it as https"),
    "a wildcard": (f'{OWN}[permissions]\nnet = ["*"]\n', "permissions.net"),
    "an unknown key": (f"{OWN}shell = true\n", "server.shell: unknown key"),
    "an odd setting": (f'{OWN}[config."a b"]\ntype = "string"\n', "can't be a key"),
}


@pytest.mark.parametrize("way", BAD_OWN)
def test_server_toml_is_refused_with(way: str, tmp_path: Path) -> None:
    text, told = BAD_OWN[way]

    with pytest.raises(ManifestError, match=told):
        load_server(own(tmp_path, text))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"manifest_version": "9.0"}, "manifest_version: '9.0' isn't known"),
        ({"server": {"type": "uv", "entry_point": "x"}}, "'uv' would fetch packages"),
        ({"server": {"type": "node"}}, "neither mcp_config.command nor entry_point"),
        ({"server": {"type": "java", "entry_point": "x"}}, "java"),
        ({"version": "one"}, "version"),
        ({"user_config": {"x": {"type": "shell"}}}, "shell"),
    ],
)
def test_a_bundle_is_refused(more: dict[str, object], told: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=told):
        load_server(bundled(tmp_path, **more))


def test_deep_json_is_refused_in_words(tmp_path: Path) -> None:
    place = bundled(tmp_path)
    (place / "manifest.json").write_text('{"a":' * 100_000, encoding="utf-8")

    with pytest.raises(ManifestError, match=r"manifest\.json"):
        load_server(place)


@pytest.mark.parametrize(
    ("name", "fit"),
    [("@Acme/My Server", "acme-my-server"), ("weather", "weather"), ("../../etc", "etc"), ("ü", ""), ("9lives", "")],
)
def test_names_of_bundles_are_made_fit_for_a_folder(name: str, fit: str) -> None:
    assert server_name(json.dumps({"name": name}).encode()) == fit


@pytest.mark.parametrize("manifest", [b"", b"{}", b"[]", b'{"name": 1}', b"\xff", b'name = "A B"'])
def test_a_manifest_without_a_fit_name_has_none(manifest: bytes) -> None:
    assert server_name(manifest) == ""


def test_settings_and_places_are_filled_in_and_nothing_twice() -> None:
    values: dict[str, Value] = {"many": ["a", "b"], "one": "${__dirname}", "on": True, "n": 3}
    places = {"__dirname": "/package"}

    words = filled(("${user_config.many}", "${user_config.none}", "--x=${user_config.n}"), values, places)

    assert words == ("a", "b", "--x=3")
    assert filled_in("${__dirname}/${user_config.one}/${other}", values, places) == "/package/${__dirname}/"
    assert filled_in("${user_config.on}", values, places) == "true"
