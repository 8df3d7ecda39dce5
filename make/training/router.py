"""Fit the router's weights on labelled streams that the reader wasn't trained on (routing.*.jsonl.gz).

    python -m make.training.router gather MODEL READER OUT FILE ... [--mixed N]
    python -m make.training.router fit WEIGHTS_PY MODEL READER OUT ... [--streams FILE ...]
    python -m make.training.router report OUT ...

`gather` walks every fifth stream of each file, and N new ones made of these streams' dialogues, with the history set
right after each answer, and writes each message's features as a JSON line; the language model is asked only where
reader and cheap evidence leave a doubt, or with `--all` each time. `fit` then fits READ and READ_SCORED, SCORED if the
model was asked each time, and CHEAP on all of `--streams`; it writes down which files they belong to. Fitting READ on
histories with mistakes as well was tried and made it worse, on such histories too. `report` tells what
each part adds, each fifth of the streams judged by what was fitted on the others. How good the router is in the end,
`agenthost eval routing` says.
"""

import argparse
import itertools
import json
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hub.evals.streams import Item
from hub.flow import reading, weighing, weights
from hub.flow.evidence import Features, gather
from hub.llm.reader import Reader
from hub.ports import Score
from make.training.fitting import bind, fit, write
from make.training.mixing import Mixer, erring
from make.training.scorer import Scorer, ask
from make.training.streams import Raw, items, split

SEED = 20261124
FOLDS = 5
DOUBTFUL = 0.95
"""Above it, the language model isn't asked: a bit more than the router's own limit, so that fitting sees both sides."""
Row = dict[str, Any]
"""A message: its features, what reader and language model said, which places are right."""


class Collector:
    """Makes rows of items."""

    def __init__(self, model: str, reader: str, doubtful: float) -> None:
        self._doubtful = doubtful
        self._scorer = Scorer(model)
        self._reader = Reader(reader)

    def walk(self, stream: Raw) -> Iterator[Row]:
        """Yield a stream's messages that have a choice and a right answer."""
        self._scorer.forget()
        for item in items(stream):
            if item.roster and item.right:
                yield self._row(item) | {"stream": item.stream, "i": item.message.i}

    def _row(self, item: Item) -> Row:
        cheap = gather(item.message.text, item.roster, item.now)
        logits, _ = self._reader.match(reading.question(item.message.text), reading.blocks(item.roster, item.now))
        read = weighing.with_reader(cheap, logits)
        likely = weighing.likely(read, weights.READ)
        scores: list[Score] = []
        if max(likely) < self._doubtful:
            scores = ask(self._scorer, item)
        pairs = [(score.logprob, score.tokens) for score in scores]
        return {"right": item.right, "cheap": cheap, "logits": logits, "scores": pairs, "kind": item.kind}


def collect(given: argparse.Namespace) -> None:
    collector = Collector(given.model, given.reader, 2.0 if given.all else DOUBTFUL)
    with Path(given.out).open("w", encoding="utf-8") as lines:
        for path in given.files:
            held = split(path)[1]
            mixed = Mixer(held, random.Random(f"{SEED} {Path(path).name}")).streams()
            for stream in [*held, *itertools.islice(mixed, given.mixed)]:
                for row in collector.walk(stream):
                    print(json.dumps(row), file=lines, flush=True)


def rows(paths: Sequence[str]) -> Iterator[Row]:
    for path in paths:
        with Path(path).open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def features(row: Row) -> list[Features]:
    """Return a row's features with what the reader said."""
    return weighing.with_reader(row["cheap"], row["logits"])


def tables(found: Sequence[Row], strength: float) -> dict[str, dict[str, float]]:
    """Fit each table on the rows that have what it needs."""
    scored = [row for row in found if row["scores"]]
    found_tables = {
        "READ": fit([(row["right"], features(row)) for row in found], strength),
        "READ_SCORED": fit([(row["right"], with_scores(row)) for row in scored], strength),
    }
    if len(scored) == len(found):
        unread = [(row["right"], weighing.with_scores(row["cheap"], _scores(row))) for row in found]
        found_tables["SCORED"] = fit(unread, strength)
    return found_tables


def cheap(paths: Sequence[str], strength: float) -> dict[str, float]:
    """Fit CHEAP on whole files, half of it over histories in which some messages went astray."""
    found: list[tuple[Sequence[int], list[Features]]] = []
    for path in paths:
        chance = random.Random(f"{SEED} {Path(path).name}")
        for stream in itertools.chain(*split(path)):
            for choose in (None, partial(erring, chance=chance)):
                found += [
                    (item.right, gather(item.message.text, item.roster, item.now))
                    for item in items(stream, choose)
                    if item.right and item.roster
                ]
    return fit(found, strength)


def with_scores(row: Row) -> list[Features]:
    """Return a row's features with what reader and language model said."""
    return weighing.with_scores(features(row), _scores(row))


def _scores(row: Row) -> list[Score]:
    return [Score(*pair) for pair in row["scores"]]


def report(found: Sequence[Row], strength: float) -> None:
    """Print how often each way is right, by source; streams' first messages, which no way can miss, don't count."""
    ways: dict[str, list[Sequence[float]]] = {
        "the reader alone": [(*row["logits"],) for row in found],
        "times, questions, words": _crossed(found, lambda row: row["cheap"], strength),
        "and the reader": _crossed(found, features, strength),
    }
    scored = [row for row in found if row["scores"]]
    told = dict(zip(map(id, scored), _crossed(scored, with_scores, strength), strict=True))
    ways["and the model in doubt"] = [
        told[id(row)] if max(likely) < weighing.SURE and id(row) in told else likely
        for row, likely in zip(found, ways["and the reader"], strict=True)
    ]
    sources = [row["stream"].split("-")[0] for row in found]
    for way, judged in ways.items():
        right: dict[str, list[bool]] = {source: [] for source in sorted(set(sources))}
        for row, likely, source in zip(found, judged, sources, strict=True):
            right[source].append(likely.index(max(likely)) in row["right"])
        print(f"{way:28}" + "  ".join(f"{name} {sum(one) / len(one):.3f} of {len(one)}" for name, one in right.items()))


def _crossed(found: Sequence[Row], of: Callable[[Row], list[Features]], strength: float) -> list[Sequence[float]]:
    """Judge each fifth of the streams by what was fitted on the others."""
    folds = [zlib.crc32(row["stream"].encode()) % FOLDS for row in found]
    tables = [
        fit([(row["right"], of(row)) for row, at in zip(found, folds, strict=True) if at != fold], strength)
        for fold in range(FOLDS)
    ]
    return [weighing.likely(of(row), tables[at]) for row, at in zip(found, folds, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    gathering = commands.add_parser("gather")
    for name in ("model", "reader", "out"):
        gathering.add_argument(name)
    gathering.add_argument("files", nargs="+")
    gathering.add_argument("--mixed", type=int, default=0)
    gathering.add_argument("--all", action="store_true")
    fitting = commands.add_parser("fit")
    for name in ("weights", "model", "reader"):
        fitting.add_argument(name)
    fitting.add_argument("rows", nargs="+")
    fitting.add_argument("--streams", nargs="*", default=())
    fitting.add_argument("--strength", type=float, default=8.0)
    reporting = commands.add_parser("report")
    reporting.add_argument("rows", nargs="+")
    reporting.add_argument("--strength", type=float, default=8.0)
    given = parser.parse_args()
    if given.command == "gather":
        collect(given)
    elif given.command == "report":
        report(list(rows(given.rows)), given.strength)
    else:
        fitted = tables(list(rows(given.rows)), given.strength)
        if given.streams:
            fitted["CHEAP"] = cheap(given.streams, given.strength)
        write(given.weights, fitted)
        bind(given.weights, {"MODEL_SHA256": given.model, "READER_SHA256": given.reader})


if __name__ == "__main__":
    main()
