"""The real small model, for tests that need one."""

import importlib.util
import os
from pathlib import Path

import pytest

from hub.config import MODEL_SHA256, embedded_model
from hub.llm.matching import READER

__all__ = ["MODEL_SHA256", "model_file", "needs_llama_cpp", "reader_file"]


def model_file() -> Path:
    """Return the embedded model's path; skip the test where it isn't installed, but fail in CI."""
    needs_llama_cpp()
    path = embedded_model(os.environ)
    _skip_unless("" if path.is_file() else f"no model at {path}: run make venv")
    return path


def needs_llama_cpp() -> None:
    """Skip the test where llama.cpp isn't installed, but fail in CI."""
    found = importlib.util.find_spec("llama_cpp")
    _skip_unless("" if found else "llama-cpp-python isn't installed: run make venv on a machine with gcc, g++ and make")


def _skip_unless(missing: str) -> None:
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


def reader_file() -> Path:
    """Return the reader's path: it ships with the hub."""
    return READER
