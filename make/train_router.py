"""Train and measure the router's weights on labelled streams (routing.*.jsonl.gz).

    score MODEL OUT FILE:COUNT ...            ask the model once for every message of COUNT sampled streams (slow)
    fit WEIGHTS_PY SCORES ... [FILE ...]      fit SCORED on what `score` wrote, CHEAP on whole training files
    report SCORES ...                         accuracy and calibration on what `score` wrote about dev files
    online MODEL FILE:COUNT ...               the on-line protocol: errors propagate

Scores are kept as JSON lines, so that only `score` and `online` need llama.cpp. Needs numpy; no part of the product.
"""

import argparse
import ctypes
import gzip
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from hub.flow import weighing, weights
from hub.flow.evidence import Features, Line, Seen, gather
from hub.ports import Score
from hub.records import HOME, OWNER, Address, Task, TaskId

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CANDIDATES = 5
KEPT_LINES = 8
SEED = 20261122


class Item:
    """A message to be routed: what the router sees, and the right answer's place (None: its task isn't offered)."""

    def __init__(self, stream: str, message: dict[str, Any], roster: list[Seen], gold: int | None) -> None:
        self.stream = stream
        self.message = message
        self.text: str = message["text"]
        self.roster = roster
        self.gold = gold
        self.now = EPOCH + timedelta(seconds=message["t"])


# --- streams


def streams(path: str, count: int) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        every = [json.loads(line) for line in lines]
    return random.Random(SEED).sample(every, count) if count < len(every) else every


def replay(stream: dict[str, Any], *, forced: bool) -> Generator[Item, int, None]:
    """Yield each user message with the tasks made so far; take the chosen place back."""
    made: dict[str, Seen] = {}
    founded: dict[str, str] = {}
    chosen = ""
    for message in stream["messages"]:
        at = EPOCH + timedelta(seconds=message["t"])
        if message["role"] == "user":
            roster = sorted(made.values(), key=lambda seen: seen.lines[-1][2], reverse=True)[:CANDIDATES]
            gold = _gold(message, roster, founded, forced=forced)
            place = yield Item(stream["stream"], message, roster, gold)
            if forced:
                chosen = message["gold_task"]
            else:
                chosen = roster[place].task.id if place < len(roster) else f"R{len(made) + 1}"
            if chosen not in made:
                made[chosen] = Seen(task=_task(chosen, message["text"], at), lines=(), asked=False)
                founded[chosen] = message["gold_task"]
        line: Line = (message["role"], message["text"], at)
        seen = made[chosen]
        made[chosen] = Seen(task=seen.task, lines=(*seen.lines, line)[-KEPT_LINES:], asked=False)


def _gold(message: dict[str, Any], roster: Sequence[Seen], founded: dict[str, str], *, forced: bool) -> int | None:
    if message["kind"] == "new":
        return len(roster)
    for place, seen in enumerate(roster):
        if (seen.task.id if forced else founded[seen.task.id]) == message["gold_task"]:
            return place
    return None


def _task(name: str, goal: str, at: datetime) -> Task:
    return Task(
        id=TaskId(name),
        tenant=HOME,
        person=OWNER,
        number=1,
        origin=Address(bridge="http", chat="owner/main"),
        title=goal[:60],
        goal=goal,
        agent="default",
        state="working",
        created_at=at,
        updated_at=at,
    )


def forced_items(stream: dict[str, Any]) -> Iterable[Item]:
    walk = replay(stream, forced=True)
    item = next(walk, None)
    while item is not None:
        yield item
        try:
            item = walk.send(0)
        except StopIteration:
            return


# --- the model


class Scorer:
    """Scores pairs as the hub's worker does: one sequence for each task, its prefix kept, one batch a message."""

    def __init__(self, path: str) -> None:
        import llama_cpp  # noqa: PLC0415 - only `score` and `online` need it

        self.lib = llama_cpp
        self.lib.llama_backend_init()
        self._quiet = self.lib.llama_log_callback(lambda *_: None)
        self.lib.llama_log_set(self._quiet, ctypes.c_void_p(0))
        self.model = self.lib.llama_model_load_from_file(path.encode(), self.lib.llama_model_default_params())
        self.vocab = self.lib.llama_model_get_vocab(self.model)
        params = self.lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_seq_max = 4096, 1536, 1536, CANDIDATES + 3
        params.n_threads = params.n_threads_batch = 1
        params.kv_unified = True
        self.context = self.lib.llama_init_from_model(self.model, params)
        self.memory = self.lib.llama_get_memory(self.context)
        self.size = self.lib.llama_vocab_n_tokens(self.vocab)
        self.batch = self.lib.llama_batch_init(1536, 0, 1)
        self.kept: dict[str, tuple[int, list[int]]] = {}
        self.evaluated = 0

    def forget(self) -> None:
        self.lib.llama_memory_clear(self.memory, True)
        self.kept = {}

    def score(self, asked: Sequence[tuple[str, str, str]]) -> list[Score]:
        """Score (name, prefix, continuation); the name says whose prefix to go on from."""
        rows = 0
        jobs = []
        for name, prefix, text in asked:
            head, tail = self._tokens(prefix), self._tokens(text)
            sequence, known = self._sequence(name, {name for name, _, _ in asked})
            same = 0
            while same < min(len(known), len(head) - 1) and known[same] == head[same]:
                same += 1
            self.lib.llama_memory_seq_rm(self.memory, sequence, same, -1)
            for at, token in enumerate(head[same:] + tail[:-1], start=same):
                self._put(rows, token, at, sequence, at >= len(head) - 1)
                rows += 1
            jobs.append((name, sequence, head, tail, rows - len(tail)))
        self.batch.n_tokens = rows
        self.evaluated += rows
        if self.lib.llama_decode(self.context, self.batch):
            raise RuntimeError("llama_decode failed")
        found = []
        for name, sequence, head, tail, first in jobs:
            found.append(Score(sum(self._logprob(first + at, token) for at, token in enumerate(tail)), len(tail)))
            self.lib.llama_memory_seq_rm(self.memory, sequence, len(head), -1)
            self.kept[name] = (sequence, head)
        return found

    def _put(self, row: int, token: int, at: int, sequence: int, wanted: bool) -> None:
        self.batch.token[row], self.batch.pos[row] = token, at
        self.batch.n_seq_id[row], self.batch.seq_id[row][0] = 1, sequence
        self.batch.logits[row] = wanted

    def _sequence(self, name: str, wanted: set[str]) -> tuple[int, list[int]]:
        if name in self.kept:
            return self.kept[name]
        free = set(range(CANDIDATES + 3)) - {sequence for sequence, _ in self.kept.values()}
        if not free:
            oldest = next(name for name in self.kept if name not in wanted)
            free = {self.kept.pop(oldest)[0]}
        sequence = min(free)
        self.lib.llama_memory_seq_rm(self.memory, sequence, 0, -1)
        self.kept[name] = (sequence, [])
        return self.kept[name]

    def _tokens(self, text: str) -> list[int]:
        raw = text.encode()
        found = (self.lib.llama_token * (len(raw) + 8))()
        return list(found[: self.lib.llama_tokenize(self.vocab, raw, len(raw), found, len(found), False, False)])

    def _logprob(self, row: int, token: int) -> float:
        logits = np.ctypeslib.as_array(self.lib.llama_get_logits_ith(self.context, row), shape=(self.size,))
        top = logits.max()
        return float(logits[token] - top - np.log(np.exp(logits - top).sum()))


def ask(scorer: Scorer, item: Item) -> list[Score]:
    names = ["", *(seen.task.id for seen in item.roster)]
    return scorer.score(
        [(name, *pair) for name, pair in zip(names, weighing.pairs(item.text, item.roster), strict=True)]
    )


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


# --- the weights

Row = tuple[Item, list[Features], list[Features], tuple[int, float]]
"""A message, its cheap features, those with scores, and what they cost."""


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


def fit(found: Sequence[tuple[int | None, list[Features]]], strength: float) -> dict[str, float]:
    """Fit the multinomial logistic model by Newton's method, with a Gaussian prior of that strength."""
    usable = [(gold, features) for gold, features in found if gold is not None and len(features) > 1]
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


# --- measures

Judged = list[tuple[Item, tuple[float, ...]]]
"""Messages with the probabilities they were given."""


def measure(judged: Judged) -> dict[str, float]:
    right: dict[str, list[bool]] = defaultdict(list)
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    exact: dict[str, bool] = defaultdict(lambda: True)
    said_new = is_new = both = 0
    for item, probabilities in judged:
        place = probabilities.index(max(probabilities))
        good = place == item.gold
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
        wrong = sum(p.index(max(p)) != item.gold for item, p in asked)
        silent = sum(p.index(max(p)) != item.gold for item, p in judged if max(p) >= limit)
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
                "CHEAP": fit([(row[0].gold, row[1]) for row in cheap], given.strength),
                "SCORED": fit([(row[0].gold, row[2]) for row in scored], given.strength),
            }
            write(given.rest[0], tables)
        case "report":
            report(given.rest)
        case "online":
            online(given.rest[0], given.rest[1:])


if __name__ == "__main__":
    main()
