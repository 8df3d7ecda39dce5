"""`agenthost models`: what's here, fetching, choosing, and what a model is."""

import asyncio
import json
import threading
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.__main__ import load
from hub.cli.model_use import written
from hub.config import models_folder
from hub.errors import ConfigError
from tests.unit.weights.counterpart import Hub
from tests.unit.weights.test_header import LLAMA

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = models_folder({"XDG_CACHE_HOME": str(tmp_path / "cache")})
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hugging Face Hub in a thread of its own: the commands run their own event loops."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    hub = Hub()
    hub.files = {"tiny-Q4_K_M.gguf": LLAMA, "tiny-Q2_K.gguf": LLAMA + b"x"}
    hub.hashes = {name: sha256(data).hexdigest() for name, data in hub.files.items()}
    asyncio.run_coroutine_threadsafe(hub.__aenter__(), loop).result(10)
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    yield hub
    asyncio.run_coroutine_threadsafe(hub.__aexit__(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def run(*args: str) -> Result:
    return CliRunner().invoke(load("models"), args, catch_exceptions=False)


def listed(*args: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = json.loads(run("list", "--json", *args).stdout)["items"]
    return items


def test_what_is_pulled_is_listed_used_and_described(hub: Hub, tmp_path: Path) -> None:
    pulled = run("pull", hub.repo)

    assert pulled.exit_code == 0
    assert "Taking tiny-Q4_K_M.gguf: the best balance" in pulled.stderr
    path = Path(pulled.stdout.strip())
    assert path.read_bytes() == LLAMA
    before = next(item for item in listed() if item["kind"] == "pulled")
    assert (before["name"], before["quantisation"]) == (f"{hub.repo}:tiny-Q4_K_M.gguf", "Q4_K_M")
    assert before["used_by"] == []

    used = run("use", hub.repo)
    assert used.exit_code == 0
    assert used.stdout.startswith(f"config.toml: [llm] uses {hub.repo}:tiny-Q4_K_M.gguf.\nThe hub takes it over when")
    section = tomllib.loads((tmp_path / "config.toml").read_text())["llm"]
    assert section == {"backend": "llamacpp", "model": str(path), "sha256": hub.hashes["tiny-Q4_K_M.gguf"]}
    assert [item["name"] for item in listed() if "llm" in item["used_by"]] == [before["name"]]  # type: ignore[operator]

    about = json.loads(run("info", "--no-run", "--json").stdout)
    assert (about["name"], about["trained_context"], about["context"]) == ("Tiny", 8192, 4096)
    assert about["model"]["checked"]
    assert not about["embeds"]
    assert about["measured"] is None


def test_a_pull_that_fails_says_why_and_leaves_nothing(hub: Hub, cache: Path) -> None:
    hub.hashes["tiny-Q4_K_M.gguf"] = "0" * 64
    result = run("pull", f"{hub.repo}:tiny-Q4_K_M.gguf")

    assert result.exit_code == 1
    assert "damaged on the way" in result.stderr
    assert list(cache.rglob("*.gguf")) == []
    assert run("pull", "nobody/nothing").exit_code == 1
    assert run("pull", "not a repository").exit_code == 2


def test_using_one_keeps_all_else_in_the_config_as_it_stands(tmp_path: Path) -> None:
    model = tmp_path / "mine.gguf"
    model.write_bytes(LLAMA)
    config = tmp_path / "mine.toml"
    config.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    config.chmod(0o640)

    assert run("use", str(model), "--config", str(config)).exit_code == 0

    old, new = EXAMPLE.read_text(encoding="utf-8").splitlines(), config.read_text(encoding="utf-8").splitlines()
    changed = [line for line, before in zip(new, old, strict=True) if line != before]
    assert [line.partition("#")[0].strip() for line in changed] == [
        f'model = "{model}"',
        f'sha256 = "{sha256(LLAMA).hexdigest()}"',
    ]
    assert all("# " in line for line in changed), "the comments behind them stay"
    assert config.stat().st_mode & 0o777 == 0o640


def test_using_the_embedded_one_again_takes_the_other_out(cache: Path, tmp_path: Path) -> None:
    (cache / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(LLAMA)
    (tmp_path / "config.toml").write_text('[llm]\nbackend = "remote"\nurl = "http://x/v1"\nmodel = "big"\n')

    assert run("use", "embedded").exit_code == 0

    section = tomllib.loads((tmp_path / "config.toml").read_text())["llm"]
    assert (section["backend"], section["model"], section["sha256"]) == ("llamacpp", "", "")


def test_a_change_that_would_make_the_config_faulty_is_not_written(tmp_path: Path) -> None:
    config, text = tmp_path / "config.toml", "[llm]\nmodel = 'x.gguf'\n"
    config.write_text(text)

    with pytest.raises(ConfigError, match=r"llm\.backend: must be one of"):
        written(config, {"backend": "nonsense"}, {})
    assert config.read_text() == text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "config.toml"]


def test_an_environment_that_wins_over_the_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.gguf").write_bytes(LLAMA)
    monkeypatch.setenv("AGENTHOST__LLM__MODEL", "other.gguf")

    assert "AGENTHOST__LLM__MODEL is set in the environment, and wins" in run("use", "mine.gguf").stderr


def test_one_that_is_not_here_says_how_to_get_it() -> None:
    assert "`agenthost models pull some/model` fetches it" in run("use", "some/model").stderr
    assert "`agenthost models list` shows them" in run("use", "nope.gguf").stderr
    assert run("info", "nope.gguf").exit_code == 1


def test_verifying_tells_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(LLAMA)
    (tmp_path / "config.toml").write_text(f'[llm]\nmodel = "mine.gguf"\nsha256 = "{"0" * 64}"\n')

    result = run("list", "--verify")

    assert result.exit_code == 1
    assert "WRONG" in result.stdout
    assert run("list").exit_code == 0


def test_what_the_config_names_is_listed_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[llm]\nmodel = "some/model"\n'
        '[[llm.fallback]]\nurl = "http://x/v1"\nmodel = "big"\n'
        '[llm.decisions]\nbackend = "llamacpp"\nmodel = "/no/such.gguf"\n'
    )

    found = {str(item["name"]): item for item in listed()}

    assert "agenthost models pull some/model" in str(found["some/model"]["fault"])
    assert (found["big"]["kind"], found["big"]["url"]) == ("remote", "http://x/v1")
    assert found["/no/such.gguf"]["fault"] == "no such file; bring the file there"
    assert found["big"]["used_by"] == ["llm.fallback[0]"]
