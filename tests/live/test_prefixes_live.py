"""A chat of twenty turns with the product's own prompts: each turn has the model evaluate only what's new in it."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from hub.cli.bench_store import a_hub, said
from hub.flow import lanes
from hub.llm.llamacpp import LlamaCpp
from hub.ports import Add, End, Piece, Said, Terms
from hub.store.sql import SqlStore
from hub.testing.builders import a_person
from tests.live.real import MODEL_SHA256, model_file

pytestmark = pytest.mark.live

SAID = (
    "How do I get from Berlin to Vienna by night train?",
    "Is there a dining car, and is it any good?",
    "What is 17*23?",
    "Can you suggest a hotel near the station?",
    "Thanks. How long does the walk take?",
)
TURNS = 20
FRAME = 24
"""Tokens that the template puts around a turn, and those at an answer's end that are tokenised anew."""


class Listening(LlamaCpp):
    """The real model, with short answers, and a record of what each cost."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, sha256=MODEL_SHA256, context=4096, threads=1)
        self.ends: list[End] = []

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End]:
        async for piece in super().chat(prompt, ask, limit=16, temperature=temperature):
            if isinstance(piece, End):
                self.ends.append(piece)
            yield piece


async def test_a_turn_evaluates_only_what_is_new_in_it(tmp_path: Path) -> None:
    store, model = SqlStore.in_folder(tmp_path), Listening(model_file())
    await store.open()
    await model.open()
    await model.ready()
    try:
        await store.commit(Add(a_person()))
        hub, task, told = a_hub(tmp_path, store, model), None, 0
        for number in range(TURNS):
            text = SAID[number % len(SAID)]
            message, _ = await hub.inbox.keep(said(text, wish=task))
            await hub.work(lanes.chat(message.tenant, message.address))
            routed = await store.message(message.id)
            assert routed is not None
            assert routed.task is not None
            task, before = routed.task, len(model.ends)
            await hub.work(lanes.task(routed.task))
            spoken = model.ends[before:]
            # What a tool answered alone, the model reads only with the next question.
            told += await model.count([Said("user", text)]) + (0 if spoken else FRAME)
            for end in spoken:
                assert end.tokens_new <= told + FRAME or number == 0
                told = 0
        assert len(model.ends) == TURNS - TURNS // len(SAID)
        assert model.ends[-1].tokens_in > 8 * model.ends[-1].tokens_new
    finally:
        await model.close()
        await store.close()
