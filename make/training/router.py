"""Fit the router's weights on labelled streams that the reader wasn't trained on (routing.*.jsonl.gz).

    python -m make.training.router gather MODEL READER OUT FILE ... [--mixed N]
    python -m make.training.router fit WEIGHTS_PY MODEL READER OUT ...

`gather` walks every fifth stream of each file, and N new ones made of these streams' dialogues, twice: with the history
set right after each answer, and over histories that the router's present weights make. It writes each message's
features as a JSON line; the language model is asked only where reader and cheap evidence leave a doubt. `fit` then
fits CHEAP, READ and READ_SCORED, and SCORED where `--all` had the model asked each time, and writes which files they
belong to. Gathering again with what was fitted, and fitting on both, makes the router stand its
own mistakes. How good it is, `agenthost eval routing` says.
"""

import argparse
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hub.evals.streams import Item
from hub.flow import reading, weighing, weights
from hub.flow.evidence import Features, gather
from hub.llm.reader import Reader
from hub.ports import Score
from make.training.fitting import bind, fit, write
from make.training.mixing import Mixer
from make.training.scorer import Scorer, ask
from make.training.streams import Raw, items, split

SEED = 20261124
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
        self._place = 0

    def walk(self, stream: Raw, *, forced: bool) -> Iterator[Row]:
        """Yield a stream's messages that have a choice and a right answer."""
        self._scorer.forget()
        for item in items(stream, None if forced else lambda _: self._place):
            self._place = 0
            if item.roster:
                row = self._row(item)
                if item.right:
                    yield row | {"stream": item.stream, "forced": forced, "i": item.message.i}

    def _row(self, item: Item) -> Row:
        cheap = gather(item.message.text, item.roster, item.now)
        logits, _ = self._reader.match(reading.question(item.message.text), reading.blocks(item.roster, item.now))
        read = weighing.with_reader(cheap, logits)
        likely = weighing.likely(read, weights.READ)
        scores: list[Score] = []
        if max(likely) < self._doubtful:
            scores = ask(self._scorer, item)
            if max(likely) < weighing.SURE:
                likely = weighing.likely(weighing.with_scores(read, scores), weights.READ_SCORED)
        self._place = likely.index(max(likely))
        pairs = [(score.logprob, score.tokens) for score in scores]
        return {"right": item.right, "cheap": cheap, "logits": logits, "scores": pairs, "kind": item.kind}


def collect(given: argparse.Namespace) -> None:
    collector = Collector(given.model, given.reader, 2.0 if given.all else DOUBTFUL)
    with Path(given.out).open("w", encoding="utf-8") as lines:
        for path in given.files:
            held = split(path)[1]
            mixed = Mixer(held, random.Random(f"{SEED} {Path(path).name}")).streams()
            for stream in [*held, *itertools.islice(mixed, given.mixed)]:
                for forced in (True, False):
                    for row in collector.walk(stream, forced=forced):
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
        "CHEAP": fit([(row["right"], row["cheap"]) for row in found], strength),
        "READ": fit([(row["right"], features(row)) for row in found], strength),
        "READ_SCORED": fit([(row["right"], with_scores(row)) for row in scored], strength),
    }
    if len(scored) == len(found):
        unread = [(row["right"], weighing.with_scores(row["cheap"], _scores(row))) for row in found]
        found_tables["SCORED"] = fit(unread, strength)
    return found_tables


def with_scores(row: Row) -> list[Features]:
    """Return a row's features with what reader and language model said."""
    return weighing.with_scores(features(row), _scores(row))


def _scores(row: Row) -> list[Score]:
    return [Score(*pair) for pair in row["scores"]]


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
    fitting.add_argument("--strength", type=float, default=1.0)
    given = parser.parse_args()
    if given.command == "gather":
        collect(given)
    else:
        write(given.weights, tables(list(rows(given.rows)), given.strength))
        bind(given.weights, {"MODEL_SHA256": given.model, "READER_SHA256": given.reader})


if __name__ == "__main__":
    main()
