"""One Protocol for each thing that can be swapped; their docstrings are what the contract tests check."""

from hub.ports.keeping import Documents, Files
from hub.ports.llm import LLM, Decision, End, Filled, LLMInfo, Piece, Priority, Said, Score, Scores, Scoring, Terms
from hub.ports.platforms import (
    Accept,
    Bridge,
    BridgeInfo,
    Delivered,
    Desk,
    Draft,
    Drafting,
    Hooked,
    Outgoing,
    Probing,
    Retracting,
    Threading,
    Typing,
)
from hub.ports.storage import Add, Change, Remove, Save, Store
from hub.ports.time import Clock
from hub.ports.tools import Example, Exemplary, Quoting, Reading, Tool, ToolCall
from hub.ports.work import Delta, Dispatcher, Feed, News

__all__ = [
    "LLM",
    "Accept",
    "Add",
    "Bridge",
    "BridgeInfo",
    "Change",
    "Clock",
    "Decision",
    "Delivered",
    "Delta",
    "Desk",
    "Dispatcher",
    "Documents",
    "Draft",
    "Drafting",
    "End",
    "Example",
    "Exemplary",
    "Feed",
    "Files",
    "Filled",
    "Hooked",
    "LLMInfo",
    "News",
    "Outgoing",
    "Piece",
    "Priority",
    "Probing",
    "Quoting",
    "Reading",
    "Remove",
    "Retracting",
    "Said",
    "Save",
    "Score",
    "Scores",
    "Scoring",
    "Store",
    "Terms",
    "Threading",
    "Tool",
    "ToolCall",
    "Typing",
]
