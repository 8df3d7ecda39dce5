"""Colours that can be read: how two stand out against each other, as WCAG 2.2 measures it, and which goes on which."""

import re
from colorsys import hls_to_rgb, rgb_to_hls

LEAST = 4.5
"""The contrast that words need (WCAG 2.2, success criterion 1.4.3, level AA)."""
LIGHT = ("#ffffff", "#faf9f7", "#f1efeb")
"""What words stand on in the site's light pages; site.css has the same."""
DARK = ("#171614", "#1f1e1b", "#282622")
"""And in its dark ones."""
STEPS = 100


def is_colour(text: str) -> bool:
    """Say whether a text is a colour as #0f766e."""
    return re.fullmatch(r"#[0-9a-fA-F]{6}", text) is not None


def contrast(one: str, other: str) -> float:
    """Return how two colours stand out against each other, from 1 (not at all) to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def on(colour: str) -> str:
    """Return which of white and black is read better on a colour: one of the two always has the contrast words need."""
    return "#ffffff" if contrast(colour, "#ffffff") >= LEAST else "#000000"


def stands_out(colour: str, *, dark: bool = False) -> bool:
    """Say whether words of a colour can be read everywhere in the site's light pages, or its dark ones."""
    return all(contrast(colour, ground) >= LEAST for ground in (DARK if dark else LIGHT))


def readable(colour: str, *, dark: bool = False) -> str:
    """Return the colour itself if it stands out in the site's light pages, or its dark ones, else the nearest shade."""
    if stands_out(colour, dark=dark):
        return colour
    shades = (_shade(colour, step / STEPS, dark=dark) for step in range(STEPS + 1))
    return next(shade for shade in shades if stands_out(shade, dark=dark))


def fault_of(colour: str, *, dark: bool = False) -> str:
    """Return what keeps a colour from being the site's, and the way out; empty if nothing does."""
    if not is_colour(colour):
        return f"{colour[:40]!r} isn't a colour; write it as #0f766e"
    if stands_out(colour, dark=dark):
        return ""
    grounds = DARK if dark else LIGHT
    worst = min(contrast(colour, ground) for ground in grounds)
    return (
        f"{colour} can't be read in {'dark' if dark else 'light'} pages: its contrast is {worst:.1f}, "
        f"words need {LEAST}; take {readable(colour, dark=dark)}, or another {'lighter' if dark else 'darker'} one"
    )


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _shade(colour: str, part: float, *, dark: bool) -> str:
    """Return a colour that's so much of the way to white, for dark pages, or to black; its hue stays."""
    hue, light, saturation = rgb_to_hls(*(each / 255 for each in _parts(colour)))
    light = light + (1 - light) * part if dark else light * (1 - part)
    return "#" + "".join(f"{round(each * 255):02x}" for each in hls_to_rgb(hue, light, saturation))
