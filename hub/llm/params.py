"""How llama.cpp is told to load a model."""

import contextlib
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as c


def model_params(*, plain: bool = False) -> Any:
    """Return llama.cpp's parameters for loading; `plain`: without the processor's special units for matrices.

    Those of AMX are never used: llama.cpp crashes over models whose weights it lays out for them
    (ggml-org/llama.cpp#20824; seen here with Q4_1 and Q4_K alike), and the copy takes a second file's worth of memory.
    """
    params = c.llama_model_default_params()
    params.use_extra_bufts = not plain and not _has_amx()
    return params


def _has_amx() -> bool:
    with contextlib.suppress(OSError):
        return "amx_int8" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    return False
