"""The models that this machine and its config know: where they lie, what they are, who uses them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from hub.config import MODEL_FILE, MODEL_SHA256, Backend, Config, backends, embedded_model, models_folder
from hub.reading import url_shown
from hub.weights import header, shelf
from hub.weights.names import Repo, quantisation

EMBEDDED = "embedded"


class Known(Struct, frozen=True, kw_only=True):
    """A model, for `--json`."""

    name: str
    """What `use` and `info` take."""
    kind: Literal["embedded", "pulled", "file", "remote", "missing"]
    path: str = ""
    repo: str = ""
    url: str = ""
    size: int = 0
    quantisation: str = ""
    parameters: int = 0
    sha256: str = ""
    """What it must be; empty: nobody said."""
    checked: bool | None = None
    """Whether it is that; None: not looked at now. Whoever loads it looks."""
    used_by: tuple[str, ...] = ()
    """The config's sections that name it."""
    fault: str = ""


def known(config: Config, environ: Mapping[str, str], *, verify: bool = False) -> list[Known]:
    """Return every model: the embedded one, those that were pulled, those that the config names."""
    folder = models_folder(environ)
    found: dict[str, Known] = {}
    embedded = embedded_model(environ)
    if embedded.is_file():
        found[str(embedded)] = Known(name=EMBEDDED, kind="embedded", path=str(embedded), sha256=MODEL_SHA256)
    for each in shelf.pulled(folder):
        found[each.path] = Known(
            name=f"{each.repo}:{_file(each)}", kind="pulled", path=each.path, repo=each.repo, sha256=each.sha256
        )
    for section, llm in _named(config):
        key, model = _configured(llm, folder, environ)
        before = found.get(key, model)
        found[key] = replace(before, used_by=(*before.used_by, section), sha256=llm.sha256 or before.sha256)
    return [_looked_into(model, verify=verify) for model in found.values()]


def named(models: list[Known], name: str | None) -> Known | None:
    """Return the model of that name, path, file name or repository; without a name, the one that answers."""
    if name is None:
        return next((model for model in models if "llm" in model.used_by), None)
    for model in models:
        if name in (model.name, model.path, model.repo, Path(model.path).name if model.path else ""):
            return model
    path = Path(name).expanduser()
    if path.is_file():
        return _looked_into(Known(name=str(path.absolute()), kind="file", path=str(path.absolute())), verify=False)
    return None


def checked(model: Known) -> Known:
    """Return a model with its file read and its SHA-256 compared; one that nobody had said is its own."""
    real = shelf.sha256(Path(model.path))
    return replace(model, sha256=model.sha256 or real, checked=not model.sha256 or real == model.sha256.lower())


def _named(config: Config) -> list[tuple[str, Backend]]:
    return [(section, llm) for section, llm in backends(config) if section != "llm.decisions" or llm.backend]


def _configured(llm: Backend, folder: Path, environ: Mapping[str, str]) -> tuple[str, Known]:
    """Return what a section names, and what it's known by."""
    if llm.backend == "remote":
        url = url_shown(llm.url)
        return f"{llm.model} {url}", Known(name=llm.model, kind="remote", url=url)
    path = Path(llm.model).expanduser().absolute() if llm.model else embedded_model(environ)
    repo = Repo.named(llm.model)
    if repo and not path.is_file():
        if here := shelf.find(folder, repo):
            return here.path, Known(name=llm.model, kind="pulled", path=here.path, repo=repo.name)
        fault = f"not here yet: `agenthost models pull {llm.model}`, or the hub fetches it when it starts"
        return llm.model, Known(name=llm.model, kind="missing", repo=repo.name, fault=fault)
    if not path.is_file():
        way = "bring the file there" if llm.model else "`make venv` brings it"
        return str(path), Known(
            name=llm.model or MODEL_FILE, kind="missing", path=str(path), fault=f"no such file; {way}"
        )
    return str(path), Known(name=str(path), kind="file", path=str(path))


def _looked_into(model: Known, *, verify: bool) -> Known:
    if model.kind in ("remote", "missing"):
        return model
    path = Path(model.path)
    try:
        about = header.read(path)
        model = replace(
            model,
            size=path.stat().st_size,
            quantisation=about.quantisation or quantisation(path.name),
            parameters=about.parameters,
        )
        return checked(model) if verify and model.sha256 else model
    except (OSError, ValueError) as error:
        return replace(model, size=path.stat().st_size if path.exists() else 0, fault=str(error))


def _file(each: shelf.Pulled) -> str:
    # A file in a folder of its repository has that folder in its name.
    return os.path.basename(each.path).replace("--", "/")
