"""What makes sounds, words and images: each call in a process of its own, which is gone when it's done.

    python -m hub.tools.making espeak-ng|piper|whisper|stable-diffusion FOLDER    (its order as JSON on stdin)

The libraries are others' and big, and parse what strangers sent: a crash or a hang in one costs one call.
"""

import asyncio
import os
import resource
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from hub.errors import ToolError

SAID = 300
"""Characters of what a failed process said."""
MEMORY = 16 << 30
"""Bytes of address space: Stable Diffusion's models are large."""
PASSED_ON = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "TMPDIR")


class Order(Struct, frozen=True, kw_only=True):
    """What's to be made, and of what."""

    maker: str
    model: str = ""
    text: str = ""
    steps: int = 20
    size: int = 512


RESULTS = {"espeak-ng": "made.wav", "piper": "made.wav", "whisper": "made.txt", "stable-diffusion": "made.png"}
SOURCE = "source"
"""The file that's listened to."""
MODULES = {"piper": "piper", "whisper": "pywhispercpp", "stable-diffusion": "stable_diffusion_cpp"}
PACKAGES = {"piper": "piper-tts", "whisper": "pywhispercpp", "stable-diffusion": "stable-diffusion-cpp-python"}


def missing(maker: str) -> str:
    """Return what has to be installed for a maker to work, or nothing."""
    if maker == "espeak-ng":
        return "" if which("espeak-ng") else "espeak-ng isn't installed; on Debian: apt install espeak-ng"
    if find_spec(MODULES[maker]):
        return ""
    return f"the library isn't installed; .venv/bin/uv pip install {PACKAGES[maker]}"


async def make(order: Order, source: bytes | None, seconds: float) -> bytes:
    """Return what a maker makes; raises ToolError."""
    with TemporaryDirectory(prefix="agenthost-making-") as folder:
        if source is not None:
            await asyncio.to_thread((Path(folder) / SOURCE).write_bytes, source)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "hub.tools.making", order.maker, folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={name: value for name in PASSED_ON if (value := os.environ.get(name))}
            | {"PYTHONPATH": str(Path(__file__).parent.parent.parent), "OMP_WAIT_POLICY": "passive"},
        )
        try:
            async with asyncio.timeout(seconds):
                _, said = await child.communicate(msgspec.json.encode(order))
        except TimeoutError:
            raise ToolError(f"{order.maker} took longer than {seconds:g} seconds and was stopped.") from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        made = Path(folder) / RESULTS[order.maker]
        if child.returncode or not made.is_file():
            last = (said.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"])[-1]
            raise ToolError(f"{order.maker} failed: {last[:SAID]}")
        return await asyncio.to_thread(made.read_bytes)


def main() -> None:
    """Make what the order says, in the folder."""
    maker, folder = sys.argv[1], Path(sys.argv[2])
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    {"espeak-ng": _espeak, "piper": _piper, "whisper": _whisper, "stable-diffusion": _paint}[maker](order, folder)


def _espeak(order: Order, folder: Path) -> None:
    made = folder / RESULTS["espeak-ng"]
    # The text on stdin: what begins with a hyphen would be taken for an option.
    options = ("--stdin", "-w", str(made), "-v", order.model or "en")
    program = which("espeak-ng") or "espeak-ng"
    subprocess.run([program, *options], input=order.text.encode(), check=True)  # noqa: S603 - no shell, our own options


def _piper(order: Order, folder: Path) -> None:
    import wave  # noqa: PLC0415 - with this library only

    from piper import PiperVoice  # type: ignore[import-not-found]  # noqa: PLC0415 - optional

    with wave.open(str(folder / RESULTS["piper"]), "wb") as file:
        PiperVoice.load(order.model).synthesize_wav(order.text, file)


def _whisper(order: Order, folder: Path) -> None:
    from pywhispercpp.model import Model  # type: ignore[import-not-found]  # noqa: PLC0415 - optional

    words = [part.text.strip() for part in Model(order.model).transcribe(str(folder / SOURCE))]
    (folder / RESULTS["whisper"]).write_text(" ".join(words), encoding="utf-8")


def _paint(order: Order, folder: Path) -> None:
    from stable_diffusion_cpp import StableDiffusion  # type: ignore[import-not-found]  # noqa: PLC0415 - optional

    painter = StableDiffusion(model_path=order.model)
    images = painter.generate_image(
        prompt=order.text, width=order.size, height=order.size, sample_steps=order.steps, seed=-1
    )
    images[0].save(folder / RESULTS["stable-diffusion"])


if __name__ == "__main__":
    main()
