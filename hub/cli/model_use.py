"""Writes another model into the config file, keeping all else in it as it stands."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from hub.config import load
from hub.errors import ConfigError
from hub.reading import PREFIX

FRESH = "# Written by `agenthost models use`. Every other key has its default: see config.example.toml.\n"


def written(path: Path, values: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Write keys of [llm] into a config file, made if there's none; raises ConfigError, and then nothing was changed.

    Comments, order and all other keys stay as they are.
    """
    text = changed(path.read_text(encoding="utf-8") if path.exists() else FRESH, values, path)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    # Beside it, so that the new one can take its place all at once.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".toml", delete=False, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft = Path(file.name)
    try:
        load(draft, environ)
        draft.chmod(mode)
        draft.replace(path.resolve())
    finally:
        draft.unlink(missing_ok=True)


def changed(text: str, values: Mapping[str, str], path: Path) -> str:
    """Return a config's text with keys of [llm] set; raises ConfigError if it isn't TOML."""
    try:
        document = tomlkit.parse(text)
        section = document.setdefault("llm", tomlkit.table())
        if not isinstance(section, Table):
            raise ConfigError("llm: must be a section ([llm])")
        for key, value in values.items():
            section[key] = value
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ConfigError(f"{path}: isn't TOML: {error}") from None


def overridden(environ: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
    """Return the environment's variables that win over what was written."""
    return [name for key in values if (name := f"{PREFIX}LLM__{key.upper()}") in environ]
