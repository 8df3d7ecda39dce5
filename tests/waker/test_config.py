"""waker.toml: each provider's section is checked, its secrets are read, and none is ever shown."""

from pathlib import Path

import pytest

from hub.errors import ConfigError
from hub.waker.config import WakerConfig, load, secrets_of

HUB = f'[[hubs]]\ntoken = "{"t" * 32}"\n'


def loaded(folder: Path, text: str) -> WakerConfig:
    (folder / "waker.toml").write_text(text)
    return load(folder / "waker.toml", {})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('provider = "ec2"', "hubs[0].ec2.region: missing"),
        ('provider = "ec2"\n[hubs.ec2]\nregion = "x"\nadress = "public"', "hubs[0].ec2.adress: unknown key"),
        ('provider = "fly"\n[hubs.fly]\ntoken = "a"', "hubs[0].fly.app: missing"),
        ('provider = "fly"\n[hubs.fly]\napp = "a"', "hubs[0].fly.token: give a deploy token"),
        ('provider = "fly"\n[hubs.fly]\napp = "a"\ntoken_file = "/absent"', "hubs[0].fly.token_file: '/absent' can't"),
        ('provider = "http"', "hubs[0].http.state: write it as"),
        ('provider = "azure"', "hubs[0].provider: must be one of process, command"),
    ],
)
def test_a_fault_in_a_providers_section_is_told_by_its_path(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, HUB + text)
    assert any(line.startswith(fault) for line in refused.value.faults), refused.value.faults


def test_a_section_of_a_provider_that_is_not_used_needs_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, HUB + 'command = ["hub"]\n[hubs.fly]\nregion = "fra"').hubs[0].fly.region == "fra"


def test_secrets_come_from_files_and_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "fly.token").write_text("FlyV1 abc\n")
    config = loaded(tmp_path, HUB + f'provider = "fly"\n[hubs.fly]\napp = "a"\ntoken_file = "{tmp_path}/fly.token"')
    [hub] = config.hubs
    assert hub.fly.token == "FlyV1 abc"
    assert set(secrets_of(hub)) == {"t" * 32, "FlyV1 abc"}
    assert "FlyV1 abc" not in repr(config)


def test_the_wakers_name_is_one_that_tags_take(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"waker\.name: takes a-z, 0-9 and -"):
        loaded(tmp_path, f'[waker]\nname = "My Waker"\n{HUB}command = ["hub"]')
