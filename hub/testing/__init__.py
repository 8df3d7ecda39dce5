"""Stand-ins for what's outside (the clock, the LLM, a platform) and builders of records, for everybody's tests.

Nothing in here stands for a part of the hub itself: tests use the real ones, on the memory store.
"""

from hub.testing.able import AbleBridge
from hub.testing.aims import FakeAims
from hub.testing.bridge import Delivery, FakeBridge
from hub.testing.builders import (
    NOON,
    a_correction,
    a_follow,
    a_key,
    a_link,
    a_message,
    a_package,
    a_pairing,
    a_pause,
    a_person,
    a_pin,
    a_posting,
    a_replay,
    a_reply,
    a_route,
    a_step,
    a_taint,
    a_task,
    a_thread,
    a_transition,
    a_turn,
    an_address,
    an_entry,
    an_event,
    an_installation,
    hello,
)
from hub.testing.checking import FakeChecking
from hub.testing.clock import FakeClock, settle
from hub.testing.desk import FakeDesk
from hub.testing.egress import FakeEgress
from hub.testing.errands import FakeErrands
from hub.testing.llm import Asked, Hang, MatchingLLM, ScriptedLLM
from hub.testing.tools import (
    AskingTool,
    AssignmentTool,
    FakeTool,
    FilingTool,
    ForeignTool,
    OutwardTool,
    PackagedTool,
    PausingTool,
)
from hub.testing.workspaces import MemoryWorkspaces

__all__ = [
    "NOON",
    "AbleBridge",
    "Asked",
    "AskingTool",
    "AssignmentTool",
    "Delivery",
    "FakeAims",
    "FakeBridge",
    "FakeChecking",
    "FakeClock",
    "FakeDesk",
    "FakeEgress",
    "FakeErrands",
    "FakeTool",
    "FilingTool",
    "ForeignTool",
    "Hang",
    "MatchingLLM",
    "MemoryWorkspaces",
    "OutwardTool",
    "PackagedTool",
    "PausingTool",
    "ScriptedLLM",
    "a_correction",
    "a_follow",
    "a_key",
    "a_link",
    "a_message",
    "a_package",
    "a_pairing",
    "a_pause",
    "a_person",
    "a_pin",
    "a_posting",
    "a_replay",
    "a_reply",
    "a_route",
    "a_step",
    "a_taint",
    "a_task",
    "a_thread",
    "a_transition",
    "a_turn",
    "an_address",
    "an_entry",
    "an_event",
    "an_installation",
    "hello",
    "settle",
]
