"""What people see of the bot before they write: its menu of commands."""

from aiogram.methods import SetMyCommands
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeUnion,
)

from bridges.telegram.replies import Replies

EVERYWHERE = {
    "new": "begin a new task",
    "tasks": "your tasks and how they stand",
    "task": "one task by its number",
    "move": "the last message was about another task",
    "stop": "stop what's at work",
    "resume": "go on with a task that was stopped",
    "help": "all that I know",
}
PRIVATE = {
    "agent": "who takes your new tasks",
    "schedule": "do something later, or again and again",
    "status": "how the hub is",
    "whoami": "who I take you for",
    "pair": "link another chat account to you",
}


OWNERS = {"approve": "let somebody in by their code", "deny": "don't let them in"}


def introduce(replies: Replies, owner: str) -> None:
    """Have the menus set: a short one in groups, a longer one for the owner."""
    menus: list[tuple[dict[str, str], BotCommandScopeUnion]] = [
        ({**EVERYWHERE, **PRIVATE}, BotCommandScopeAllPrivateChats()),
        (EVERYWHERE, BotCommandScopeAllGroupChats()),
    ]
    if owner.isdecimal():
        menus.append(({**EVERYWHERE, **PRIVATE, **OWNERS}, BotCommandScopeChat(chat_id=int(owner))))
    for words, scope in menus:
        commands = [BotCommand(command=word, description=text) for word, text in words.items()]
        replies.put(None, SetMyCommands(commands=commands, scope=scope))
