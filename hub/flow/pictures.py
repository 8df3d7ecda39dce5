"""The images that came along with messages, as far as a model may be shown them."""

import logging
from collections.abc import Sequence

from hub.errors import NotFound, StoreError
from hub.flow.prompts import Images
from hub.ports import Files
from hub.records import File, Message

log = logging.getLogger(__name__)

NEWEST = 4
"""Images read for one prompt; older ones are only named."""

LARGEST = 8 * 1024 * 1024


async def read(files: Files, history: Sequence[Message]) -> Images:
    """Return the newest images of a history; one whose bytes aren't kept any more is left out."""
    found: dict[str, bytes] = {}
    images = {message.id: dict[str, bytes]() for message in history}
    newest = [(message.id, file.sha256) for message in reversed(history) for file in _images(message)][:NEWEST]
    for id, sha256 in newest:
        try:
            if sha256 not in found:
                found[sha256] = await files.read(sha256)
            images[id][sha256] = found[sha256]
        except (NotFound, StoreError) as error:
            log.warning("message %s: an image can't be shown: %s", id, error)
    return images


def _images(message: Message) -> list[File]:
    return [
        part
        for part in message.parts
        if isinstance(part, File) and part.media_type.startswith("image/") and part.size <= LARGEST
    ]
