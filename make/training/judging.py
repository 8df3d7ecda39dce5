"""Train and measure the weights that say whether a task is complete: python -m make.training.judging

fit WEIGHTS_PY FILE ...     fit on training files (completion.*.jsonl.gz); write the weights
report FILE ...             measure on dev files
"""

import argparse
import gzip
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from hub.flow import judging
from hub.flow.evidence import Features
from make.training.fitting import write

Row = tuple[dict[str, Any], Features]
"""An item and its signs."""


def items(path: str) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def parts(item: dict[str, Any]) -> tuple[str, list[judging.Spoken], list[judging.Receipt]]:
    transcript: list[judging.Spoken] = [(line["role"], line["text"]) for line in item["transcript"]]
    calls = item.get("calls") or ()
    receipts = [judging.Receipt(tool=call["method"], failed=not call["results"], after=call["after"]) for call in calls]
    return transcript[0][1], transcript, receipts


def rows(path: str) -> list[Row]:
    return [(item, judging.signs(*parts(item))) for item in items(path)]


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
    unseen = [(item, reworded(item, features) or features) for item, features in found]
    for way, some in (("as it is", found), ("promises reworded", unseen)):
        probabilities = [judging.complete(features) for _, features in some]
        print(f"\n{path}: {way}, {len(found)} items, area under the ROC curve {area(found, probabilities):.3f}")
        for limit in (0.5, 0.7, 0.8, 0.9):
            measure(found, probabilities, limit)


def measure(found: Sequence[Row], probabilities: Sequence[float], limit: float) -> None:
    said = np.array(probabilities) >= limit
    true = np.array([bool(item["complete"]) for item, _ in found])
    kinds = np.array([item["kind"] for item, _ in found])
    by_kind = "  ".join(f"{kind} {(said == true)[kinds == kind].mean():.2f}" for kind in sorted(set(kinds)))
    precision = (said & true).sum() / max(1, said.sum())
    print(
        f"  from {limit}: accuracy {(said == true).mean():.3f}, false-complete {said[~true].mean():.3f}, "
        f"precision {precision:.3f}, recall {said[true].mean():.3f}; {by_kind}"
    )


def area(found: Sequence[Row], probabilities: Sequence[float]) -> float:
    true = np.array([bool(item["complete"]) for item, _ in found])
    p = np.array(probabilities)
    above = (p[true][:, None] > p[~true][None, :]).mean()
    return float(above + (p[true][:, None] == p[~true][None, :]).mean() / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["fit", "report"])
    parser.add_argument("rest", nargs="+")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--dear", type=float, default=2.0)
    given = parser.parse_args()
    match given.command:
        case "fit":
            found = [row for path in given.rest[1:] for row in rows(path)]
            write(given.rest[0], {"COMPLETE": fit(found, given.strength, given.dear)})
        case "report":
            for path in given.rest:
                report(path)


if __name__ == "__main__":
    main()
