"""/v1/models and /v1/embeddings: agents as OpenAI lists models; texts as vectors, where a model gives some."""

import struct
from base64 import b64encode
from typing import Annotated, Literal, Protocol

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.errors import BadRequest, ContextOverflow, LLMError, LLMUnavailable
from hub.ports import Embedding, LLMInfo, Terms
from hub.web.auth import Asker, Hub
from hub.web.openai.faults import FAULTS, NoAnswer, NoModel
from hub.web.openai.intake import agent_of
from hub.web.problems import shown
from hub.web.services import Services
from hub.web.wishes import agents_for

OWNER = "agenthost"
TEXTS = 256
"""In one request."""
CHARACTERS = 200_000
"""Of a text."""


class Model(Struct, frozen=True, kw_only=True):
    """An agent, as a client of OpenAI's lists it; or what gives vectors for texts."""

    id: str
    object: Literal["model"] = "model"
    created: int
    """When the hub started: nobody keeps when an agent was made."""
    owned_by: str = OWNER


class Models(Struct, frozen=True, kw_only=True):
    """Everything that can be named as a model."""

    object: Literal["list"] = "list"
    data: list[Model]


Text = Annotated[str, Meta(min_length=1, max_length=CHARACTERS)]
Tokens = list[int]


class NewEmbeddings(Struct, frozen=True, kw_only=True):
    """Texts whose vectors are wanted. Fields that aren't named here are passed over."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: Text | Annotated[list[Text | int | Tokens], Meta(min_length=1, max_length=TEXTS)]
    """One text or several; tokens aren't taken, for each model has its own."""
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    """As many as the model gives, or left out."""


class Vector(Struct, frozen=True, kw_only=True):
    """A text as numbers."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str
    """In base64 if that was asked for: 32 bits each, the low byte first."""


class Tokenful(Struct, frozen=True, kw_only=True):
    """What it took."""

    prompt_tokens: int
    total_tokens: int


class Vectors(Struct, frozen=True, kw_only=True):
    """The vectors of some texts, in their order."""

    object: Literal["list"] = "list"
    data: list[Vector]
    model: str
    usage: Tokenful


class ModelsController(Controller):
    """What OpenAI's clients call models."""

    path = "/v1"
    tags = ("openai",)

    @get("/models", opt={"scope": "messages:read"}, responses=FAULTS, summary="List models")
    async def models(self, services: Hub, caller: Asker) -> Models:
        """Return the agents that this key may have, and last the model that gives vectors, if there is one."""
        names = [agent.name for agent in await agents_for(services, caller)]
        embedding = _embedding(services)
        names += [embedding.info.model] if embedding else []
        return Models(data=[_model(services, name) for name in names])

    @get("/models/{name:path}", opt={"scope": "messages:read"}, responses=FAULTS, summary="Read a model")
    async def model(self, services: Hub, caller: Asker, name: FromPath[str]) -> Model:
        """Return an agent, by its name or name@version."""
        name = name.removeprefix("/")
        embedding = _embedding(services)
        if embedding is None or name != embedding.info.model:
            await agent_of(services, caller, name)
        return _model(services, name)

    @post("/embeddings", status_code=200, opt={"scope": "messages:write"}, responses=FAULTS, summary="Embed texts")
    async def embed(self, services: Hub, caller: Asker, data: JSONBody[NewEmbeddings]) -> Vectors:
        """Return a vector of length 1 for each text, from the model that has such; no task comes of it."""
        llm = _embedding(services)
        if llm is None:
            raise NoModel("model: no model of this hub gives vectors for texts; see `llm.backend` in its config")
        if data.model != llm.info.model:
            raise NoModel(f"model: {shown(data.model)} gives no vectors; {llm.info.model!r} does")
        if data.dimensions not in (None, llm.info.dimensions):
            raise BadRequest("dimensions", f"must be {llm.info.dimensions}, or left out; it is {data.dimensions}")
        texts = [data.input] if isinstance(data.input, str) else data.input
        plain = [text for text in texts if isinstance(text, str)]
        if len(plain) < len(texts):
            raise BadRequest("input", "must be text; tokens differ from model to model")
        try:
            found = await llm.embed(plain, Terms(tenant=caller.tenant))
        except ContextOverflow as error:
            raise NoAnswer(str(error), status=400, code="context_length_exceeded", param="input") from None
        except LLMUnavailable as error:
            raise NoAnswer(str(error), status=503, code="model_unavailable") from None
        except LLMError as error:
            raise NoAnswer(str(error), status=500, code="model_failed") from None
        vectors = [
            Vector(index=at, embedding=_written(vector, data.encoding_format))
            for at, vector in enumerate(found.vectors)
        ]
        usage = Tokenful(prompt_tokens=found.tokens, total_tokens=found.tokens)
        return Vectors(data=vectors, model=data.model, usage=usage)


class Embedder(Embedding, Protocol):
    """An LLM that gives vectors."""

    @property
    def info(self) -> LLMInfo:
        """Say how it is."""


def _embedding(services: Services) -> Embedder | None:
    for llm in (services.llm, services.decisions):
        if isinstance(llm, Embedding) and llm.info.dimensions:
            return llm
    return None


def _model(services: Services, name: str) -> Model:
    return Model(id=name, created=int(services.started_at.timestamp()))


def _written(vector: tuple[float, ...], how: Literal["float", "base64"]) -> list[float] | str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if how == "base64" else list(vector)
