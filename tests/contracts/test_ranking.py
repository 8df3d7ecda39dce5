"""Every sentence that ports.Ranking promises."""

import time

import pytest

from hub.ports import Hit, Ranking, Subject
from hub.store.ranking import FullTextRanking

SUBJECTS = {
    "read": Subject(name="read_file", about="Read the contents of a file as text.", details="path"),
    "list": Subject(name="list_directory", about="List all files in a directory.", details="path"),
    "zone": Subject(name="convertTime", about="Convert time between zones.", details="time"),
}


@pytest.fixture
def ranking() -> Ranking:
    ranking = FullTextRanking()
    ranking.fill(SUBJECTS)
    return ranking


def keys(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.key for hit in hits]


def test_the_best_comes_first_and_endings_do_not_matter(ranking: Ranking) -> None:
    assert keys(ranking.best(["reading", "files"], SUBJECTS))[0] == "read"
    assert keys(ranking.best(["directories"], SUBJECTS)) == ["list"]


def test_it_tells_which_words_were_found_and_which_of_them_in_the_name(ranking: Ranking) -> None:
    [hit] = ranking.best(["convert", "zones", "nothing"], SUBJECTS)

    assert hit.words == frozenset({"convert", "zones"})
    assert hit.named == frozenset({"convert"})


def test_words_that_are_run_together_are_found_apart(ranking: Ranking) -> None:
    assert keys(ranking.best(["time"], SUBJECTS)) == ["zone"]


def test_only_the_asked_keys_are_found(ranking: Ranking) -> None:
    assert keys(ranking.best(["file"], ["list"])) == ["list"]
    assert ranking.best(["file"], []) == ()


@pytest.mark.parametrize("word", ['"', "a OR b", "name:read", "*", "", "-", "NEAR(a b)", "\x00", "read_file"])
def test_what_is_no_word_finds_nothing(ranking: Ranking, word: str) -> None:
    assert ranking.best([word], SUBJECTS) == ()


@pytest.mark.parametrize("word", ["and", "or", "not", "near"])
def test_no_word_is_a_command(ranking: Ranking, word: str) -> None:
    ranking.best([word, "file"], SUBJECTS)


def test_filled_anew_it_knows_only_what_is_new(ranking: Ranking) -> None:
    ranking.fill({"other": Subject(name="other", about="Something else about a file.")})

    assert keys(ranking.best(["file", "directory"], ["read", "list", "other"])) == ["other"]


def test_among_hundreds_it_takes_less_than_twenty_milliseconds(ranking: Ranking) -> None:
    many = {f"key{n}": Subject(name=f"tool_{n}", about=f"Does the thing {n} with files and words.") for n in range(500)}
    ranking.fill(many)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        ranking.best(["thing", "files", "words", "tool", "7"], many)
        times.append(time.perf_counter() - began)

    assert sorted(times)[len(times) // 2] < 0.02
