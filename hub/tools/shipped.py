"""The tools that need more than a clock: the web, files, what a person sent. Built over what the hub gives them."""

from hub.ports import Clock, Egress, Files, Store, Tool, Workspaces
from hub.tools.extract import Extractor
from hub.tools.files import ListFiles, ReadFile, WriteFile
from hub.tools.web import WebFetch


class Shipped:
    """These tools, and what they work with."""

    def __init__(self, *, clock: Clock, store: Store, files: Files, workspaces: Workspaces, egress: Egress) -> None:
        self._extractor = extractor = Extractor()
        self.tools: tuple[Tool, ...] = (
            WebFetch(clock, egress, extractor),
            ListFiles(store, workspaces),
            ReadFile(store, files, workspaces, extractor),
            WriteFile(workspaces),
        )

    async def close(self) -> None:
        """End what they work with."""
        await self._extractor.close()
