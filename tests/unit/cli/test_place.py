"""Where the hub is, and who we are to it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.__main__ import load
from hub.cli.place import find, overlay
from hub.config import Config, HubConfig


def a_config(data: Path, **hub: object) -> Config:
    return Config(hub=HubConfig(data=str(data), **hub))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:9000"),
        ("0.0.0.0", "http://127.0.0.1:9000"),
        ("::", "http://[::1]:9000"),
        ("hub.example.org", "http://hub.example.org:9000"),
    ],
)
def test_the_hub_is_where_its_config_says(tmp_path: Path, host: str, url: str) -> None:
    assert find({}, a_config(tmp_path, host=host, port=9000)).url == url


def test_the_environment_says_it_better_and_an_option_best(tmp_path: Path) -> None:
    config, environ = a_config(tmp_path), {"AGENTHOST_URL": "https://hub.example.org/"}

    assert find(environ, config).url == "https://hub.example.org"
    assert find(environ, config, url="http://127.0.0.1:1").url == "http://127.0.0.1:1"


def test_the_key_comes_from_the_first_that_has_one(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    everything = {"AGENTHOST_KEY": "second", "AGENTHOST_OWNER_KEY": "fourth"}
    (tmp_path / "owner.key").write_text("third\n", encoding="utf-8")

    assert find(everything, config, key="first").key == "first"
    assert find(everything, config).key == "second"
    assert find({"AGENTHOST_OWNER_KEY": "fourth"}, config).key == "third"
    (tmp_path / "owner.key").unlink()
    assert find({"AGENTHOST_OWNER_KEY": "fourth"}, config).key == "fourth"
    assert find({}, config).key_from == ""


def test_a_key_never_shows_itself(tmp_path: Path) -> None:
    assert "ah_secret" not in repr(find({"AGENTHOST_KEY": "ah_secret"}, a_config(tmp_path)))


def test_flags_are_said_as_the_environment_says_them() -> None:
    assert overlay(hub_port=9000, hub_data=None, limits_tasks_at_once=2) == {
        "AGENTHOST__HUB__PORT": "9000",
        "AGENTHOST__LIMITS__TASKS_AT_ONCE": "2",
    }


@pytest.mark.parametrize("name", ["run", "send", "status", "backup"])
def test_a_faulty_config_ends_every_command_with_its_faults_and_2(tmp_path: Path, name: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[hub]\nport = 99999\nnope = 1\n", encoding="utf-8")
    words = {"send": ["hello"], "backup": ["b.zip"]}.get(name, [])
    result = CliRunner().invoke(load(name), [*words, "--config", str(config)])

    assert result.exit_code == 2
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["hub.port", "hub.nope"]
