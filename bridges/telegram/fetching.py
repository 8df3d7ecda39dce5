"""Bring the files of a message into the hub's file store; what can't be brought is said in words."""

import logging
from collections.abc import Sequence

from bridges.telegram.api import Api, Fault
from bridges.telegram.reading import Attachment
from hub.errors import TooLarge
from hub.ports import Files
from hub.records import File, Part, Text

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000


class Fetcher:
    """Downloads files within a limit."""

    def __init__(self, api: Api, files: Files, file_mb: int) -> None:
        self._api = api
        self._files = files
        self._limit = file_mb

    async def fetch(self, attachments: Sequence[Attachment], *, last: bool = False) -> tuple[list[Part], list[str]]:
        """Return the files as parts, and what the sender must be told about them.

        Raises Fault if one can't be had now, StoreUnavailable if it can't be kept now; with `last` a file that can't
        be had is said in words, like one that's too large.
        """
        parts: list[Part] = []
        complaints: list[str] = []
        for attachment in attachments:
            part = await self._fetch(attachment, last=last)
            parts.append(part)
            if isinstance(part, Text):
                complaints.append(part.text.strip("[]"))
        return parts, complaints

    async def _fetch(self, attachment: Attachment, *, last: bool) -> Part:
        if attachment.size is not None and attachment.size > self._limit * MEGABYTE:
            return self._too_large(attachment)
        try:
            coming = await self._api.download(attachment.file_id)
            sha256, size = await self._files.put(coming, limit=self._limit * MEGABYTE)
        except TooLarge:
            return self._too_large(attachment)
        except Fault as fault:
            if fault.says("too big"):
                return self._too_large(attachment)
            if not last and fault.kind != "refused":
                raise
            log.warning("a file can't be fetched: %s", fault)
            return Text(f"[file that couldn't be fetched: {_safe(attachment.name)}]")
        return File(name=_safe(attachment.name), media_type=attachment.media_type, size=size, sha256=sha256)

    def _too_large(self, attachment: Attachment) -> Text:
        size = f", {attachment.size / MEGABYTE:.0f} MB" if attachment.size else ""
        return Text(f"[file too large: {_safe(attachment.name)}{size}; the limit is {self._limit} MB]")


def named(attachments: Sequence[Attachment]) -> list[Part]:
    """Return files in words: those of somebody for whom nothing is downloaded."""
    return [Text(f"[file: {_safe(attachment.name)}]") for attachment in attachments]


def _safe(name: str) -> str:
    return name.replace("/", "_").replace("\\", "_").replace("]", ")").strip() or "file"
