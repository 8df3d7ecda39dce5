"""The real small model, for tests that need one."""

import importlib.util
import os
from pathlib import Path

import pytest

from hub.config import MODEL_SHA256, embedded_model

__all__ = ["MODEL_SHA256", "model_file"]


def model_file() -> Path:
    """Return the embedded model's path; skip the test where it isn't installed, but fail in CI."""
    path = embedded_model(os.environ)
    missing = "" if path.is_file() else f"no model at {path}: run make venv"
    if importlib.util.find_spec("llama_cpp") is None:
        missing = "llama-cpp-python isn't installed: run make venv on a machine with gcc, g++ and make"
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return path
