"""What a GGUF file says of itself, read from its head alone; the file may be anybody's."""

import struct
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

LARGEST_KEYS, LARGEST_TEXT, LARGEST_LIST = 10_000, 16 << 20, 4_000_000
"""More than any model has: what says so is damaged."""

MOST_TENSORS = 100_000
MOST_DIMENSIONS = 8
PLAIN = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, LIST = 8, 9
# llama.cpp's names of what most of a file's tensors are (enum llama_ftype).
QUANTISATIONS = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4",
}
EMBEDDERS = {"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert", "gemma-embedding"}
PROJECTOR = "clip"

Value = str | int | float | bool | list[int] | None
Keys = dict[str, Value]


class Header(Struct, frozen=True, kw_only=True):
    """A model, as its file describes it; 0 and "" are what it doesn't say."""

    name: str
    architecture: str
    parameters: int
    quantisation: str
    context: int
    """Tokens that it was trained to see at once."""
    vocabulary: int
    layers: int
    kv_width: int
    """Numbers that each layer keeps for a token, keys and values together."""
    chat_template: bool
    embeds: bool
    """Made for embeddings."""
    projector: bool
    """Not a model but the eyes of one (mmproj)."""

    def memory(self, size: int, context: int) -> int:
        """Return about how many bytes it takes with a context: the file, what's kept of each token, room to compute."""
        kept = 2 * self.layers * self.kv_width * context
        return size + kept + (64 << 20) + 4 * self.vocabulary * 512


def read(path: Path) -> Header:
    """Read a file's header; raises ValueError for what isn't a GGUF file, OSError for what can't be read."""
    with path.open("rb") as file:
        try:
            keys, counts, parameters = _keys(file)
        except (struct.error, EOFError, UnicodeDecodeError, OverflowError, MemoryError) as error:
            raise ValueError(f"{path}: a damaged GGUF file ({error})") from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    family = _text(keys.get("general.architecture"))
    heads = _number(keys.get(f"{family}.attention.head_count")) or 1
    width = _number(keys.get(f"{family}.embedding_length")) // heads
    kv_heads = _number(keys.get(f"{family}.attention.head_count_kv")) or heads
    key = _number(keys.get(f"{family}.attention.key_length")) or width
    value = _number(keys.get(f"{family}.attention.value_length")) or width
    pooling = keys.get(f"{family}.pooling_type")
    return Header(
        name=_text(keys.get("general.name")),
        architecture=family,
        parameters=parameters,
        quantisation=QUANTISATIONS.get(_number(keys.get("general.file_type"), -1), ""),
        context=_number(keys.get(f"{family}.context_length")),
        vocabulary=counts.get("tokenizer.ggml.tokens", 0),
        layers=_number(keys.get(f"{family}.block_count")),
        kv_width=kv_heads * (key + value),
        chat_template="tokenizer.chat_template" in keys,
        embeds=family in EMBEDDERS or pooling not in (None, 0),
        projector=family == PROJECTOR,
    )


def _keys(file: BinaryIO) -> tuple[Keys, dict[str, int], int]:
    """Return the keys, how long each list is, and how many parameters the tensors have."""
    if file.read(4) != b"GGUF":
        raise ValueError("not a GGUF file")
    version = _take(file, "<I")
    if version not in (2, 3):
        raise ValueError(f"a GGUF file of version {version}; 2 and 3 are read")
    tensors, count = int(_take(file, "<Q")), int(_take(file, "<Q"))
    if tensors > MOST_TENSORS or count > LARGEST_KEYS:
        raise ValueError("a damaged GGUF file: it says it has more keys or tensors than any model")
    keys: Keys = {}
    lengths: dict[str, int] = {}
    for _ in range(count):
        name = _string(file)
        keys[name], lengths[name] = _value(file, int(_take(file, "<I")))
    return keys, lengths, sum(_tensor(file) for _ in range(tensors))


def _value(file: BinaryIO, kind: int) -> tuple[Value, int]:
    if kind == TEXT:
        return _string(file), 0
    if kind == LIST:
        return _list(file)
    return _take(file, PLAIN[kind] if kind in PLAIN else _unknown(kind)), 0


def _list(file: BinaryIO) -> tuple[Value, int]:
    kind, length = int(_take(file, "<I")), int(_take(file, "<Q"))
    if length > LARGEST_LIST:
        raise ValueError("a damaged GGUF file: it has a list longer than any model's")
    if kind == TEXT:
        for _ in range(length):
            _skip(file, int(_take(file, "<Q")))
        return None, length
    form = PLAIN[kind] if kind in PLAIN else _unknown(kind)
    size = struct.calcsize(form)
    if length > 1000:
        _skip(file, length * size)
        return None, length
    # Some models give one number for each layer: heads, say.
    return [int(_take(file, form)) for _ in range(length)], length


def _tensor(file: BinaryIO) -> int:
    _string(file)
    dimensions = int(_take(file, "<I"))
    if dimensions > MOST_DIMENSIONS:
        raise ValueError("a damaged GGUF file: it has a tensor of too many dimensions")
    product = 1
    for _ in range(dimensions):
        product *= int(_take(file, "<Q"))
    _skip(file, 12)
    return product


def _string(file: BinaryIO) -> str:
    length = int(_take(file, "<Q"))
    if length > LARGEST_TEXT:
        raise ValueError("a damaged GGUF file: it has a text longer than any model's")
    data = file.read(length)
    if len(data) < length:
        raise EOFError("it ends too early")
    return data.decode()


def _take(file: BinaryIO, form: str) -> int | float | bool:
    data = file.read(struct.calcsize(form))
    if len(data) < struct.calcsize(form):
        raise EOFError("it ends too early")
    value: int | float | bool = struct.unpack(form, data)[0]
    return value


def _skip(file: BinaryIO, count: int) -> None:
    if count > LARGEST_TEXT * 4:
        raise ValueError("a damaged GGUF file: it has a text longer than any model's")
    file.seek(count, 1)


def _unknown(kind: int) -> str:
    raise ValueError(f"a damaged GGUF file: it has a value of the unknown kind {kind}")


def _number(value: Value, otherwise: int = 0) -> int:
    if isinstance(value, list):
        return max(value, default=otherwise)
    return int(value) if isinstance(value, int | float) else otherwise


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""
