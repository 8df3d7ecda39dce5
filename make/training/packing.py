"""Write a trained reader as a GGUF file that llama.cpp runs: python -m make.training.packing READER OUT --base FOLDER

Needs the packages gguf and safetensors. Weights are kept in 8 bits.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, PoolingType, TokenType, quantize
from numpy.typing import NDArray
from safetensors.numpy import load_file

LAYERS, HEADS, WIDTH, FEED, CONTEXT = 6, 12, 384, 1536, 512
HEADS_KEY = "agenthost.reader.heads"
NOTICE = (
    "Trained by AgentHost from all-MiniLM-L6-v2 (Apache-2.0) on dialogues of Schema-Guided Dialogue "
    "(google-research-datasets, CC BY-SA 4.0) and MultiWOZ 2.1 (MIT). These weights: CC BY-SA 4.0."
)
NAMES = {
    "out": "attn_output",
    "norm": "attn_output_norm",
    "up": "ffn_up",
    "down": "ffn_down",
    "last": "layer_output_norm",
}


def pack(weights: dict[str, NDArray[np.float32]], words: list[str], out: Path) -> None:
    """Write the file."""
    writer = GGUFWriter(out, "bert")
    writer.add_name("AgentHost's reader")
    writer.add_license("cc-by-sa-4.0")
    writer.add_description(NOTICE)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.NONE)
    _vocabulary(writer, words)
    heads = {
        name: [*map(float, weights[f"{name}.weight"][0]), float(weights[f"{name}.bias"][0])] for name in ("old", "new")
    }
    writer.add_string(HEADS_KEY, json.dumps({name: [round(x, 6) for x in row] for name, row in heads.items()}))
    for name, value in _tensors(weights):
        if value.ndim == 2 and not name.startswith(("position", "token_types")):
            kind = GGMLQuantizationType.Q8_0
            writer.add_tensor(name, quantize(value, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _vocabulary(writer: GGUFWriter, words: list[str]) -> None:
    special = [word.startswith("[") and word.endswith("]") and len(word) > 2 for word in words]
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(2)
    # As llama.cpp has them: a word's beginning is marked, its continuation isn't.
    writer.add_token_list(
        [
            word if control else word.removeprefix("##") if word.startswith("##") else "\u2581" + word
            for word, control in zip(words, special, strict=True)
        ]
    )
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types([TokenType.CONTROL if control else TokenType.NORMAL for control in special])
    for add, word in (
        (writer.add_pad_token_id, "[PAD]"),
        (writer.add_unk_token_id, "[UNK]"),
        (writer.add_bos_token_id, "[CLS]"),
        (writer.add_sep_token_id, "[SEP]"),
        (writer.add_mask_token_id, "[MASK]"),
    ):
        add(words.index(word))


def _tensors(weights: dict[str, NDArray[np.float32]]) -> list[tuple[str, NDArray[np.float32]]]:
    found = [
        ("token_embd.weight", weights["words.weight"]),
        ("position_embd.weight", weights["places.weight"]),
        ("token_types.weight", weights["types.weight"]),
    ]
    for kind in ("weight", "bias"):
        found.append((f"token_embd_norm.{kind}", weights[f"norm.{kind}"]))
        for layer in range(LAYERS):
            ours = f"blocks.{layer}."
            parts = np.split(weights[f"{ours}qkv.{kind}"], 3)
            found += [(f"blk.{layer}.attn_{name}.{kind}", part) for name, part in zip("qkv", parts, strict=True)]
            found += [
                (f"blk.{layer}.{theirs}.{kind}", weights[f"{ours}{name}.{kind}"]) for name, theirs in NAMES.items()
            ]
    return [(name, np.ascontiguousarray(value, dtype=np.float32)) for name, value in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--base", type=Path, required=True)
    given = parser.parse_args()
    words = (given.base / "vocab.txt").read_text(encoding="utf-8").split("\n")
    pack(load_file(given.reader), words[:-1] if not words[-1] else words, given.out)


if __name__ == "__main__":
    main()
