"""What a task may cost, and how it stands when that's spent."""

from hub.flow.budget import plus, so_far, spent, standing
from hub.records import Done, Limits, Point, Schedule, Usage
from hub.testing import a_step, a_task, a_turn

TASK = a_task(
    kind="assignment",
    plan=(Point(text="Find trains", state="done"), Point(text="Book one"), Point(text="Ask Bob", state="dropped")),
)
TURN = a_turn(TASK)


def test_each_limit_is_told_by_itself_and_money_only_where_it_is_limited() -> None:
    limits = Limits(turns=3, tokens=1000, minutes=2.0)

    assert spent(limits, Usage(turns=2, tokens=999, minutes=1.9, money=99.0)) == ""
    assert spent(limits, Usage(turns=3)) == "3 turns"
    assert spent(limits, Usage(tokens=1000)) == "1,000 tokens"
    assert spent(limits, Usage(minutes=2.0)) == "2 minutes"
    assert spent(Limits(money=1.5), Usage(money=1.5)) == "a budget of 1.5"
    assert spent(limits, plus(Usage(tokens=900), 100, 0, 0)) == "1,000 tokens"


def test_what_comes_again_begins_at_nothing_each_time() -> None:
    daily = a_task(schedule=Schedule(every=60), used=Usage(turns=5), verdict=Done(summary="x"))

    assert so_far(daily) == Usage()
    assert so_far(a_task(used=Usage(turns=5), verdict=Done(summary="x"))) == Usage(turns=5)


def test_how_it_stands_is_told_from_plan_checks_receipts_and_files() -> None:
    checks = [
        a_step(TURN, kind="check", result="the file a.md is there"),
        a_step(TURN, kind="check", result="b.md isn't there", failed=True),
    ]
    calls = [a_step(TURN, kind="tool", name=name) for name in ("write_file", "web_fetch", "write_file")]

    told = standing(TASK, checks, [*calls, a_step(TURN, kind="tool", name="burn", failed=True)], ["a.md"])

    assert told.splitlines() == [
        "Done: Find trains; the file a.md is there.",
        "Left: Book one; b.md isn't there.",
        "Tools called: write_file 2×, web_fetch.",
        "Files: a.md.",
    ]
    assert standing(a_task(), [], [], []) == ""
    assert standing(a_task(), [], [], [f"{n}.md" for n in range(10)]).endswith("7.md and 2 more.")
