"""One Protocol for each thing that can be swapped; their docstrings are what the contract tests check."""

from hub.ports.keeping import Documents, Files
from hub.ports.llm import LLM, Decision, End, Filled, LLMInfo, Piece, Priority, Said, Score, Scores, Scoring, Terms
from hub.ports.platforms import Accept, Bridge
from hub.ports.storage import Add, Change, Remove, Save, Store
from hub.ports.time import Clock
from hub.ports.tools import Example, Exemplary, Quoting, Reading, Tool, ToolCall
from hub.ports.work import Delta, Dispatcher, Feed, News

__all__ = [
    "LLM",
    "Accept",
    "Add",
    "Bridge",
    "Change",
    "Clock",
    "Decision",
    "Delta",
    "Dispatcher",
    "Documents",
    "End",
    "Example",
    "Exemplary",
    "Feed",
    "Files",
    "Filled",
    "LLMInfo",
    "News",
    "Piece",
    "Priority",
    "Quoting",
    "Reading",
    "Remove",
    "Said",
    "Save",
    "Score",
    "Scores",
    "Scoring",
    "Store",
    "Terms",
    "Tool",
    "ToolCall",
]
