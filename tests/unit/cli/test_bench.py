"""`agenthost bench`: figures with aims."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from hub.cli import bench
from hub.cli.bench_figures import Figure, at
from hub.cli.bench_rest import bursting, ticking
from hub.cli.bench_store import accepting, flatness, routing
from hub.cli.bench_tools import calling


@pytest.mark.parametrize(
    ("value", "aim", "better", "met"),
    [(9.0, 10.0, "less", True), (11.0, 10.0, "less", False), (11.0, 10.0, "more", True), (9.0, None, "less", None)],
)
def test_a_figure_knows_whether_its_aim_is_met(value: float, aim: float | None, better: str, met: bool | None) -> None:
    figure = msgspec.convert({"name": "x", "value": value, "unit": "ms", "aim": aim, "better": better}, Figure)

    assert figure.met is met
    assert bench.shown(figure)["met"] is met


def test_percentiles_are_of_what_was_measured() -> None:
    assert at(range(101), 50) == 50
    assert at(range(101), 99) == 99


async def test_accepts_are_counted_and_timed(tmp_path: Path) -> None:
    rate, median, slowest = await accepting(tmp_path / "data", messages=200)

    assert rate.value > 0
    assert 0 < median.value <= slowest.value


async def test_a_plugins_call_is_timed_beside_its_programs_bare_run() -> None:
    bare, ours, over = await calling(20)

    assert 0 < bare.value < ours.value
    assert over.value == pytest.approx(ours.value - bare.value)


async def test_routing_asks_the_store_as_often_with_a_long_history_as_with_a_short_one(tmp_path: Path) -> None:
    [some] = await routing(tmp_path / "some", history=100)
    [many] = await routing(tmp_path / "many", history=3_000)

    assert some.note == many.note
    assert flatness([some, many]).unit == "×"


async def test_a_tick_is_timed_while_schedules_fall_due(tmp_path: Path) -> None:
    median, slowest = await ticking(tmp_path / "data", seconds=90, resting=30, scheduled=120)

    assert 0 < median.value <= slowest.value
    assert slowest.note == "4 runs fell due in 90 s"


async def test_a_burst_of_schedules_is_done_while_somebody_speaks(tmp_path: Path) -> None:
    took, _, median, slowest = await bursting(tmp_path / "data", scheduled=20)

    assert took.value > 0
    assert 0 < median.value <= slowest.value


def test_only_what_is_asked_for_is_measured_and_told_as_json() -> None:
    result = CliRunner().invoke(bench.command, ["--quick", "--json", "--only", "store accepts"])

    items = msgspec.json.decode(result.output)["items"]
    assert [item["unit"] for item in items] == ["/s", "ms", "ms"]
    assert set(items[0]) == {"name", "value", "unit", "aim", "better", "met", "note"}
