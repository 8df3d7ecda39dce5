"""Train and measure the weights that say whether a task is complete (completion.*.jsonl.gz).

    score MODEL OUT FILE:COUNT ...    ask the model once about COUNT sampled items of each file (slow)
    fit WEIGHTS_PY CHEAP,... SCORES,...   fit COMPLETE_CHEAP on whole files and COMPLETE_SCORED on what `score` wrote
    report FILE ...                   measure on dev files, or on what `score` wrote about them

Needs numpy; no part of the product.
"""

import argparse
import gzip
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from train_router import SEED, Scorer, write

from hub.flow import judging, weights
from hub.flow.evidence import Features
from hub.ports import Score

Row = tuple[dict[str, Any], Features, Features | None]
"""An item, its cheap features, and those with scores."""


def items(path: str, count: int = 0) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        every = [json.loads(line) for line in lines]
    return random.Random(SEED).sample(every, count) if 0 < count < len(every) else every


def parts(item: dict[str, Any]) -> tuple[str, list[judging.Spoken], list[judging.Receipt]]:
    transcript: list[judging.Spoken] = [(line["role"], line["text"]) for line in item["transcript"]]
    calls = item.get("calls") or ()
    receipts = [judging.Receipt(tool=call["method"], failed=not call["results"], after=call["after"]) for call in calls]
    return transcript[0][1], transcript, receipts


def score(model: str, out: str, files: Sequence[str]) -> None:
    scorer = Scorer(model)
    with Path(out).open("w", encoding="utf-8") as lines:
        for name, count in (spec.rsplit(":", 1) for spec in files):
            for item in items(name, int(count)):
                goal, transcript, _ = parts(item)
                pairs = judging.expectations(goal, transcript)
                scorer.forget()
                before = scorer.evaluated
                found = scorer.score([(str(at), *pair) for at, pair in enumerate(pairs)])
                scores = [(one.logprob, one.tokens) for one in found]
                kept = {"item": item, "scores": scores, "tokens": scorer.evaluated - before}
                print(json.dumps(kept), file=lines, flush=True)


def rows(path: str) -> list[Row]:
    if path.endswith(".gz"):
        return [(item, judging.signs(*parts(item)), None) for item in items(path)]
    found: list[Row] = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        data = json.loads(line)
        cheap = judging.signs(*parts(data["item"]))
        found.append((data["item"], cheap, judging.with_expectations(cheap, [Score(*one) for one in data["scores"]])))
    return found


def reworded(item: dict[str, Any], features: Features) -> Features | None:
    """The same promise in words that no list has: what keeps the rule from leaning on this set's wording."""
    if not item["kind"].startswith("promised"):
        return None
    return features | {"promise": 0.0, "promise_farewell": 0.0}


def fit(found: Sequence[tuple[dict[str, Any], Features]], strength: float, dear: float) -> dict[str, float]:
    """Fit the logistic model; calling an incomplete task complete costs `dear` times as much as the reverse."""
    every = [(item["complete"], features) for item, features in found]
    every += [(0, other) for item, features in found if (other := reworded(item, features))]
    names = sorted({name for _, features in every for name in features})
    x = np.array([[features.get(name, 0.0) for name in names] for _, features in every])
    y = np.array([float(complete) for complete, _ in every])
    cost = np.where(y == 1, 1.0, dear)
    w = np.zeros(len(names))
    for _ in range(40):
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (cost * (y - p)) - strength * w
        step = np.linalg.solve((x * (cost * p * (1 - p))[:, None]).T @ x + strength * np.eye(len(names)), gradient)
        w += step
    return {name: round(float(value), 3) for name, value in zip(names, w, strict=True)}


def report(path: str) -> None:
    found = rows(path)
    ways = {"cheap": [judging.complete(cheap, weights.COMPLETE_CHEAP) for _, cheap, _ in found]}
    if found[0][2] is not None:
        ways["scored"] = [judging.complete(full or {}, weights.COMPLETE_SCORED) for _, _, full in found]
    unseen = [(item, reworded(item, cheap) or cheap, None) for item, cheap, _ in found]
    ways["cheap, promises reworded"] = [judging.complete(cheap, weights.COMPLETE_CHEAP) for _, cheap, _ in unseen]
    for way, probabilities in ways.items():
        print(f"\n{path}: {way}, {len(found)} items, area under the ROC curve {area(found, probabilities):.3f}")
        for limit in (0.5, 0.7, 0.8, 0.9):
            measure(found, probabilities, limit)


def measure(found: Sequence[Row], probabilities: Sequence[float], limit: float) -> None:
    said = np.array(probabilities) >= limit
    true = np.array([bool(item["complete"]) for item, _, _ in found])
    kinds = np.array([item["kind"] for item, _, _ in found])
    by_kind = "  ".join(f"{kind} {(said == true)[kinds == kind].mean():.2f}" for kind in sorted(set(kinds)))
    precision = (said & true).sum() / max(1, said.sum())
    print(
        f"  from {limit}: accuracy {(said == true).mean():.3f}, false-complete {said[~true].mean():.3f}, "
        f"precision {precision:.3f}, recall {said[true].mean():.3f}; {by_kind}"
    )


def area(found: Sequence[Row], probabilities: Sequence[float]) -> float:
    true = np.array([bool(item["complete"]) for item, _, _ in found])
    p = np.array(probabilities)
    above = (p[true][:, None] > p[~true][None, :]).mean()
    return float(above + (p[true][:, None] == p[~true][None, :]).mean() / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["score", "fit", "report"])
    parser.add_argument("rest", nargs="+")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--dear", type=float, default=3.0)
    given = parser.parse_args()
    match given.command:
        case "score":
            score(given.rest[0], given.rest[1], given.rest[2:])
        case "fit":
            cheap = [(item, some) for path in given.rest[1].split(",") for item, some, _ in rows(path)]
            tables = {"COMPLETE_CHEAP": fit(cheap, given.strength, given.dear)}
            if len(given.rest) > 2:
                full = [(item, some) for path in given.rest[2].split(",") for item, _, some in rows(path) if some]
                tables["COMPLETE_SCORED"] = fit(full, given.strength, given.dear)
            write(given.rest[0], tables)
        case "report":
            for path in given.rest:
                report(path)


if __name__ == "__main__":
    main()
