"""Fit the router's multinomial logistic model, and write weights into hub/flow/weights.py."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hub.flow.evidence import Features
from make.training.streams import CANDIDATES


def fit(found: Sequence[tuple[Sequence[int], list[Features]]], strength: float) -> dict[str, float]:
    """Fit the multinomial logistic model by Newton's method, with a Gaussian prior of that strength."""
    usable = [(right[0], features) for right, features in found if right and len(features) > 1]
    names = sorted({name for _, options in usable for features in options for name in features})
    x = np.zeros((len(usable), CANDIDATES + 1, len(names)))
    live = np.zeros((len(usable), CANDIDATES + 1), dtype=bool)
    gold_at = np.array([gold for gold, _ in usable])
    for at, (_, options) in enumerate(usable):
        for place, features in enumerate(options):
            live[at, place] = True
            x[at, place] = [features.get(name, 0.0) for name in names]
    w = np.zeros(len(names))
    for _ in range(30):
        logits = np.where(live, x @ w, -np.inf)
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        mean = np.einsum("nk,nkf->nf", p, x)
        gradient = (x[np.arange(len(x)), gold_at] - mean).sum(0) - strength * w
        spread = np.einsum("nk,nkf,nkg->fg", p, x, x, optimize=True) - mean.T @ mean
        step = np.linalg.solve(spread + strength * np.eye(len(names)), gradient)
        w += step
        if np.abs(step).max() < 1e-6:
            break
    return {name: round(float(value), 3) for name, value in zip(names, w, strict=True) if abs(value) >= 0.0005}


def write(path: str, tables: dict[str, dict[str, float]]) -> None:
    """Put the tables in place of those of their names; the rest of the module stays."""
    text = Path(path).read_text(encoding="utf-8")
    for name, table in tables.items():
        head = f"{name}: Mapping[str, float] = {{"
        start = text.index(head)
        end = text.index("\n}\n", start)
        body = "".join(f'\n    "{key}": {value},' for key, value in sorted(table.items()))
        text = text[:start] + head + body + text[end:]
    Path(path).write_text(text, encoding="utf-8")


def bind(path: str, files: dict[str, str]) -> None:
    """Write down which files the tables were fitted with: each one's SHA-256 under its name."""
    text = Path(path).read_text(encoding="utf-8")
    for name, file in files.items():
        with open(file, "rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
        text = re.sub(rf'^{name} = ".*"$', f'{name} = "{digest}"', text, flags=re.MULTILINE)
    Path(path).write_text(text, encoding="utf-8")
