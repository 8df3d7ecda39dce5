"""[site]: each fault names its key, its value and the way out."""

from pathlib import Path

import pytest

from hub.business import usual_look
from hub.config import load
from hub.errors import ConfigError
from hub.flow.brands import Look
from hub.sites import SiteConfig


def faults(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / "config.toml", {})
    return list(raised.value.faults)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('accent = "#ffe600"', "site.accent: #ffe600 can't be read in light pages"),
        ('accent = "teal"', "site.accent: 'teal' isn't a colour; write it as #0f766e"),
        ('accent = "#0f766e"\naccent_dark = "#111111"', "site.accent_dark: #111111 can't be read in dark pages"),
        ('accent_dark = "#ffe600"', "site.accent_dark: set without site.accent"),
        ('name = " x"', "site.name: ' x' has what can't be printed"),
        (f'name = "{"x" * 41}"', "site.name: has 41 characters, 40 are the most; shorten it"),
        ('logo = "none.svg"', "site.logo: 'none.svg' can't be read; create it or mend its rights"),
        ('logo = "config.toml"', "site.logo: 'config.toml' is neither SVG nor PNG nor WebP"),
    ],
)
def test_a_fault_says_what_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)

    assert [fault for fault in faults(tmp_path, f"[site]\n{line}\n") if fault.startswith(told)]


def test_what_is_left_empty_is_our_own_and_dark_pages_get_a_shade(tmp_path: Path) -> None:
    (logo := tmp_path / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>')

    assert usual_look(SiteConfig()) == Look()
    assert usual_look(SiteConfig()).plain
    look = usual_look(SiteConfig(name="Bea’s", accent="#1b1b7a", logo=str(logo)))
    assert (look.name, look.accent, look.plain) == ("Bea’s", "#1b1b7a", False)
    assert look.accent_dark not in ("#1b1b7a", Look().accent_dark)
    assert look.picture.media_type == "image/svg+xml"
