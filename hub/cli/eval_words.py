"""How an evaluation's figures are printed."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, assert_never

from hub.cli.words import console, plain, table
from hub.evals import completion, history, routing

if TYPE_CHECKING:
    from hub.cli.eval import Told

Row = tuple[str, Sequence[str]]
GROUPS = {"moved": "moved by people", "told": "told by people", "left": "left as routed"}


def show(told: Iterable["Told"]) -> None:
    """Print figures, each file's together."""
    for file, group in groupby(told, key=lambda one: one.file):
        found = list(group)
        model = (
            f"{found[0].model}, {found[0].threads} thread{'s' * (found[0].threads != 1)}"
            if found[0].model
            else "no model"
        )
        console().print(f"\n[bold]{plain(file)}[/bold]  ({plain(model)})")
        first = found[0].figures
        if isinstance(first, routing.Figures):
            modes = [one.figures for one in found if isinstance(one.figures, routing.Figures)]
            _print(["", *(figures.mode for figures in modes)], _routing(modes))
        elif isinstance(first, completion.Figures):
            _print(["", ""], _completion(first))
        elif isinstance(first, history.Figures):
            _print(["", ""], _history(first))
        else:
            assert_never(first)


def _print(columns: Sequence[str], rows: Iterable[Row]) -> None:
    shown = table(*columns)
    for column in shown.columns[1:]:
        column.justify = "right"
    for name, values in rows:
        shown.add_row(name, *values)
    console().print(shown)


def _routing(modes: Sequence[routing.Figures]) -> Iterable[Row]:
    first = modes[0]
    yield "streams", [str(one.streams) for one in modes]
    for name, count in first.counts.items():
        title = "accuracy, all" if name == "all" else f"  {name}"
        yield f"{title} ({count})", [_share(one.accuracy[name]) for one in modes]
    yield "NEW precision", [_share(one.new.precision) for one in modes]
    yield "NEW recall", [_share(one.new.recall) for one in modes]
    yield "NEW F1", [_share(one.new.f1) for one in modes]
    yield "stream exact", [_share(one.stream_exact) for one in modes]
    yield "clusters 1-1", [_share(one.one_to_one) for one in modes]
    yield "1 - VI/log2(n)", [_share(one.information_kept) for one in modes]
    yield "calibration error", [_share(one.calibration_error) for one in modes]
    yield "asked", [_share(one.asked) for one in modes]
    yield "without a model", [str(one.without_model) for one in modes]
    yield "tokens a message, median", [f"{one.tokens.median:.0f}" for one in modes]
    yield "tokens a message, mean", [f"{one.tokens.mean:.1f}" for one in modes]
    yield "read by the reader, median", [f"{one.read.median:.0f}" for one in modes]
    yield "ms a message, median", [f"{one.ms.median:.0f}" for one in modes]
    yield "ms a message, mean", [f"{one.ms.mean:.0f}" for one in modes]


def _completion(found: completion.Figures) -> Iterable[Row]:
    yield "items", [str(found.items)]
    yield f"accuracy, from {found.threshold:g}", [_share(found.accuracy)]
    yield "false-complete", [_share(found.false_complete)]
    yield "precision of complete", [_share(found.complete.precision)]
    yield "recall of complete", [_share(found.complete.recall)]
    yield "area under the ROC curve", [_plain(found.area)]
    yield "calibration error", [_share(found.calibration_error)]
    for kind, right in found.by_kind.items():
        yield f"  {plain(kind)} ({found.counts[kind]})", [_share(right)]
    yield "not judged", [str(found.unjudged)]
    yield "tokens an item, median and mean", [f"{found.tokens.median:.0f}  {found.tokens.mean:.1f}"]
    yield "ms an item, median and mean", [f"{found.ms.median:.1f}  {found.ms.mean:.1f}"]


def _history(found: history.Figures) -> Iterable[Row]:
    live = found.live
    yield "people", [str(found.people)]
    yield "messages", [str(found.messages)]
    yield "routed by the router itself", [str(live.weighed)]
    yield "  of these moved by people", [str(live.moved)]
    yield "  accuracy, as far as people objected", [_share(1 - live.moved / live.weighed if live.weighed else None)]
    yield "asked about", [str(live.asked)]
    for group, again in found.again.items():
        yield f"today's router, {GROUPS[group]} ({again.messages})", [_share(again.right)]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.1f} %"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
