"""[sign_in] in the config."""

from pathlib import Path

import pytest

from hub.config import load
from hub.errors import ConfigError
from hub.issuers import is_safe

GOOD = 'name = "work"\nissuer = "https://id.example.org"\nclient_id = "agenthost"\n'


def written(folder: Path, *sections: str) -> Path:
    path = folder / "config.toml"
    path.write_text("".join(f"[[sign_in.oidc]]\n{section}" for section in sections), encoding="utf-8")
    return path


def test_a_secret_in_a_file_is_read_and_shows_itself_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the-clients-secret\n", encoding="utf-8")
    config = load(written(tmp_path, f'{GOOD}client_secret_file = "{tmp_path}/secret"\n'), {})

    assert config.sign_in.oidc[0].client_secret == "the-clients-secret"
    assert "the-clients-secret" not in repr(config.sign_in)


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        (GOOD.replace("work", "Work!"), "sign_in.oidc[0].name: 'Work!' won't do"),
        (GOOD.replace("https://id.example.org", ""), "sign_in.oidc[0].issuer: missing"),
        (GOOD.replace("https", "http"), "anybody on the way could say who somebody is"),
        (GOOD.replace("https://id.example.org", "https://a@id.example.org"), "won't do; write it as"),
        (GOOD.replace("https://id.example.org", "https://id.example.org?x=1"), "won't do; write it as"),
        (GOOD.replace("https://id.example.org", "https://["), "anybody on the way"),
        (GOOD.replace("agenthost", ""), "sign_in.oidc[0].client_id: missing"),
        (f'{GOOD}scopes = ["email"]\n', "sign_in.oidc[0].scopes: lacks openid"),
        (f'{GOOD}scopes = ["openid"]\nallowed_domains = ["example.org"]\n', "sign_in.oidc[0].scopes: lacks email"),
        (f'{GOOD}client_secret = "a"\nclient_secret_file = "b"\n', "keep one of them"),
        (f'{GOOD}client_secret_file = "/nowhere"\n', "'/nowhere' can't be read"),
    ],
)
def test_what_cannot_be_used_is_told_with_the_way_out(tmp_path: Path, section: str, fault: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, section), {})

    assert fault in str(raised.value)


def test_two_of_one_name_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sign_in\.oidc\[1\]\.name: work is there already"):
        load(written(tmp_path, GOOD, GOOD), {})


def test_a_role_that_nobody_signs_in_as_needs_no_app(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[sign_in]\ntotp = ["service"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"sign_in\.totp"):
        load(tmp_path / "config.toml", {})


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://id.example.org", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost:8080", True),
        ("http://localhost.example.org", False),
        ("http://192.168.1.5", False),
        ("ftp://127.0.0.1", False),
        ("https://", False),
        ("", False),
    ],
)
def test_what_is_sent_goes_by_https_or_stays_on_this_machine(url: str, *, safe: bool) -> None:
    assert is_safe(url) == safe
