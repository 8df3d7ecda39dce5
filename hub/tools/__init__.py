"""The tools that ship with AgentHost. They run in the hub's process, for they are part of it; strangers' never do."""

from zoneinfo import ZoneInfo

from hub.ports import Clock, Documents, Tool
from hub.times.zones import Zones
from hub.tools.calculate import Calculate
from hub.tools.clock import ClockTool
from hub.tools.memory import Recall, Remember


def built_in(clock: Clock, zone: ZoneInfo, documents: Documents) -> tuple[Tool, ...]:
    """Return every built-in tool, ready to be called."""
    return ClockTool(clock, Zones(documents, zone.key)), Calculate(), Remember(clock, documents), Recall(documents)
