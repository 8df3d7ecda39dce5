"""config.example.toml is the full list of keys, loads without a fault, and shows the defaults."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hub.accounts import TelegramAccount, XmppAccount
from hub.config import Config, load
from hub.reading import key_paths

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.toml"


def paths(tree: dict[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for key, value in tree.items():
        match value:
            case dict():
                found += paths(value, f"{prefix}{key}.")
            case [dict(), *_]:
                found += dict.fromkeys(path for each in value for path in paths(each, f"{prefix}{key}[]."))
            case _:
                found.append(prefix + key)
    return found


def uncommented(text: str) -> str:
    """Return the example with what has no default, sections that there may be several of, as if it were wanted."""
    return re.sub(r"(?m)^# (\[\[[a-z_.]+\]\](?!:)|[a-z_0-9]+ += )", r"\1", text)


def test_the_example_has_every_key_and_no_other() -> None:
    assert sorted(paths(tomllib.loads(uncommented(EXAMPLE.read_text(encoding="utf-8"))))) == sorted(key_paths(Config))


def test_the_example_shows_the_defaults() -> None:
    assert load(EXAMPLE, {}) == load(None, {})


def test_what_is_commented_out_loads_too_and_shows_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(uncommented(EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")

    telegram, xmpp = load(tmp_path / "config.toml", {}).bridges

    assert isinstance(telegram, TelegramAccount)
    assert isinstance(xmpp, XmppAccount)
    assert telegram == TelegramAccount(name="telegram", token=telegram.token)
    assert xmpp == XmppAccount(name="xmpp", jid=xmpp.jid, password=xmpp.password)


@pytest.mark.parametrize("path", key_paths(Config))
def test_every_key_has_its_line_in_the_reference(path: str) -> None:
    text = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")

    assert f"`{path}`" in text
