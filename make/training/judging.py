"""Train and measure the weights that say whether a task is complete: python -m make.training.judging

choose FILE ...             cross-validate on training files (completion.*.jsonl.gz): how strict to be
fit WEIGHTS_PY FILE ...     fit on training files; write the weights
report FILE ...             measure on dev files, as they are and with the promises in words that no list has

`agenthost eval completion` measures the supervisor that they serve.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hub.evals.completion import Cut, cuts, evidence
from hub.evals.metrics import area
from hub.flow import judging
from hub.flow.evidence import Features
from make.training.fitting import write

Row = tuple[Cut, Features]
"""An item and its signs."""
STRENGTH, DEAR = 0.3, 1.0
FOLDS = 5
SEED = 20261122
FALSE_COMPLETE = 0.04
"""At most so many of the incomplete may be called complete when a threshold is chosen."""
LIMITS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)


def rows(path: str) -> list[Row]:
    return [(cut, judging.signs(*evidence(cut)[:3])) for cut in cuts(Path(path))]


def reworded(cut: Cut, features: Features) -> Features | None:
    """The same promise in words that no list has: what keeps the rule from leaning on this set's wording."""
    if not cut.kind.startswith("promised"):
        return None
    return features | {"promise": 0.0, "promise_farewell": 0.0}


def fit(found: Sequence[Row], strength: float, dear: float) -> dict[str, float]:
    """Fit the logistic model; calling an incomplete task complete costs `dear` times as much as the reverse."""
    every = [(cut.complete, features) for cut, features in found]
    every += [(0, other) for cut, features in found if (other := reworded(cut, features))]
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


def choose(paths: Sequence[str]) -> None:
    """Cross-validate: each dialogue is judged by weights that never saw it."""
    found = [(path, row) for path in paths for row in rows(path)]
    dialogues = sorted({row[0].dialogue for _, row in found})
    random.Random(SEED).shuffle(dialogues)
    fold = {dialogue: at % FOLDS for at, dialogue in enumerate(dialogues)}
    for strength, dear in ((0.3, 1.0), (0.3, 1.5), (0.3, 2.0), (1.0, 1.0), (1.0, 1.5), (1.0, 2.0)):
        tables = [
            fit([row for _, row in found if fold[row[0].dialogue] != out], strength, dear) for out in range(FOLDS)
        ]
        for limit in LIMITS:
            told = []
            for path in paths:
                some = [(row, tables[fold[row[0].dialogue]]) for where, row in found if where == path]
                right = [(judging.complete(row[1], table) >= limit) == bool(row[0].complete) for row, table in some]
                wrong = [
                    judging.complete(reworded(*row) or row[1], table) >= limit
                    for row, table in some
                    if not row[0].complete
                ]
                told.append((np.mean(right), np.mean(wrong)))
            good = all(wrong <= FALSE_COMPLETE for _, wrong in told)
            shown = "  ".join(f"{right:.3f} {wrong:.3f}" for right, wrong in told)
            mean = np.mean([right for right, _ in told])
            print(f"strength {strength} dear {dear} from {limit}: {shown}  mean {mean:.4f}{' *' if good else ''}")


def report(path: str) -> None:
    found = rows(path)
    unseen = [(cut, reworded(cut, features) or features) for cut, features in found]
    for way, some in (("as it is", found), ("promises reworded", unseen)):
        probabilities = [judging.complete(features) for _, features in some]
        under = area([(p, bool(cut.complete)) for p, (cut, _) in zip(probabilities, found, strict=True)])
        print(f"\n{path}: {way}, {len(found)} items, area under the ROC curve {under:.3f}")
        for limit in sorted({judging.COMPLETE, 0.5, 0.7}):
            measure(found, probabilities, limit)


def measure(found: Sequence[Row], probabilities: Sequence[float], limit: float) -> None:
    said = np.array(probabilities) >= limit
    true = np.array([bool(cut.complete) for cut, _ in found])
    kinds = np.array([cut.kind for cut, _ in found])
    by_kind = "  ".join(f"{kind} {(said == true)[kinds == kind].mean():.2f}" for kind in sorted(set(kinds)))
    precision = (said & true).sum() / max(1, said.sum())
    print(
        f"  from {limit}: accuracy {(said == true).mean():.3f}, false-complete {said[~true].mean():.3f}, "
        f"precision {precision:.3f}, recall {said[true].mean():.3f}; {by_kind}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["choose", "fit", "report"])
    parser.add_argument("rest", nargs="+")
    parser.add_argument("--strength", type=float, default=STRENGTH)
    parser.add_argument("--dear", type=float, default=DEAR)
    given = parser.parse_args()
    match given.command:
        case "choose":
            choose(given.rest)
        case "fit":
            found = [row for path in given.rest[1:] for row in rows(path)]
            write(given.rest[0], {"COMPLETE": fit(found, given.strength, given.dear)})
        case "report":
            for path in given.rest:
                report(path)


if __name__ == "__main__":
    main()
