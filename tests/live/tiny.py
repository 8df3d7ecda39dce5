"""Tiny models with random weights, written as GGUF files: they say nothing sensible, and prove the plumbing."""

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

    def add(self, name: str, *shape: int) -> None:
        """Add a tensor of random numbers."""
        self._writer.add_tensor(name, self._dice.normal(0, self._spread, shape).astype(np.float32))

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
