"""Tiny models with random weights, written as GGUF files: they say nothing sensible, and prove the plumbing."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, PoolingType, TokenType
from numpy.typing import NDArray

WIDTH, LAYERS, HEADS, FEED = 64, 2, 4, 128
CONTEXT = 512
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"\u2581{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
WORDS += [*"abcdefghijklmnopqrstuvwxyz"]

Weights = NDArray[np.float32]


class Dice:
    """Random weights, the same for the same seed."""

    def __init__(self, writer: GGUFWriter, seed: int, *, spread: float = 0.1) -> None:
        self._writer = writer
        self._dice = np.random.default_rng(seed)
        self._spread = spread

    def add(self, name: str, *shape: int, first: Sequence[float] | None = None) -> None:
        """Add a tensor of random numbers; `first` is its first column."""
        weights = self._dice.normal(0, self._spread, shape).astype(np.float32)
        if first is not None:
            weights[:, 0] = first
        self._writer.add_tensor(name, weights)

    def ones(self, name: str, *shape: int) -> None:
        """Add a norm's weight."""
        self._writer.add_tensor(name, np.ones(shape, np.float32))

    def zeros(self, name: str, *shape: int) -> None:
        """Add a bias that does nothing."""
        self._writer.add_tensor(name, np.zeros(shape, np.float32))


def bert(path: Path, *, seed: int = 1, pooling: PoolingType = PoolingType.MEAN) -> Path:
    """Write a BERT that turns texts into vectors."""
    writer = _writer(path, "bert")
    writer.add_causal_attention(False)
    writer.add_pooling_type(pooling)
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(2)
    writer.add_token_list(WORDS)
    writer.add_token_scores([0.0] * len(WORDS))
    writer.add_token_types([TokenType.CONTROL] * 5 + [TokenType.NORMAL] * (len(WORDS) - 5))
    for id, add in enumerate(
        (writer.add_pad_token_id, writer.add_unk_token_id, writer.add_bos_token_id, writer.add_sep_token_id)
    ):
        add(id)
    dice = Dice(writer, seed)
    dice.add("token_embd.weight", len(WORDS), WIDTH)
    dice.add("position_embd.weight", CONTEXT, WIDTH)
    dice.add("token_types.weight", 2, WIDTH)
    _norm(dice, "token_embd_norm", WIDTH)
    for block in (f"blk.{n}" for n in range(LAYERS)):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            _linear(dice, f"{block}.{part}", WIDTH, WIDTH)
        _norm(dice, f"{block}.attn_output_norm", WIDTH)
        _linear(dice, f"{block}.ffn_up", FEED, WIDTH)
        _linear(dice, f"{block}.ffn_down", WIDTH, FEED)
        _norm(dice, f"{block}.layer_output_norm", WIDTH)
    return _written(writer, path)


def _writer(path: Path, architecture: str) -> GGUFWriter:
    writer = GGUFWriter(path, architecture)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-5)
    return writer


def _linear(dice: Dice, name: str, out: int, into: int) -> None:
    dice.add(f"{name}.weight", out, into)
    dice.zeros(f"{name}.bias", out)


def _norm(dice: Dice, name: str, width: int) -> None:
    dice.ones(f"{name}.weight", width)
    dice.zeros(f"{name}.bias", width)


def _written(writer: GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


PIECES = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581"]
IMAGE, PATCH = 28, 14
"""Pixels of an image's side and of a patch's: four patches, so four tokens."""


def text(path: Path, *, seed: int = 2, pooling: PoolingType | None = None) -> Path:
    """Write a model of Llama's kind that writes random letters, the frequent ones more often.

    With bytes at random, it would be taken for a damaged file.
    """
    writer = _writer(path, "llama")
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(PIECES))
    if pooling is not None:
        writer.add_pooling_type(pooling)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(PIECES)
    writer.add_token_scores([0.0] * 3 + [-1.0] * (len(PIECES) - 3))
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 256, TokenType.NORMAL]
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    dice = Dice(writer, seed)
    dice.add("token_embd.weight", len(PIECES), WIDTH, first=[16.0] * len(PIECES))
    dice.ones("output_norm.weight", WIDTH)
    letters = [PIECES[-1], *(f"<0x{ord(letter):02X}>" for letter in "etaoinshrdlucmfwypvbgk.,TSjqxz")]
    likely = {piece: 1.0 - 0.02 * at for at, piece in enumerate(letters)}
    dice.add("output.weight", len(PIECES), WIDTH, first=[likely.get(piece, 0.0) for piece in PIECES])
    for block in (f"blk.{n}" for n in range(LAYERS)):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            dice.add(f"{block}.{part}.weight", WIDTH, WIDTH)
        dice.ones(f"{block}.attn_norm.weight", WIDTH)
        dice.ones(f"{block}.ffn_norm.weight", WIDTH)
        for part in ("ffn_up", "ffn_gate"):
            dice.add(f"{block}.{part}.weight", FEED, WIDTH)
        dice.add(f"{block}.ffn_down.weight", WIDTH, FEED)
    return _written(writer, path)


def mmproj(path: Path, *, seed: int = 3) -> Path:
    """Write LLaVA's kind of an eye for `text`: a vision transformer and two layers that lead to its width."""
    writer = GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_vision_image_size(IMAGE)
    writer.add_vision_patch_size(PATCH)
    writer.add_vision_embedding_length(WIDTH)
    writer.add_vision_feed_forward_length(FEED)
    writer.add_vision_projection_dim(WIDTH)
    writer.add_vision_block_count(LAYERS)
    writer.add_vision_head_count(HEADS)
    writer.add_vision_attention_layernorm_eps(1e-5)
    writer.add_vision_image_mean([0.5, 0.5, 0.5])
    writer.add_vision_image_std([0.5, 0.5, 0.5])
    writer.add_vision_use_gelu(True)
    dice = Dice(writer, seed)
    dice.add("v.patch_embd.weight", WIDTH, 3, PATCH, PATCH)
    dice.add("v.class_embd", WIDTH)
    dice.add("v.position_embd.weight", (IMAGE // PATCH) ** 2 + 1, WIDTH)
    _norm(dice, "v.pre_ln", WIDTH)
    for block in (f"v.blk.{n}" for n in range(LAYERS)):
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            _linear(dice, f"{block}.{part}", WIDTH, WIDTH)
        _norm(dice, f"{block}.ln1", WIDTH)
        _norm(dice, f"{block}.ln2", WIDTH)
        _linear(dice, f"{block}.ffn_up", FEED, WIDTH)
        _linear(dice, f"{block}.ffn_down", WIDTH, FEED)
    _linear(dice, "mm.0", WIDTH, WIDTH)
    _linear(dice, "mm.2", WIDTH, WIDTH)
    return _written(writer, path)


def png(red: int, green: int, blue: int, *, width: int = 40, height: int = 30) -> bytes:
    """Return a picture of one colour."""
    row = b"\0" + bytes((red, green, blue)) * width
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(row * height)), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
