"""Train and measure the router's weights on labelled streams (routing.*.jsonl.gz): python -m make.training.router

    score MODEL OUT FILE:COUNT ...            ask the model once for every message of COUNT sampled streams (slow)
    fit WEIGHTS_PY SCORES ... [FILE ...]      fit SCORED on what `score` wrote, CHEAP on whole training files
    report SCORES ...                         accuracy and calibration on what `score` wrote about dev files
    online MODEL FILE:COUNT ...               the on-line protocol: errors propagate

Scores are kept as JSON lines, so that only `score` and `online` need llama.cpp.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hub.flow import weighing, weights
from hub.flow.evidence import Features, gather
from hub.ports import Score
from make.training.fitting import fit, write
from make.training.scorer import Scorer, ask
from make.training.streams import Item, forced_items, replay, streams

Row = tuple[Item, list[Features], list[Features], tuple[int, float]]
"""A message, its cheap features, those with scores, and what they cost."""


Judged = list[tuple[Item, tuple[float, ...]]]
"""Messages with the probabilities they were given."""


def score(model: str, out: str, files: Sequence[str]) -> None:
    scorer = Scorer(model)
    with Path(out).open("w", encoding="utf-8") as lines:
        for name, count in (spec.rsplit(":", 1) for spec in files):
            for stream in streams(name, int(count)):
                scorer.forget()
                kept = []
                for item in forced_items(stream):
                    if item.roster:
                        before, began = scorer.evaluated, time.process_time()
                        scores = [(one.logprob, one.tokens) for one in ask(scorer, item)]
                        spent = (scorer.evaluated - before, (time.process_time() - began) * 1000)
                        kept.append({"i": item.message["i"], "scores": scores, "spent": spent})
                print(json.dumps({"stream": stream, "scored": kept}), file=lines, flush=True)


def rows(paths: Sequence[str]) -> list[Row]:
    """Read what `score` wrote; of a labelled file itself, everything but scores."""
    found: list[Row] = []
    for path in paths:
        for stream, scored in _read(path):
            for item in forced_items(stream):
                cheap = gather(item.text, item.roster, item.now)
                one = scored.get(item.message["i"])
                full = weighing.with_scores(cheap, [Score(*pair) for pair in one["scores"]]) if one else cheap
                found.append((item, cheap, full, tuple(one["spent"]) if one else (0, 0.0)))
    return found


def _read(path: str) -> Iterable[tuple[dict[str, Any], dict[int, Any]]]:
    if path.endswith(".gz"):
        for stream in streams(path, sys.maxsize):
            yield stream, {}
        return
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        data = json.loads(line)
        yield data["stream"], {one["i"]: one for one in data["scored"]}


def measure(judged: Judged) -> dict[str, float]:
    right: dict[str, list[bool]] = defaultdict(list)
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    exact: dict[str, bool] = defaultdict(lambda: True)
    said_new = is_new = both = 0
    for item, probabilities in judged:
        place = probabilities.index(max(probabilities))
        good = place in item.right
        exact[item.stream] &= good
        kinds = ["all", item.message["kind"], *(name for name in ("short", "twin_open", "shift") if item.message[name])]
        for kind in kinds:
            right[kind].append(good)
        said_new += place == len(item.roster)
        is_new += item.message["kind"] == "new"
        both += good and item.message["kind"] == "new"
        if item.roster:
            bins[min(9, int(max(probabilities) * 10))].append((max(probabilities), good))
    total = sum(map(len, bins.values()))
    error = sum(abs(sum(p - good for p, good in inside)) for inside in bins.values()) / total
    precision, recall = both / max(1, said_new), both / is_new
    return {
        "messages": len(judged),
        **{kind: sum(good) / len(good) for kind, good in sorted(right.items())},
        "stream_exact": sum(exact.values()) / len(exact),
        "new_precision": precision,
        "new_recall": recall,
        "new_f1": 2 * precision * recall / max(1e-9, precision + recall),
        "ece": error,
    }


def last(cheap: Sequence[Features]) -> tuple[float, ...]:
    """A baseline: always the task last spoken of."""
    if len(cheap) == 1:
        return (1.0,)
    return (*(features["last"] for features in cheap[:-1]), 0.0)


def lexical(cheap: Sequence[Features]) -> tuple[float, ...]:
    """A baseline: the task that shares most words, the last one among equals; new if hardly a word is shared."""
    if len(cheap) == 1:
        return (1.0,)
    overlaps = [features["overlap"] + 0.01 * features["last"] for features in cheap[:-1]]
    strange = cheap[-1]["new_unknown"] > 0.85 and not cheap[-1]["new_short"]
    return (*overlaps, 2.0 * strange)


def table(title: str, measures: dict[str, dict[str, float]]) -> None:
    names = list(next(iter(measures.values())))
    print(f"\n{title}\n{'':16}" + "".join(f"{way:>11}" for way in measures))
    for name in names:
        print(f"{name:16}" + "".join(f"{found.get(name, 0.0):11.3f}" for found in measures.values()))


def report(paths: Sequence[str]) -> None:
    for path in paths:
        found = rows([path])
        ways: dict[str, Callable[[Row], tuple[float, ...]]] = {
            "last": lambda row: last(row[1]),
            "lexical": lambda row: lexical(row[1]),
            "untrained": lambda row: weighing.likely(row[2], weights.UNTRAINED),
            "cheap": lambda row: weighing.likely(row[1], weights.CHEAP),
            "scored": lambda row: weighing.likely(row[2], weights.SCORED),
        }
        table(path, {name: measure([(row[0], way(row)) for row in found]) for name, way in ways.items()})
        asked = [row[3] for row in found if row[0].roster]
        print(
            f"tokens/message {np.mean([t for t, _ in asked]):.1f}, cpu ms/message {np.mean([m for _, m in asked]):.0f}"
        )
        thresholds([(row[0], ways["scored"](row)) for row in found])


def thresholds(judged: Judged) -> None:
    """Show what asking below a threshold costs and spares."""
    print(f"{'ask below':>10}{'asked':>8}{'of these wrong':>16}{'wrong, not asked':>18}")
    for limit in (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7):
        asked = [(item, p) for item, p in judged if max(p) < limit]
        wrong = sum(p.index(max(p)) not in item.right for item, p in asked)
        silent = sum(p.index(max(p)) not in item.right for item, p in judged if max(p) >= limit)
        share = wrong / max(1, len(asked))
        print(f"{limit:10.2f}{len(asked) / len(judged):8.3f}{share:16.2f}{silent / len(judged):18.3f}")


def online(model: str, files: Sequence[str]) -> None:
    for name, count in (spec.rsplit(":", 1) for spec in files):
        scorer = Scorer(model)
        judged: dict[str, Judged] = {"cheap": [], "scored": []}
        for stream in streams(name, int(count)):
            for way in judged:
                scorer.forget()
                judged[way] += _walk(stream, scorer if way == "scored" else None)
        table(f"on-line {name}", {way: measure(found) for way, found in judged.items()})


def _walk(stream: dict[str, Any], scorer: Scorer | None) -> Judged:
    walk = replay(stream, forced=False)
    found: Judged = []
    item = next(walk)
    while True:
        features = gather(item.text, item.roster, item.now)
        if scorer and item.roster:
            features = weighing.with_scores(features, ask(scorer, item))
        probabilities = weighing.likely(features, weights.SCORED if scorer else weights.CHEAP)
        found.append((item, probabilities))
        try:
            item = walk.send(probabilities.index(max(probabilities)))
        except StopIteration:
            return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["score", "fit", "report", "online"])
    parser.add_argument("rest", nargs="+")
    parser.add_argument("--strength", type=float, default=1.0)
    given = parser.parse_args()
    match given.command:
        case "score":
            score(given.rest[0], given.rest[1], given.rest[2:])
        case "fit":
            scored = rows([path for path in given.rest[1:] if not path.endswith(".gz")])
            cheap = rows([path for path in given.rest[1:] if path.endswith(".gz")]) or scored
            tables = {
                "CHEAP": fit([(row[0].right, row[1]) for row in cheap], given.strength),
                "SCORED": fit([(row[0].right, row[2]) for row in scored], given.strength),
            }
            write(given.rest[0], tables)
        case "report":
            report(given.rest)
        case "online":
            online(given.rest[0], given.rest[1:])


if __name__ == "__main__":
    main()
