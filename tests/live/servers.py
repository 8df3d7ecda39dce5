"""A real llama-server over the small model, for tests that ask for one."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.testing.llama_server import is_here
from tests.live.real import model_file


@asynccontextmanager
async def llama_server(*options: str, model: Path | None = None) -> AsyncIterator[str]:
    """Run one, over the small model if no other is given, and yield its URL.

    The test is skipped where xllamacpp isn't installed, but fails in CI.
    """
    if not is_here():
        missing = "xllamacpp isn't installed: it has no wheel for this machine, or run make test"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hub.testing.llama_server", str(model or model_file()), *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(120):
            url = (await process.stdout.readline()).decode().strip()
        assert url, "llama-server didn't start"
        yield url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
