"""Logos: what comes out is a picture and nothing else, whatever went in."""

from xml.etree import ElementTree

import pytest

from hub.logos import MOST, SIDE, LogoRefused, logo_of

SVG = 'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"'
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def drawn(inside: str, root: str = "") -> str:
    made = logo_of(f"<?xml version='1.0'?><svg {SVG} {root}>{inside}<path d='M0 0'/></svg>".encode())
    assert made.media_type == "image/svg+xml"
    ElementTree.fromstring(made.data)
    return made.data.decode()


def test_a_plain_picture_stays_as_it_is() -> None:
    text = drawn(
        '<defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
        "<style>.b{fill:url(#a)}</style><g transform='scale(2)'>"
        "<rect class='b' width='3' height='3'/></g><text>A &amp; B</text>"
    )

    for part in (
        "linearGradient",
        'stop-color="#fff"',
        ".b{fill:url(#a)}",
        'transform="scale(2)"',
        "A &amp; B",
        "viewBox",
    ):
        assert part in text


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml' onload='alert(1)'/></foreignObject>",
        "<a href='javascript:alert(1)'><path d='M1 1'/></a>",
        "<path onclick='alert(1)' d=''/>",
        "<path d='' style='fill:url(https://evil.example/alert)'/>",
        "<path d='' fill='url(//evil.example/alert)'/>",
        "<style>@import 'https://evil.example/alert';</style>",
        "<style>.a{background:u\\72l(https://evil.example/alert)}</style>",
        "<image href='https://evil.example/alert.png'/>",
        "<use href='https://evil.example/#alert'/>",
        "<use xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='https://evil.example/#alert'/>",
        "<set attributeName='onload' to='alert(1)'/>",
        "<style>&lt;/style&gt;&lt;script&gt;alert(1)@import</style>",
        "<i:pgf xmlns:i='http://ns.adobe.com/x'>alert</i:pgf>",
        "<?alert 1?><!-- alert -->",
    ],
)
def test_what_does_more_than_being_seen_is_left_out(inside: str) -> None:
    text = drawn(inside)

    assert "alert" not in text
    assert "evil" not in text


def test_what_looks_like_markup_in_words_stays_words() -> None:
    text = drawn("<title>&lt;script>x&lt;/script></title><g id='&quot; onload=&quot;x'/>", root="onload='x()'")

    root = ElementTree.fromstring(text)
    assert [each.tag for each in root.iter() if each.tag.endswith("script")] == []
    assert [name for each in root.iter() for name in each.attrib if name.startswith("on")] == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<!DOCTYPE svg [<!ENTITY a 'x'>]><svg xmlns='http://www.w3.org/2000/svg'><path/></svg>", "DOCTYPE"),
        (b"<svg><path/></svg>", "isn't SVG"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'><svg/></html>", "isn't SVG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><path></svg>", "isn't sound SVG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>", "shows nothing"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<g>" * 50 + b"<path/>" + b"</g>" * 50 + b"</svg>", "nested"),
        (b"GIF89a", "neither SVG nor PNG nor WebP"),
        (b"", "neither SVG nor PNG nor WebP"),
        (b"RIFF\0\0\0\0WEBP" + b"x" * MOST, f"{MOST:,} are the most"),
        (PNG + (SIDE + 1).to_bytes(4, "big") + b"\0\0\0\x01", "pixels wide or high"),
        (PNG + b"\0" * 8, "pixels wide or high"),
    ],
)
def test_what_is_no_logo_is_refused_with_a_word_on_it(data: bytes, why: str) -> None:
    with pytest.raises(LogoRefused, match=why):
        logo_of(data)


def test_pictures_of_dots_are_known_by_what_is_in_them() -> None:
    assert logo_of(PNG + b"\0\0\0\x20\0\0\0\x20").media_type == "image/png"
    assert logo_of(b"RIFF\0\0\0\0WEBPVP8 ").media_type == "image/webp"
