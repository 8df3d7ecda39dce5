"""The tools that need more than a clock: the web, files, what a person sent. Built over what the hub gives them."""

from pathlib import Path

from hub.ports import Aims, Clock, Egress, Errands, Files, Humans, Outlining, Splits, Store, Tool, Workspaces
from hub.times.zones import Zones
from hub.tools.aims import ProposeChecks, WaitFor
from hub.tools.attached import Attached
from hub.tools.documents import SearchDocuments
from hub.tools.extract import Extractor
from hub.tools.files import ListFiles, ReadFile, WriteFile
from hub.tools.human import AskAHuman
from hub.tools.library import Library
from hub.tools.planning import Plan
from hub.tools.schedule import Remind, Schedule
from hub.tools.splitting import Split
from hub.tools.web import WebFetch


class Shipped:
    """These tools, and what they work with."""

    def __init__(
        self,
        *,
        clock: Clock,
        zones: Zones,
        store: Store,
        files: Files,
        workspaces: Workspaces,
        egress: Egress,
        errands: Errands,
        outlining: Outlining,
        splits: Splits,
        aims: Aims,
        humans: Humans,
        search: Path,
    ) -> None:
        """`search` is the folder for indexes, which can be made anew from what's kept."""
        attached = self.workspaces = Attached(workspaces, store, files)
        """The tasks' files as tools and programs see them."""
        self.extractor = extractor = Extractor()
        """Reads what strangers made."""
        self.tools: tuple[Tool, ...] = (
            WebFetch(clock, egress, extractor),
            ListFiles(attached),
            ReadFile(attached, extractor),
            WriteFile(attached),
            SearchDocuments(Library(store, files, extractor, clock, search)),
            Schedule(clock, zones, errands),
            Remind(),
            Plan(outlining),
            Split(splits),
            ProposeChecks(aims),
            WaitFor(clock, zones, aims),
            AskAHuman(humans),
        )

    async def close(self) -> None:
        """End what they work with."""
        await self.extractor.close()
