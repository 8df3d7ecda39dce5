"""The program itself, as plain Python: python -m pytest scripts/csv-summary"""

import asyncio

import main as script
import pytest

TABLE = "day,km,note\nMon,3,rain\nTue,5,\nWed,10.5,rain\n"
SUMMARY = """\
3 rows, 3 columns.
day: 3 texts, 3 different: Mon, Tue, Wed
km: 3 numbers, 3 to 10.5, mean 6.1667
note: 2 texts, 1 different: rain, 1 empty"""


def summed_up(path: str = "", text: str = "") -> str:
    return asyncio.run(script.main(path=path, text=text))


def test_a_table_is_summed_up_by_its_columns() -> None:
    assert summed_up(text=TABLE) == SUMMARY


def test_a_file_is_read_from_the_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_file(path: str) -> str:
        return {"trips.csv": TABLE}[path]

    # What the hub gives a program is a name that's simply there.
    monkeypatch.setattr(script, "read_file", read_file, raising=False)

    assert summed_up(path=" trips.csv ") == SUMMARY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a;b\n1,5;2\n", "a: 1 texts, 1 different: 1,5"),
        ("a\tb\n1\t2\n", "b: 1 numbers, 2 to 2, mean 2"),
        ('a,b\n"1, 2",3\n', "a: 1 texts, 1 different: 1, 2"),
        ("a,,b\n", "column 2: empty"),
        ("a\n" + "x\n" * 5 + "1\n", "a: 6 texts, 2 different: x, 1"),
        (",".join(f"c{n}" for n in range(50)), "and 10 more columns"),
    ],
)
def test_of_each_column_its_kind_is_told(text: str, said: str) -> None:
    assert said in summed_up(text=text)


@pytest.mark.parametrize(("path", "text"), [("", ""), ("a.csv", "a,b"), (" ", " \n")])
def test_either_a_file_or_a_text_is_wanted(path: str, text: str) -> None:
    with pytest.raises(ValueError, match="give either path"):
        summed_up(path, text)
