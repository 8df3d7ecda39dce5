"""Which images a model is shown, and what it's told of the others."""

import struct

import pytest

from hub.llm import openai
from hub.llm.images import MOST, kind, shown, size
from hub.ports import Image, Said
from tests.live.tiny import png

PNG = png(1, 2, 3, width=40, height=30)
GIF = b"GIF89a" + struct.pack("<HH", 7, 5) + b"\0" * 9
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 9 + b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 30, 40) + b"\x03" * 9


@pytest.mark.parametrize(
    ("data", "found"),
    [(PNG, (40, 30)), (GIF, (7, 5)), (JPEG, (40, 30)), (b"", None), (PNG[:20], None), (JPEG[:22], None), (b"BM", None)],
)
def test_an_images_size_is_read_from_its_header(data: bytes, found: tuple[int, int] | None) -> None:
    assert size(data) == found


def test_one_that_cannot_be_shown_is_told() -> None:
    said = Said("user", "Look!", (Image(name="a.webp", data=b"RIFF....WEBP"), Image(name="b.png", data=PNG)))

    (seen,) = shown([said], sees=True)
    (blind,) = shown([said], sees=False)

    assert seen == Said("user", "[image: a.webp, not shown to this model]\nLook!", said.images[1:])
    assert blind.images == ()
    assert "[image: b.png, 40x30, not shown to this model]" in blind.text


def test_the_newest_are_shown_and_older_ones_told() -> None:
    prompt = [Said("user", f"{n}", (Image(name=f"{n}.png", data=PNG),)) for n in range(MOST + 2)]

    found = shown(prompt, sees=True)

    assert [len(said.images) for said in found] == [0, 0, *[1] * MOST]
    assert "0.png" in found[0].text


def test_a_picture_that_would_fill_all_memory_is_not_shown() -> None:
    bomb = PNG[:16] + struct.pack(">II", 60_000, 60_000) + PNG[24:]

    (said,) = shown([Said("user", "", (Image(name="x", data=bomb),))], sees=True)

    assert said == Said("user", "[image: x, 60000x60000, not shown to this model]")


def test_to_a_server_they_go_as_data() -> None:
    (message,) = openai.messages([Said("user", "What's this?", (Image(name="a", data=PNG),))])

    match message["content"]:
        case [{"image_url": {"url": str(url)}}, words]:
            assert url.startswith(f"data:{kind(PNG)};base64,iVBOR")
            assert words == {"type": "text", "text": "What's this?"}
        case other:
            raise AssertionError(other)
