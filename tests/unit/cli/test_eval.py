"""`agenthost eval`, without a model: the router and the supervisor fall back, and that's told."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.__main__ import main
from hub.ports import Add
from hub.store.sql import SqlStore
from hub.testing import a_message, a_person, a_route, a_task
from tests.unit.evals.data import a_cut, a_stream, write


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    none = tmp_path / "none.gguf"
    path.write_text(
        f'[hub]\ndata = "{tmp_path / "data"}"\n[llm]\nmodel = "{none}"\n'
        f'[llm.decisions]\nbackend = "llamacpp"\nmodel = "{none}"\n'
    )
    return path


def called(config: Path, *words: object) -> Result:
    return CliRunner().invoke(main, ["eval", *map(str, words), "--config", str(config)], catch_exceptions=False)


def test_routing_is_told_for_both_protocols_and_with_asking(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "own.jsonl.gz", a_stream())

    found = called(config, "routing", file, "--json")

    assert found.exit_code == 0
    items = json.loads(found.stdout)["items"]
    assert [item["figures"]["mode"] for item in items] == ["teacher-forced", "on-line", "asking"]
    assert items[0]["figures"]["messages"] == 4
    assert items[0]["model"] == ""
    assert "measured without one" in found.stderr
    assert "1 of 1" in found.stderr


def test_figures_are_printed_for_people_too(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "own.jsonl", a_stream())

    found = called(config, "routing", file, "--mode", "on-line", "--ask", "0")

    assert "accuracy, all (4)" in found.stdout
    assert "teacher-forced" not in found.stdout
    assert "asking" not in found.stdout


def test_a_limit_takes_the_first_streams(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "own.jsonl", a_stream("one"), a_stream("two"), a_stream("three"))

    found = called(config, "routing", file, "--limit", "2", "--json")

    assert json.loads(found.stdout)["items"][0]["figures"]["streams"] == 2


def test_predictions_have_each_message_in_order_once_a_mode(config: Path, tmp_path: Path) -> None:
    file, out = write(tmp_path / "own.jsonl", a_stream("one"), a_stream("two")), tmp_path / "out.jsonl"

    called(config, "routing", file, "--predictions", out)

    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert list(lines[0]) == ["stream", "i", "mode", "new", "task", "asked"]
    told = [(line["mode"], line["stream"], line["i"]) for line in lines]
    modes = ("teacher-forced", "on-line")
    assert told == [(mode, stream, i) for mode in modes for stream in ("one", "two") for i in (0, 2, 4, 6)]


def test_completion_is_told_and_predicted(config: Path, tmp_path: Path) -> None:
    file, out = write(tmp_path / "own.jsonl", a_cut("c-1", "I'll do it.", complete=0, kind="promised")), tmp_path / "o"

    found = called(config, "completion", file, "--json", "--predictions", out)

    assert json.loads(found.stdout)["items"][0]["figures"]["false_complete"] == 0.0
    (line,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert line["id"] == "c-1"
    assert 0 <= line["complete"] < 0.5
    assert "false-complete" in called(config, "completion", file).stdout


def test_a_bad_line_is_told_with_its_number_and_status_2(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "own.jsonl", a_stream(), "{nonsense\n")

    found = called(config, "routing", file)

    assert found.exit_code == 2
    assert "own.jsonl, line 2" in found.stderr


def test_files_or_history_are_needed_and_not_both(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "own.jsonl", a_stream())

    assert called(config, "routing").exit_code == 2
    assert called(config, "completion").exit_code == 2
    assert called(config, "routing", file, "--history").exit_code == 2


def test_a_data_folder_without_a_database_has_no_history(config: Path) -> None:
    found = called(config, "routing", "--history")

    assert found.exit_code == 2
    assert "there's no database" in found.stderr


def test_history_is_scored_over_a_copy_while_a_hub_holds_the_database(config: Path, tmp_path: Path) -> None:
    async def fill() -> SqlStore:
        (tmp_path / "data").mkdir()
        store = SqlStore.in_folder(tmp_path / "data")
        await store.open()
        task = a_task()
        message = a_message("A train to Bonn", task=task.id, state="answered", route=a_route(task))
        await store.commit(Add(a_person()), Add(task), Add(message))
        return store

    with asyncio.Runner() as runner:
        store = runner.run(fill())
        found = called(config, "routing", "--history", "--json")
        runner.run(store.close())

    (item,) = json.loads(found.stdout)["items"]
    assert item["figures"]["messages"] == 1
    assert item["figures"]["again"]["left"] == {"messages": 1, "right": 1.0}
