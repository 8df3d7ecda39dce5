"""Builds the LLMs that the config names, opens and closes them."""

import importlib.util
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec.structs import replace

from hub.config import MODEL_SHA256, Backend, Config, DecisionsConfig, backends, embedded_model, models_folder
from hub.flow.weights import READER_SHA256
from hub.llm.arriving import Arriving
from hub.llm.chain import Chain
from hub.llm.llamacpp import LlamaCpp
from hub.llm.matching import READER, MatchingLlamaCpp
from hub.llm.purse import Prices, Purse
from hub.ports import LLM, Clock, Documents
from hub.weights.names import Repo
from hub.weights.pulling import Pull
from hub.weights.shelf import Pulled, find


class Models:
    """The LLM that answers and the one that decides; they may be one and the same."""

    def __init__(self, config: Config, environ: Mapping[str, str], documents: Documents, clock: Clock) -> None:
        self._config = config
        self._environ = environ
        self._purse = Purse(documents, clock, config.hub.timezone, config.limits.money_per_day)
        # Each is opened and closed once, whoever it serves.
        *named, (path, _) = backends(config)
        # One that's named twice, say by `agenthost models use`, isn't loaded twice: the first of a kind stands.
        first: dict[tuple[str, ...], tuple[str, Backend]] = {}
        for section, llm in named:
            first.setdefault((llm.backend, llm.model, llm.url, llm.key), (section, llm))
        chat = list(first.values())
        free = not config.llm.decisions.backend
        members = [self._built(section, llm, decides=free and not llm.model) for section, llm in chat]
        self._all = members
        self.chat: LLM = Chain(*members) if len(members) > 1 else members[0]
        embedded = (
            member
            for member, (_, llm) in zip(members, chat, strict=True)
            if llm.backend == "llamacpp" and not llm.model
        )
        self.decider: LLM = self._decider(path, config.llm.decisions, next(embedded, None))

    async def open(self) -> None:
        """Begin to get all ready, and return without waiting for them."""
        await self._purse.open()
        for model in self._all:
            await model.open()

    async def close(self) -> None:
        """Stop all of them."""
        async with AsyncExitStack() as stack:
            for model in self._all:
                stack.push_async_callback(model.close)

    def _decider(self, path: str, own: DecisionsConfig, embedded: LLM | None) -> LLM:
        """Decisions have the embedded model of their own wherever llama.cpp and its file are there.

        For that is what the router's weights were trained with.
        """
        here = bool(importlib.util.find_spec("llama_cpp")) and embedded_model(self._environ).is_file()
        if not own.backend and embedded is not None and (here or embedded is self._all[0]):
            return embedded  # it answers too, first or as a fallback: once in memory is enough
        if not own.backend and not here:
            return self.chat
        decider = self._built(path, own if own.backend else replace(own, backend="llamacpp"), decides=True)
        self._all = [*self._all, decider]
        return decider

    def _built(self, section: str, llm: Backend, *, decides: bool = False) -> LLM:
        if llm.backend == "remote":
            return self._remote(section, llm)
        repo = Repo.named(llm.model)
        if repo and not Path(llm.model).is_file():
            return self._pulled(repo, llm, decides=decides)
        path = Path(llm.model).expanduser() if llm.model else embedded_model(self._environ)
        digest = llm.sha256 or ("" if llm.model else MODEL_SHA256)
        return _local(path, digest, llm, decides=decides)

    def _pulled(self, repo: Repo, llm: Backend, *, decides: bool) -> LLM:
        def over(found: Pulled) -> LLM:
            return _local(Path(found.path), llm.sha256 or found.sha256, llm, decides=decides)

        folder = models_folder(self._environ)
        if found := find(folder, repo):
            return over(found)
        pull = Pull(repo, folder, self._environ)

        async def fetch(tell: Callable[[int, int], None]) -> LLM:
            return over(await pull.run(lambda progress: tell(progress.done, progress.size)))

        return Arriving(str(repo), fetch, context=llm.context)

    def _remote(self, section: str, llm: Backend) -> LLM:
        # Its HTTP client takes a tenth of a start and 20 MB: only hubs that need it load it.
        from hub.llm.remote import Remote  # noqa: PLC0415
        from hub.llm.server import Patience  # noqa: PLC0415

        whole = self._config.llm
        return Remote(
            llm.url,
            llm.model,
            key=llm.key,
            context=llm.context,
            patience=Patience(first=whole.first_token_seconds, between=whole.between_tokens_seconds),
            prices=Prices(tokens_in=llm.price_in, cached=llm.price_cached, tokens_out=llm.price_out),
            purse=self._purse,
            setting=section,
        )


def _local(path: Path, digest: str, llm: Backend, *, decides: bool) -> LlamaCpp:
    """Only a model that may decide has the reader beside it."""
    eye = "" if isinstance(llm, DecisionsConfig) else llm.mmproj
    kind = MatchingLlamaCpp if decides else LlamaCpp
    return kind(
        path,
        sha256=digest,
        context=llm.context,
        threads=llm.threads,
        mmproj=Path(eye).expanduser() if eye else None,
        memory_mb=llm.memory_mb,
        reader=READER if decides else None,
        reader_sha256=READER_SHA256,
    )
