"""The steps of set-up: done once, done again when what they were made from changes, alive while they last."""

import contextlib
import re
import sys
import threading
from pathlib import Path

import pytest

from make.places import Stamps, fingerprint, locked
from make.venv import missing_for_venv
from make.words import SetupError, call, call_patiently, last_lines, progress


def test_a_step_is_fresh_until_what_it_was_made_from_changes(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("one==1\n")
    Stamps(tmp_path / "stamps").keep("packages", fingerprint(lock))

    assert Stamps(tmp_path / "stamps").is_fresh("packages", fingerprint(lock))

    lock.write_text("one==2\n")
    assert not Stamps(tmp_path / "stamps").is_fresh("packages", fingerprint(lock))


def test_a_forgotten_step_is_done_again_and_others_are_not(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / "stamps")
    stamps.keep("uv", "a")
    stamps.keep("llama", "b")

    stamps.forget("llama", "project")

    assert stamps.is_fresh("uv", "a")
    assert not stamps.is_fresh("llama", "b")


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_unreadable_stamps_mean_that_nothing_is_done_yet(tmp_path: Path, text: str) -> None:
    file = tmp_path / "stamps"
    file.write_text(text)

    assert not Stamps(file).is_fresh("uv", "a")
    Stamps(file).keep("uv", "a")
    assert Stamps(file).is_fresh("uv", "a")


def test_a_missing_file_has_a_fingerprint_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    without = fingerprint(file)
    file.write_text("[project]")

    assert fingerprint(file) != without
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_one_set_up_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []
    entered = threading.Event()

    def other() -> None:
        entered.set()
        with locked(tmp_path / "sub" / "lock"):
            order.append("other")

    with locked(tmp_path / "sub" / "lock"):
        second = threading.Thread(target=other)
        second.start()
        entered.wait(5)
        order.append("first")
    second.join(5)

    assert order == ["first", "other"]


def test_a_command_that_fails_says_what_was_meant(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SetupError, match=r"the thing couldn't be done: .* exit code 3"):
        call(sys.executable, "-c", "import sys; print('its words'); sys.exit(3)", why="the thing couldn't be done")
    assert capfd.readouterr().out == "its words\n"


def test_a_command_that_is_not_there_says_what_was_meant(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"the thing couldn't be done: .*No such file"):
        call(tmp_path / "nothing", why="the thing couldn't be done")


def test_a_long_command_shows_that_it_is_alive_and_how_far_it_is(tmp_path: Path) -> None:
    said = tmp_path / "said"
    # The command ends as soon as it was spoken of.
    waits = "import pathlib, sys, time\nprint('  [1/4] g++', flush=True)\n"
    waits += (
        "for _ in range(1000):\n    '25 %' in pathlib.Path('said').read_text() and sys.exit(5)\n    time.sleep(0.01)\n"
    )

    with said.open("w") as out, contextlib.redirect_stdout(out):
        code = call_patiently(
            *(sys.executable, "-c", waits), log=tmp_path / "log", what="building", cwd=tmp_path, env={}, every=0.05
        )

    assert code == 5
    assert re.fullmatch(r"==> building: \d+ s 25 %", said.read_text().splitlines()[-1])
    assert last_lines(tmp_path / "log", 1) == "      [1/4] g++"


def test_progress_is_what_ninja_counted_last() -> None:
    assert progress(b"") == ""
    assert progress(b"[1/136] one\n  [68/136] two\nnote: [9/9]\n") == "50 %"


def test_a_failed_builds_own_words_are_shown_and_not_pips(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\n  two: No such file\n  error: subprocess-exited-with-error\n\n  note: pip's\n")

    assert last_lines(log, 1) == "      two: No such file"
    assert last_lines(tmp_path / "none", 1) == ""


def test_a_python_without_venv_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_for_venv() == ""

    # As on a Debian without python3-venv.
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert "apt-get install python3-venv" in missing_for_venv()
