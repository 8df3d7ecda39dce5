"""Which LLMs a config makes: one that answers, alone or in a chain, and one that decides."""

from pathlib import Path

import pytest

from hub.clock import SystemClock
from hub.config import Config, DecisionsConfig, FallbackConfig, LLMConfig, embedded_model
from hub.llm.arriving import Arriving
from hub.llm.chain import Chain
from hub.llm.llamacpp import LlamaCpp
from hub.llm.remote import Remote
from hub.llms import Models
from hub.store.documents import MemoryDocuments

REMOTE = LLMConfig(backend="remote", url="http://127.0.0.1:9/v1", model="big")
HERE = FallbackConfig(backend="llamacpp")
THERE = FallbackConfig(url="http://127.0.0.1:9/v1", model="second")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path)}


def made(llm: LLMConfig, environ: dict[str, str]) -> Models:
    return Models(Config(llm=llm), environ, MemoryDocuments(), SystemClock())


def with_embedded(environ: dict[str, str]) -> None:
    path = embedded_model(environ)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF")


def test_the_embedded_model_answers_and_decides_as_one(environ: dict[str, str]) -> None:
    models = made(LLMConfig(), environ)

    assert isinstance(models.chat, LlamaCpp)
    assert models.decider is models.chat


def test_beside_a_remote_one_the_embedded_decides(environ: dict[str, str]) -> None:
    with_embedded(environ)
    models = made(REMOTE, environ)

    assert isinstance(models.chat, Remote)
    assert isinstance(models.decider, LlamaCpp)


def test_without_the_embedded_model_the_remote_one_decides(environ: dict[str, str]) -> None:
    models = made(REMOTE, environ)

    assert models.decider is models.chat


def test_fallbacks_make_a_chain_and_an_embedded_one_among_them_decides_without_being_loaded_twice(
    environ: dict[str, str],
) -> None:
    with_embedded(environ)
    models = made(LLMConfig(backend="remote", url=REMOTE.url, model="big", fallback=(THERE, HERE)), environ)

    assert isinstance(models.chat, Chain)
    assert [member.info.model for member in models.chat.members] == ["big", "second", embedded_model(environ).name]
    assert models.decider is models.chat.members[2]


def test_one_that_is_named_twice_is_loaded_once(environ: dict[str, str]) -> None:
    models = made(LLMConfig(fallback=(THERE, HERE, THERE)), environ)

    assert isinstance(models.chat, Chain)
    assert [member.info.model for member in models.chat.members] == [embedded_model(environ).name, "second"]


def test_an_embedded_fallback_that_is_not_here_decides_nothing(environ: dict[str, str]) -> None:
    models = made(LLMConfig(backend="remote", url=REMOTE.url, model="big", fallback=(HERE,)), environ)

    assert models.decider is models.chat


def test_a_model_of_its_own_for_decisions_is_another(environ: dict[str, str]) -> None:
    own = DecisionsConfig(backend="remote", url="http://127.0.0.1:9/v1", model="judge")
    models = made(LLMConfig(decisions=own), environ)

    assert models.decider is not models.chat
    assert models.decider.info.model == "judge"


async def test_a_repository_whose_model_is_not_here_arrives(environ: dict[str, str]) -> None:
    models = made(LLMConfig(model="some/model:x.gguf"), environ)

    assert isinstance(models.chat, Arriving)
    assert (models.chat.info.model, models.chat.info.state) == ("some/model:x.gguf", "absent")
