"""The config: strict, all faults at once, secrets hidden, and a bad reload keeps the last good one."""

import importlib.util
import logging
from pathlib import Path

import pytest

from hub.config import Reloader, load, misgivings
from hub.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text), environ)
    return caught.value.faults


def test_without_a_file_everything_has_a_default() -> None:
    assert load(None, {}).hub.port == 8080


def test_every_fault_is_told_at_once_each_with_its_key_path(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        '[hub]\nport = 99999\ntimezone = "Mars"\nnope = 1\n[llm]\nbackend = "x"\nurl = 3\n[lims]\na = 1\n',
    )

    assert sorted(line.partition(":")[0] for line in found) == [
        "hub.nope",
        "hub.port",
        "hub.timezone",
        "lims",
        "llm.backend",
        "llm.url",
    ]


def test_a_wrong_word_is_answered_with_the_words_that_may_stand_there(tmp_path: Path) -> None:
    assert faults(tmp_path, '[llm]\nbackend = "x"') == ('llm.backend: must be one of llamacpp, remote; it is "x"',)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[hub]\nport = "x"', 'hub.port: must be a whole number, not text; it is "x"'),
        ("[hub]\nport = 99999", "hub.port: must be a whole number <= 65535; it is 99999"),
        ("[hub]\nport = true", "hub.port: must be a whole number, not true or false; it is True"),
        ("[hub]\nurl = 3", "hub.url: must be text, not a whole number; it is 3"),
        ("hub = 3", "hub: must be a section ([hub]); it is 3"),
        ("[limits]\nask_below = 2.5", "limits.ask_below: must be a number <= 1.0; it is 2.5"),
    ],
)
def test_a_fault_names_the_key_what_it_takes_and_the_value(tmp_path: Path, text: str, fault: str) -> None:
    assert faults(tmp_path, text) == (fault,)


def test_a_secret_of_the_wrong_kind_is_not_shown(tmp_path: Path) -> None:
    assert "4711" not in str(faults(tmp_path, "[llm]\nkey = 4711"))


def test_a_fault_does_not_bring_another_one_along(tmp_path: Path) -> None:
    """A `url` that can't be read is one fault, not also a missing one."""
    found = faults(tmp_path, '[llm]\nbackend = "remote"\nmodel = "m"\nurl = 3')

    assert len(found) == 1


def test_a_collector_needs_a_url_and_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (odd,) = faults(tmp_path, '[telemetry]\notlp_url = "collector:4318"')
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (missing,) = faults(tmp_path, '[telemetry]\notlp_url = "http://127.0.0.1:4318/v1/traces"')

    assert odd.startswith("telemetry.otlp_url: must begin with http://")
    assert "pip install 'agenthost[otel]'" in missing


def test_a_remote_backend_needs_a_url_and_a_model(tmp_path: Path) -> None:
    found = faults(tmp_path, '[llm]\nbackend = "remote"')

    assert [line.partition(":")[0] for line in found] == ["llm.url", "llm.model"]


def test_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    config = load(write(tmp_path, "[hub]\nport = 1"), {"AGENTHOST__HUB__PORT": "9000", "OTHER": "x"})

    assert config.hub.port == 9000


def test_an_unknown_key_in_the_environment_is_an_error(tmp_path: Path) -> None:
    assert "AGENTHOST__HUB__PROT" in faults(tmp_path, "", AGENTHOST__HUB__PROT="1")[0]


def test_a_broken_file_is_told_with_its_line(tmp_path: Path) -> None:
    assert "line 2" in faults(tmp_path, "[hub]\nport = = 1\n")[0]


def test_a_missing_file_says_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.example\.toml"):
        load(tmp_path / "no.toml", {})


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(path, {})


def test_a_secret_comes_from_a_file_and_never_shows_itself(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-very-secret\n", encoding="utf-8")
    config = load(write(tmp_path, f'[llm]\nkey_file = "{tmp_path}/key"'), {})

    assert config.llm.key == "sk-very-secret"
    assert "sk-very-secret" not in repr(config)


def test_packages_secrets_come_from_the_config_or_a_file_and_never_show_themselves(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("file-secret\n", encoding="utf-8")
    text = (
        '[[packages.secrets]]\nname = "A_KEY"\nvalue = "told-secret"\n'
        f'[[packages.secrets]]\nname = "B"\nfile = "{tmp_path}/key"'
    )
    config = load(write(tmp_path, text), {})

    assert {secret.name: secret.value for secret in config.packages.secrets} == {
        "A_KEY": "told-secret",
        "B": "file-secret",
    }
    assert "told-secret" not in repr(config)
    assert "file-secret" not in repr(config)


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ('name = "key"\nvalue = "a"', "packages.secrets[0].name: 'key' won't do; use capital letters, digits and _"),
        ('value = "a"', "packages.secrets[0].name: '' won't do; use capital letters"),
        ('name = "A"', "packages.secrets[0].value: give the secret itself, or in its place packages.secrets[0].file"),
        ('name = "A"\nvalue = "a"\nfile = "/a"', "packages.secrets[0].value: give the secret itself, or in its place"),
        ('name = "A"\nfile = "/no/such"', "packages.secrets[0].file: '/no/such' can't be read"),
        ('name = "A"\nvalue = "é\\n"', "packages.secrets[0].value: has letters that no header can"),
        (
            'name = "A"\nvalue = "a"\n[[packages.secrets]]\nname = "A"\nvalue = "b"',
            "packages.secrets[1].name: A is there",
        ),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_without_it(secret: str, fault: str, tmp_path: Path) -> None:
    (told,) = faults(tmp_path, f"[[packages.secrets]]\n{secret}")

    assert told.startswith(fault)


def test_a_key_and_a_key_file_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a", encoding="utf-8")

    assert "keep one" in faults(tmp_path, f'[llm]\nkey = "b"\nkey_file = "{tmp_path}/key"')[0]


def test_a_missing_model_file_does_not_keep_the_hub_from_starting(tmp_path: Path) -> None:
    config = load(write(tmp_path, '[llm]\nmodel = "/no/such.gguf"'), {})

    assert misgivings(config) == ["llm.model: no file '/no/such.gguf'; give the path of a GGUF file, or leave it empty"]


def test_a_reload_gives_the_new_config_once(tmp_path: Path) -> None:
    path = write(tmp_path, "[limits]\nturns = 5")
    reloader = Reloader(path, {})
    write(tmp_path, "[limits]\nturns = 6")

    first, second = reloader.look(), reloader.look()

    assert first is not None
    assert first.limits.turns == 6
    assert second is None


def test_a_bad_reload_keeps_the_last_good_config_and_logs_each_fault_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, "[limits]\nturns = 5")
    reloader = Reloader(path, {})
    write(tmp_path, "[limits]\nturns = 0")

    with caplog.at_level(logging.ERROR):
        looks = [reloader.look(), reloader.look()]

    assert looks == [None, None]
    assert reloader.config.limits.turns == 5
    assert [record.message.count("limits.turns") for record in caplog.records] == [1]


def test_a_config_mended_after_a_bad_reload_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path, "[limits]\nturns = 5")
    reloader = Reloader(path, {})
    write(tmp_path, "nonsense")
    reloader.look()
    write(tmp_path, "[limits]\nturns = 7")

    mended = reloader.look()

    assert mended is not None
    assert mended.limits.turns == 7


@pytest.mark.parametrize(
    "text",
    [
        '[bridges]\nkind = "telegram"\ntoken = "123456:canary"',
        '[[llm]]\nkey = "canary"',
        '[sign_in]\noidc = {client_secret = "canary"}',
        'registries = ["https://hub:canary@registry.example"]',
        "[[packages.secrets]]\nname = 'A'\nvalue = ['canary']",
        '[packages]\nsecrets = ["canary"]',
        "[waker]\ntoken = ['canary']",
        '[llm]\nbackend = "remote"\nmodel = "m"\nurl = "ftp://hub:canary@models.example/v1"',
        '[[registries]]\nurl = "https://hub:canary@registry.example"',
        '[[sign_in.oidc]]\nname = "work"\nclient_id = "a"\nissuer = "https://hub:canary@id.example"',
        '[telemetry]\notlp_url = "grpc://hub:canary@traces.example"',
        '[store]\nurl = "postgresql://hub:canary@db.example/hub?canary-0=1#x"',
        '[store]\nurl = ["postgresql://hub:canary@db.example/hub"]',
        '[[bridges]]\nkind = "telegram"\ntoken = "canary"',
        '[[bridges]]\nkind = "xmpp"\njid = "x"\npassword = ["canary"]',
    ],
)
def test_a_fault_never_shows_a_secret_wherever_it_was_put(tmp_path: Path, text: str) -> None:
    """A section that's one where several may be, a secret in an address, a wrong type: they're told of, not shown."""
    told = faults(tmp_path, text)

    assert told
    assert [fault for fault in told if "canary" in fault.replace("canary-0", "")] == []
