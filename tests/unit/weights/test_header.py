"""A GGUF file's header: read without llama.cpp, and harmless whatever the file holds."""

import random
import struct
from pathlib import Path

import pytest

from hub.weights.header import read


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def key(name: str, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def number(name: str, value: int) -> bytes:
    return key(name, 4, struct.pack("<I", value))


def words(name: str, *values: str) -> bytes:
    return key(name, 9, struct.pack("<IQ", 8, len(values)) + b"".join(map(text, values)))


def tensor(name: str, *shape: int) -> bytes:
    return text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", size) for size in shape) + bytes(12)


def model(*keys: bytes, tensors: tuple[bytes, ...] = (), version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys)) + b"".join(keys) + b"".join(tensors)


LLAMA = model(
    key("general.architecture", 8, text("llama")),
    key("general.name", 8, text("Tiny")),
    number("general.file_type", 15),
    number("llama.context_length", 8192),
    number("llama.embedding_length", 64),
    number("llama.block_count", 2),
    number("llama.attention.head_count", 8),
    key("llama.attention.head_count_kv", 9, struct.pack("<IQII", 4, 2, 2, 4)),
    words("tokenizer.ggml.tokens", "a", "b", "c"),
    key("tokenizer.chat_template", 8, text("{{ messages }}")),
    key("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, 2000) + bytes(8000)),
    tensors=(tensor("token_embd.weight", 64, 3), tensor("blk.0.attn_q.weight", 64, 64)),
)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "x.gguf"
    path.write_bytes(data)
    return path


def test_a_header_says_what_the_model_is(tmp_path: Path) -> None:
    found = read(written(tmp_path, LLAMA))

    assert (found.name, found.architecture, found.quantisation) == ("Tiny", "llama", "Q4_K_M")
    assert (found.context, found.vocabulary, found.layers) == (8192, 3, 2)
    assert found.parameters == 64 * 3 + 64 * 64
    assert found.kv_width == 4 * (8 + 8)
    assert found.chat_template
    assert not found.embeds


@pytest.mark.parametrize(
    ("keys", "embeds", "projector"),
    [
        ([key("general.architecture", 8, text("bert"))], True, False),
        ([key("general.architecture", 8, text("qwen3")), number("qwen3.pooling_type", 3)], True, False),
        ([key("general.architecture", 8, text("clip"))], False, True),
        ([], False, False),
    ],
)
def test_embedders_and_projectors_are_known(
    tmp_path: Path, keys: list[bytes], *, embeds: bool, projector: bool
) -> None:
    found = read(written(tmp_path, model(*keys)))

    assert (found.embeds, found.projector) == (embeds, projector)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a GGUF file"),
        (b"<html>Not found</html>", "not a GGUF file"),
        (b"GGUF" + bytes(20), "version 0"),
        (LLAMA[:200], "damaged"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), "more keys or tensors than any model"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1 << 60), "a text longer than any"),
        (model(key("a", 99, b"")), "unknown kind 99"),
        (model(key("a", 9, struct.pack("<IQ", 4, 1 << 60))), "a list longer than any"),
        (model(tensors=(text("a") + struct.pack("<I", 1 << 30),)), "too many dimensions"),
    ],
)
def test_what_is_no_model_is_told_as_what_it_is(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(written(tmp_path, data))


def test_two_thousand_damaged_headers_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    chance = random.Random(7)
    for _ in range(2000):
        data = bytearray(LLAMA)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        try:
            read(written(tmp_path, bytes(data[: chance.randint(4, len(data))])))
        except ValueError:
            continue
