"""Logos that others give us: a PNG or a WebP as it is, an SVG written anew with nothing in it but a picture.

What's written is what's on the list here; a script, a link elsewhere, another program's own elements aren't.
"""

import re
from html import escape
from xml.parsers import expat

from msgspec import Struct

MOST = 64 * 1024
"""Bytes of a logo."""
SIDE = 4096
"""Pixels of a PNG's longer side."""
DEEP = 40
SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
_ELEMENTS = """
svg g defs symbol use path rect circle ellipse line polyline polygon text tspan title desc style linearGradient
radialGradient stop clipPath mask pattern
"""
_ATTRIBUTES = """
id class style x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy d points width height viewBox preserveAspectRatio version
transform gradientTransform gradientUnits patternTransform patternUnits patternContentUnits clipPathUnits maskUnits
maskContentUnits spreadMethod offset stop-color stop-opacity fill fill-opacity fill-rule stroke stroke-width stroke-
opacity stroke-linecap stroke-linejoin stroke-miterlimit stroke-dasharray stroke-dashoffset opacity color clip-path
clip-rule mask display visibility overflow font-family font-size font-weight font-style text-anchor letter-spacing
textLength lengthAdjust dominant-baseline vector-effect paint-order mix-blend-mode
"""
ELEMENTS, ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())
LEADS_OUT = re.compile(r"url\(\s*[\"']?(?!#)|@import|\\|expression\s*\(|javascript:", re.IGNORECASE)


class Logo(Struct, frozen=True, kw_only=True):
    """A picture, and what it is."""

    media_type: str
    data: bytes


class LogoRefused(ValueError):
    """It's no logo; the text says why, and what would be one."""


def logo_of(data: bytes) -> Logo:
    """Return a logo that may be shown to anybody; raises LogoRefused."""
    if len(data) > MOST:
        raise LogoRefused(f"has {len(data):,} bytes, {MOST:,} are the most; make it smaller")
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        side = max(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
        if not 0 < side <= SIDE:
            raise LogoRefused(f"is {side:,} pixels wide or high, {SIDE:,} are the most; make it smaller")
        return Logo(media_type="image/png", data=data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Logo(media_type="image/webp", data=data)
    if b"<svg" in data:
        return Logo(media_type="image/svg+xml", data=_Picture(data).text.encode())
    raise LogoRefused("is neither SVG nor PNG nor WebP; save it as one of these")


class _Picture:
    """Writes an SVG anew."""

    def __init__(self, data: bytes) -> None:
        self.text = ""
        self._depth = 0
        self._left_out = 0
        """How many elements deep we're in what isn't written."""
        self._styles: list[str] | None = None
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._declares
        parser.StartElementHandler = self._begins
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._says
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise LogoRefused(f"isn't sound SVG: {error}; save it again as plain SVG") from None
        if not re.search(r"<(?:path|rect|circle|ellipse|line|poly\w+|text|use)[ />]", self.text):
            raise LogoRefused("shows nothing: no shape in it may be kept; save it as plain SVG")

    def _declares(self, *_: object) -> None:
        # Entities are declared there: a few bytes could stand for gigabytes.
        raise LogoRefused("has a DOCTYPE; save it as plain SVG without one")

    def _begins(self, name: str, given: dict[str, str]) -> None:
        space, _, element = name.rpartition(" ")
        self._depth += 1
        if self._depth > DEEP:
            raise LogoRefused(f"is nested more than {DEEP} deep; save it as plain SVG")
        if self._depth == 1 and (space, element) != (SVG, "svg"):
            raise LogoRefused(f'isn\'t SVG: it begins with <{element}>, without xmlns="{SVG}"; save it as plain SVG')
        if self._left_out or space != SVG or element not in ELEMENTS:
            self._left_out += 1
            return
        if element == "style":
            self._styles = []
            return
        written = "".join(f' {key}="{escape(value)}"' for key, value in _attributes(given))
        root = f' xmlns="{SVG}"' if self._depth == 1 else ""
        self.text += f"<{element}{root}{written}>"

    def _ends(self, name: str) -> None:
        element = name.rpartition(" ")[2]
        self._depth -= 1
        if self._left_out:
            self._left_out -= 1
        elif element == "style":
            style = "".join(self._styles or ())
            self._styles = None
            if not LEADS_OUT.search(style):
                self.text += f"<style>{escape(style, quote=False)}</style>"
        else:
            self.text += f"</{element}>"

    def _says(self, text: str) -> None:
        if self._left_out:
            return
        if self._styles is not None:
            self._styles.append(text)
        else:
            self.text += escape(text, quote=False)


def _attributes(given: dict[str, str]) -> list[tuple[str, str]]:
    found = []
    for name, value in given.items():
        space, _, key = name.rpartition(" ")
        if key == "href" and space in ("", XLINK):
            if value.startswith("#"):
                found.append(("href", value))
        elif not space and key in ATTRIBUTES and not LEADS_OUT.search(value):
            found.append((key, value))
    return found
