"""Reading a manifest strictly: what isn't understood is refused, with the file, the key, the value and the way out."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from hub.errors import ManifestError

NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")

S = TypeVar("S", bound=Struct)
Tags = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=30)], ...], Meta(max_length=10)]
"""Words that a package is to be found by in a registry; nothing else reads them."""


def read(path: Path, kind: type[S], *, missing: str, hints: Mapping[str, str] | None = None) -> S:
    """Read a TOML manifest as a Struct; raises ManifestError.

    `missing` says what the file is for, if it isn't there; `hints` tell what to do with keys that people try.
    """
    tree = _toml(path, missing)
    _refuse_unknown(path, tree, kind, "", hints or {})
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).replace("`", "").partition(" - at ")
        key = where.removeprefix("$").removeprefix(".") or _missing(what)
        raise ManifestError(f"{path}: {key}: {_worded(what)}; it is {_value(tree, key)}") from None


def text(path: Path, missing: str) -> str:
    """Return a file's text; raises ManifestError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ManifestError(f"{path}: missing; {missing}") from None
    except OSError as error:
        raise ManifestError(f"{path}: can't be read ({error.strerror}); make it readable for this user") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{path}: isn't UTF-8 text; save it as UTF-8") from None


def name_in(manifest: bytes) -> str:
    """Return the name that a TOML manifest gives, if it can be a folder's, else ""."""
    with suppress(ValueError, KeyError):
        name = tomllib.loads(manifest.decode())["name"]
        if isinstance(name, str) and NAME.fullmatch(name):
            return name
    return ""


@contextmanager
def places_hidden(folder: Path) -> Iterator[None]:
    """Have faults tell paths from a package's own folder: where it lies on this machine is nobody's business."""
    try:
        yield
    except ManifestError as error:
        raise ManifestError(str(error).replace(f"{folder}/", "")) from None


def common_faults(name: str, version: str, description: str) -> dict[str, str]:
    """Return what's wrong with the keys that every manifest has, and the way out; empty where nothing is."""
    return {
        "name": "" if NAME.fullmatch(name) else "use lower-case letters, digits and hyphens, 64 at most",
        "version": "" if VERSION.fullmatch(version) else "write a SemVer version such as 1.0.0",
        "description": "" if one_line(description) else "write one line of at most 200 characters",
    }


def refuse(path: Path, manifest: Struct, faults: Mapping[str, str], folder: str) -> None:
    """Raise ManifestError for the first fault, or if a package isn't called as its folder is."""
    for key, advice in faults.items():
        if advice:
            raise ManifestError(f"{path}: {key}: {getattr(manifest, key)!r} won't do; {advice}")
    name = getattr(manifest, "name", folder)
    if name != folder:
        raise ManifestError(f"{path}: name: {name!r}, but its folder is {folder!r}; give both one name")


def one_line(text: str) -> bool:
    """Say whether a text is one line of at most 200 characters, and not empty."""
    return bool(text.strip()) and len(text) <= 200 and "\n" not in text


def _toml(path: Path, missing: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text(path, missing))
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path}: isn't TOML: {error}; mend that line") from None


def _refuse_unknown(path: Path, tree: dict[str, Any], kind: Any, prefix: str, hints: Mapping[str, str]) -> None:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is dict:
        for name, value in tree.items():
            if isinstance(value, dict):
                _refuse_unknown(path, value, get_args(kind)[1], f"{prefix}{name}.", {})
        return
    if not (isinstance(kind, type) and issubclass(kind, Struct)):
        return
    known = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in tree.items():
        if key not in known:
            hint = hints.get(key, f"known here: {', '.join(known)}")
            raise ManifestError(f"{path}: {prefix}{key}: unknown key; {hint}")
        if isinstance(value, dict):
            _refuse_unknown(path, value, known[key], f"{prefix}{key}.", {})


def _missing(what: str) -> str:
    return what.rpartition(" ")[2] if "required field" in what else "the whole file"


def _worded(what: str) -> str:
    return "must be set" if "required field" in what else what.replace("Expected", "must be")


def _value(tree: dict[str, Any], key: str) -> str:
    node: Any = tree
    for name in re.findall(r"[^.\[\]]+", key):
        node = node.get(name) if isinstance(node, dict) else None
    return "missing" if node is None else repr(node)
