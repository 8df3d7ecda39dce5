"""What people do at Telegram, and what a test waits for there."""

import asyncio
from collections.abc import Callable

from tests.telegram.calls import Call
from tests.telegram.emulator import Emulator
from tests.telegram.proxy import Proxy


async def album(emulator: Emulator, group: str, *, numbers: tuple[int, ...] = (0, 1, 2)) -> None:
    """Have Ann send an album's pictures; the first has a caption."""
    for number in numbers:
        file = await emulator.upload("photo", f"{group}{number}".encode())
        photo = {"file_id": file, "file_unique_id": f"{group}{number}", "width": 9, "height": 9}
        caption = None if number else "Our holidays"
        await emulator.says(photo=[photo], media_group_id=group, caption=caption)


async def until(is_so: Callable[[], bool], *, within: float = 10.0) -> None:
    """Wait until something is so; raises TimeoutError."""
    async with asyncio.timeout(within):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)


async def until_acknowledged(emulator: Emulator) -> None:
    """Wait until the emulator has no update left that it would hand over again."""
    async with asyncio.timeout(60):
        while True:
            if not await emulator.pending():
                return
            await asyncio.sleep(0.02)


async def until_made(proxy: Proxy, method: str, count: int = 1) -> list[Call]:
    """Wait until a method was called so often."""
    await until(lambda: len(proxy.made(method)) >= count)
    return proxy.made(method)
