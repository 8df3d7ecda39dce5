"""What can be read on what, held against WCAG's own figures, and the colours that the site takes."""

import random
import re

import pytest

from hub.colours import DARK, LEAST, LIGHT, contrast, fault_of, is_colour, on, readable, stands_out
from hub.flow.brands import ACCENT, ACCENT_DARK
from hub.web.site import FOLDER


@pytest.mark.parametrize(
    ("one", "other", "known"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#fff000", 3.4),
    ],
)
def test_contrast_is_what_wcag_says_whichever_comes_first(one: str, other: str, known: float) -> None:
    assert contrast(one, other) == pytest.approx(known, abs=0.05)
    assert contrast(one, other) == contrast(other, one)


def test_something_can_be_read_on_every_colour_and_every_colour_has_a_shade_that_can_be_read() -> None:
    dice = random.Random(1)
    for _ in range(2000):
        colour = f"#{dice.randrange(2**24):06x}"
        assert contrast(colour, on(colour)) >= LEAST
        for dark in (False, True):
            shade = readable(colour, dark=dark)
            assert stands_out(shade, dark=dark)
            assert (shade == colour) == stands_out(colour, dark=dark)


def test_a_colour_that_cannot_be_read_is_refused_with_one_that_can() -> None:
    fault = fault_of("#ffe600")
    assert fault.startswith("#ffe600 can't be read in light pages: its contrast is 1.1, words need 4.5; take #")
    advised = re.findall(r"take (#\w{6})", fault)[0]
    assert fault_of(advised) == ""
    assert "isn't a colour; write it as #0f766e" in fault_of("red")
    assert fault_of("#ffe600", dark=True) == ""
    assert "dark pages" in fault_of("#1b1b7a", dark=True)
    assert not is_colour("#fff")


def test_the_grounds_and_our_own_colours_are_those_of_the_style_sheet() -> None:
    sheet = (FOLDER / "static" / "site.css").read_text(encoding="utf-8")
    light, dark = (part.partition("}")[0] for part in (sheet, sheet.partition('data-theme="dark"] {')[2]))

    def named(part: str, *names: str) -> list[str]:
        found = [re.findall(rf"--{name}: (#\w+);", part)[0] for name in names]
        return [f"#{each[1] * 2}{each[2] * 2}{each[3] * 2}" if len(each) == 4 else each for each in found]

    assert sorted(named(light, "ground", "paper", "sunk")) == sorted(LIGHT)
    assert sorted(named(dark, "ground", "paper", "sunk")) == sorted(DARK)
    assert (named(light, "accent"), named(dark, "accent")) == ([ACCENT], [ACCENT_DARK])
    assert fault_of(ACCENT) == fault_of(ACCENT_DARK, dark=True) == ""
