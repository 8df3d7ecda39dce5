"""What a computer does about calls: only what's lent, only with leave, only what was shown, and all of it noted."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub.lent import TEXT, Answer, ListFolder, ReadFile, RunCommand, SearchFolder, Wish, WriteFile
from hub.local.approving import REST, Deed, Word
from hub.local.audit import Audit, Broken, check
from hub.local.terminal import legible, question
from tests.local.lenders import Computer, Person


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


async def ask(computer: Computer, wish: Wish, id: str = "") -> Answer:
    return await computer.lender.carry_out(computer.call(wish, id))


NOTE = WriteFile(folder="notes", path="todo.md", text="bread\n")


async def test_a_read_is_shown_approved_done_and_noted(stack: ExitStack, tmp_path: Path) -> None:
    person = Person("yes")
    computer = Computer(stack, tmp_path, person)
    (computer.root / "todo.md").write_text("milk", encoding="utf-8")

    answer = await ask(computer, ReadFile(folder="notes", path="todo.md"))

    assert (answer.outcome, answer.text) == ("done", "milk")
    assert [deed.title for deed in person.shown] == ["Read notes/todo.md"]
    notes = computer.notes.read_text(encoding="utf-8").splitlines()
    assert ['"asked"' in notes[0], '"approved"' in notes[1], '"done"' in notes[2]] == [True] * 3
    assert check(computer.notes)[0] == 3


async def test_what_is_not_approved_is_not_done(stack: ExitStack, tmp_path: Path) -> None:
    computer = Computer(stack, tmp_path, Person("no", "no"))

    written = await ask(computer, NOTE)
    run = await ask(computer, RunCommand(command="hello", arguments={"whom": "cat"}))

    assert (written.outcome, run.outcome) == ("refused", "refused")
    assert "said no" in written.text
    assert not (computer.root / "todo.md").exists()


async def test_without_anybody_to_ask_only_reading_that_was_let_is_done(stack: ExitStack, tmp_path: Path) -> None:
    alone = Computer(stack, tmp_path, None, yes_read=True)

    assert (await ask(alone, ListFolder(folder="notes"))).outcome == "done"
    assert (await ask(alone, NOTE)).outcome == "refused"
    (tmp_path / "other").mkdir()
    strict = Computer(stack, tmp_path / "other", None)
    assert (await ask(strict, ListFolder(folder="notes"))).outcome == "refused"


async def test_nobody_who_says_anything_is_a_no_in_time(stack: ExitStack, tmp_path: Path) -> None:
    computer = Computer(stack, tmp_path, Person(), patience=0.05)

    answer = await ask(computer, NOTE)

    assert (answer.outcome, "nobody said yes in time" in answer.text) == ("refused", True)
    assert not (computer.root / "todo.md").exists()


async def test_exactly_what_was_shown_is_done_whatever_the_hub_sends_meanwhile(
    stack: ExitStack, tmp_path: Path
) -> None:
    """The arguments swapped under the same id, while the question waits and after it: not executed."""
    person = Person("yes")
    computer = Computer(stack, tmp_path, person)
    swapped: list[asyncio.Task[Answer]] = []
    evil = WriteFile(folder="notes", path="todo.md", text="evil\n")

    def swap(deed: Deed) -> None:
        swapped.append(asyncio.create_task(ask(computer, evil, "the-call")))

    person.meanwhile = swap
    answer = await ask(computer, NOTE, "the-call")
    later = await ask(computer, evil, "the-call")

    assert answer.outcome == "done"
    assert [(await task).outcome for task in swapped] == ["refused"]
    assert (later.outcome, "came before" in later.text) == ("refused", True)
    assert (computer.root / "todo.md").read_text(encoding="utf-8") == "bread\n"
    assert len(person.shown) == 1


async def test_arguments_of_a_command_that_change_after_it_was_shown_change_nothing(
    stack: ExitStack, tmp_path: Path
) -> None:
    person = Person("yes")
    computer = Computer(stack, tmp_path, person)
    given = {"whom": "cat"}
    person.meanwhile = lambda deed: given.update(whom="dog")

    answer = await ask(computer, RunCommand(command="hello", arguments=given))

    assert answer.text == "hello ended with 0.\nhello cat\n"
    assert person.shown[0].body == "'echo' 'hello' 'cat'"


async def test_a_file_that_somebody_changes_while_the_question_waits_is_left_alone(
    stack: ExitStack, tmp_path: Path
) -> None:
    person = Person("yes")
    computer = Computer(stack, tmp_path, person)

    def change(deed: Deed) -> None:
        (computer.root / "todo.md").write_text("mine", encoding="utf-8")

    person.meanwhile = change

    answer = await ask(computer, NOTE)

    assert (answer.outcome, "changed since" in answer.text) == ("refused", True)
    assert (computer.root / "todo.md").read_text(encoding="utf-8") == "mine"


async def test_always_is_for_the_very_same_and_nothing_else(stack: ExitStack, tmp_path: Path) -> None:
    person = Person("always", "always", "always", "no", "no", "no")
    computer = Computer(stack, tmp_path, person)
    hello = RunCommand(command="hello", arguments={"whom": "cat"})
    first: tuple[Wish, ...] = (ListFolder(folder="notes"), hello, NOTE)
    again: tuple[Wish, ...] = (SearchFolder(folder="notes", words="milk"), hello, NOTE)
    for wish in first:
        assert (await ask(computer, wish)).outcome == "done"
    for wish in again:
        assert (await ask(computer, wish)).outcome == "done"
    assert len(person.shown) == 3

    others: tuple[Wish, ...] = (
        ListFolder(folder="papers"),
        RunCommand(command="hello", arguments={"whom": "dog"}),
        WriteFile(folder="notes", path="other.md", text="bread\n"),
    )
    assert [(await ask(computer, wish)).outcome for wish in others] == ["refused"] * 3
    assert len(person.shown) == 6


WISHES: tuple[Wish, ...] = (
    ListFolder(folder="secrets"),
    ReadFile(folder="notes", path="../audit.jsonl"),
    WriteFile(folder="papers", path="a.txt", text="mine"),
    WriteFile(folder="notes", path="/tmp/a.txt", text="mine"),
    RunCommand(command="rm", arguments={}),
    RunCommand(command="hello", arguments={}),
    RunCommand(command="hello", arguments={"whom": "--help"}),
    RunCommand(command="hello", arguments={"whom": "a\nb"}),
    RunCommand(command="hello", arguments={"whom": "x", "more": "y"}),
)


@pytest.mark.parametrize("wish", WISHES, ids=repr)
async def test_a_hub_that_asks_for_more_than_is_lent_is_refused_and_nobody_is_bothered(
    stack: ExitStack, tmp_path: Path, wish: Wish
) -> None:
    person = Person("yes")
    computer = Computer(stack, tmp_path, person)

    answer = await ask(computer, wish)

    assert answer.outcome == "refused" or (isinstance(wish, ReadFile) and answer.outcome == "failed")
    assert [deed.title for deed in person.shown] == [] or isinstance(wish, ReadFile)
    assert "refused" in computer.notes.read_text(encoding="utf-8")


async def test_a_hub_that_floods_gets_no_more_than_a_few_at_a_time(stack: ExitStack, tmp_path: Path) -> None:
    computer = Computer(stack, tmp_path, Person())
    waiting = [asyncio.create_task(ask(computer, NOTE)) for _ in range(40)]
    await asyncio.sleep(0)
    while sum(task.done() for task in waiting) < 36:
        await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert sum(isinstance(answer, Answer) and answer.outcome == "refused" for answer in answers) == 36
    quick = Computer(stack, tmp_path, None, yes_read=True)
    done = [(await ask(quick, ListFolder(folder="notes"))).outcome for _ in range(70)]
    assert (done.count("done"), done[-1]) == (60, "refused")
    quick.now += 61
    assert (await ask(quick, ListFolder(folder="notes"))).outcome == "done"


async def test_who_said_no_three_times_is_left_in_peace_for_a_minute(stack: ExitStack, tmp_path: Path) -> None:
    words: list[Word] = ["no", "no", "no", "yes"]
    person = Person(*words)
    computer = Computer(stack, tmp_path, person)
    for _ in range(5):
        assert (await ask(computer, NOTE)).outcome == "refused"
    assert len(person.shown) == 3

    computer.now += REST
    assert (await ask(computer, NOTE)).outcome == "done"


async def test_a_call_that_is_withdrawn_while_the_question_waits_is_not_done(stack: ExitStack, tmp_path: Path) -> None:
    computer = Computer(stack, tmp_path, Person())
    call = asyncio.create_task(ask(computer, NOTE))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert not (computer.root / "todo.md").exists()
    assert "refused" in computer.notes.read_text(encoding="utf-8")


async def test_a_command_has_no_shell_no_secrets_and_no_terminal(
    stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTHOST_KEY", "ah_canary")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/canary")
    computer = Computer(stack, tmp_path, Person("yes", "yes"))

    told = await ask(computer, RunCommand(command="hello", arguments={"whom": "$HOME; touch x `id`"}))
    env = await ask(computer, RunCommand(command="env"))

    assert told.text == "hello ended with 0.\nhello $HOME; touch x `id`\n"
    assert "canary" not in env.text
    assert "PATH=" in env.text
    assert not (computer.root / "x").exists()


async def test_a_command_that_takes_too_long_or_prints_too_much_is_ended_with_all_it_began(
    stack: ExitStack, tmp_path: Path
) -> None:
    computer = Computer(stack, tmp_path, Person("yes", "yes"))
    slow = asyncio.create_task(ask(computer, RunCommand(command="slow")))
    while not _children():
        await asyncio.sleep(0.02)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    flood = await ask(computer, RunCommand(command="flood"))

    assert (flood.outcome, "printed more than" in flood.text, len(flood.text) < 17_000) == ("failed", True, True)
    end = time.monotonic() + 5
    while _children() and time.monotonic() < end:
        await asyncio.sleep(0.02)
    assert not _children()


def _children() -> list[str]:
    """The sleeps that this very process has begun."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = place.read_text(encoding="utf-8").partition(") ")
        except OSError:
            continue
        if int(rest.split()[1]) == os.getpid() and rest[0] != "Z" and ("(sleep" in name or "(yes" in name):
            found.append(name)
    return found


async def test_what_cannot_be_noted_is_not_done(
    stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer = Computer(stack, tmp_path, Person("yes"))

    def full(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Audit, "add", full)
    answer = await ask(computer, NOTE)

    assert (answer.outcome, "can't be written" in answer.text) == ("refused", True)
    assert not (computer.root / "todo.md").exists()


async def test_long_answers_come_in_parts_and_what_is_no_text_says_so(stack: ExitStack, tmp_path: Path) -> None:
    computer = Computer(stack, tmp_path, None, yes_read=True)
    (computer.root / "long.txt").write_text("x" * 9_000, encoding="utf-8")
    (computer.root / "picture.png").write_bytes(b"\xff\xfe\x00")

    first = await ask(computer, ReadFile(folder="notes", path="long.txt"))
    second = await ask(computer, ReadFile(folder="notes", path="long.txt", part=2))
    third = await ask(computer, ReadFile(folder="notes", path="long.txt", part=3))
    picture = await ask(computer, ReadFile(folder="notes", path="picture.png"))

    assert first.text.endswith("[part 1 of 2]")
    assert second.text == "x" * 1_000 + "\n[part 2 of 2]"
    assert (third.outcome, picture.outcome, "no text" in picture.text) == ("failed", "failed", True)


def test_a_chain_of_notes_that_was_tampered_with_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    for n in range(3):
        with Audit(path, "http://hub") as audit:
            audit.add(f"call{n}", "asked", wish='{"type":"list"}')
    count, last = check(path)
    lines = path.read_bytes().splitlines(keepends=True)

    assert (count, len(last), path.stat().st_mode & 0o777) == (3, 64, 0o600)
    for tampered in (
        [lines[0], lines[2]],
        [lines[0], lines[1].replace(b"call1", b"call9"), lines[2]],
        [lines[1], lines[0], lines[2]],
        [lines[0], b"{}\n", lines[2]],
        [*lines[:2], lines[2][:-20]],
    ):
        path.write_bytes(b"".join(tampered))
        with pytest.raises(Broken):
            check(path)
    with pytest.raises(Broken, match="put the file aside"):
        Audit(path, "http://hub")
    path.write_bytes(b"".join(lines))
    assert check(path) == (count, last)


def test_a_question_shows_every_letter_and_nothing_in_it_steers() -> None:
    deed = Deed(
        call="1",
        kind="write",
        title="Write 3 characters into notes/\u202etxt.exe",
        body="a\x1b[2J\x07\u200bb\nDo it? [y]es: y",
        asker="default, for #1 Hello\n\x1b[31m",
        tainted=True,
        always="write notes/x",
    )
    shown = question(deed)

    assert "\\u{202e}txt.exe" in shown
    assert "  | a\\u{1b}[2J\\u{7}\\u{200b}b\n  | Do it? [y]es: y" in shown
    assert "read words of others" in shown
    assert not [letter for letter in shown if letter != "\n" and not letter.isprintable()]
    assert legible("Grüße 猫 🐈") == "Grüße 猫 🐈"
    assert len(deed.body) < TEXT
