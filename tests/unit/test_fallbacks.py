"""[[llm.fallback]] in the config: checked like every other section, each by its number."""

from pathlib import Path

import pytest

from hub.config import backends, load, misgivings, repository
from tests.unit.test_config import faults, write

TWO = """
[llm]
backend = "remote"
url = "http://127.0.0.1:1/v1"
model = "big"
price_in = 2.5

[[llm.fallback]]
url = "http://127.0.0.1:2/v1"
model = "second"
price_cached = 0.0

[[llm.fallback]]
backend = "llamacpp"
"""


def test_fallbacks_are_tried_in_the_order_of_the_file(tmp_path: Path) -> None:
    config = load(write(tmp_path, TWO), {})

    assert [(path, llm.backend, llm.model) for path, llm in backends(config)] == [
        ("llm", "remote", "big"),
        ("llm.fallback[0]", "remote", "second"),
        ("llm.fallback[1]", "llamacpp", ""),
        ("llm.decisions", "", ""),
    ]
    assert (config.llm.price_cached, config.llm.fallback[0].price_cached) == (None, 0.0)


def test_a_fallbacks_fault_names_which_one_it_is(tmp_path: Path) -> None:
    text = '[[llm.fallback]]\nmodel = "x"\nprice_in = -1\n[[llm.fallback]]\nurl = "ftp://x"\nmodel = "y"\nnope = 1'

    assert [line.partition(":")[0] for line in faults(tmp_path, text)] == [
        "llm.fallback[0].price_in",
        "llm.fallback[1].nope",
        "llm.fallback[0].url",
        "llm.fallback[1].url",
    ]


def test_a_fallback_that_is_no_list_of_sections_is_told(tmp_path: Path) -> None:
    assert faults(tmp_path, "[llm]\nfallback = 3") == (
        "llm.fallback: each is a section of its own ([[llm.fallback]]); it is 3",
    )


def test_a_fallbacks_key_comes_from_its_file_and_never_shows_itself(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n", encoding="utf-8")
    text = f'[[llm.fallback]]\nurl = "http://x/v1"\nmodel = "m"\nkey_file = "{tmp_path / "key"}"'

    config = load(write(tmp_path, text), {})

    assert config.llm.fallback[0].key == "s3cret"
    assert "s3cret" not in repr(config)
    assert faults(tmp_path, "[[llm.fallback]]\nkey = 3")[0].endswith("it is hidden")


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("bartowski/Qwen-GGUF", ("bartowski/Qwen-GGUF", "")),
        ("bartowski/Qwen-GGUF:Qwen-Q4_K_M.gguf", ("bartowski/Qwen-GGUF", "Qwen-Q4_K_M.gguf")),
        ("a/b:sub/folder/x.gguf", ("a/b", "sub/folder/x.gguf")),
        ("models/mine.gguf", None),
        ("/srv/models/mine.gguf", None),
        ("~/mine.gguf", None),
        ("./a/b", None),
        ("a/b/c", None),
        ("../x", None),
        ("gpt", None),
        ("", None),
    ],
)
def test_a_repository_is_told_from_a_path(model: str, found: tuple[str, str] | None) -> None:
    assert repository(model) == found


def test_a_repository_is_no_misgiving(tmp_path: Path) -> None:
    assert misgivings(load(write(tmp_path, '[llm]\nmodel = "some/model-GGUF"'), {})) == []
