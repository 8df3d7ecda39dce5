"""What Tab offers in the chat: the hub's commands, and tasks where a command takes one."""

from collections.abc import Callable, Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from hub.cli.wire import TaskTag
from hub.cli.words import short

COMMANDS = {
    "/help": "what can be said",
    "/new": "begin a new task with what follows",
    "/tasks": "list the open tasks",
    "/task": "show a task, or say something on it",
    "/human": "a human instead of an agent",
    "/move": "put the last message into another task",
    "/stop": "stop what's running",
    "/resume": "go on with a task",
    "/status": "how the hub is",
    "/agent": "which agent answers",
    "/model": "which model answers",
    "/approve": "allow what an agent asks for",
    "/deny": "refuse it",
    "/schedule": "have a task done at a time",
    "/quiet": "when to say nothing: /quiet 22:00-07:00",
    "/digest": "how your tasks are, now or daily",
    "/timezone": "the time zone of your times",
    "/follow": "hear of a task here too",
    "/unfollow": "hear of it here no more",
    "/whoami": "who you are to the hub",
    "/pair": "let another account of yours in",
    "/unlink": "take an account off you",
    "/start": "a first word",
    "/quit": "leave the chat (Ctrl-D)",
}
TAKES_TASK = ("/task", "/move", "/stop", "/resume", "/follow", "/unfollow")


class Commands(Completer):
    """Completes the first word after a slash, and the task after a command that takes one."""

    def __init__(self, tasks: Callable[[], list[TaskTag]]) -> None:
        self._tasks = tasks

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        text = document.text_before_cursor
        if not text.startswith("/"):
            return
        command, space, rest = text.partition(" ")
        if not space:
            for name, meaning in COMMANDS.items():
                if name.startswith(command):
                    yield Completion(name, -len(command), display_meta=meaning)
        elif command in TAKES_TASK and " " not in rest:
            yield from self._complete_task(command, rest)

    def _complete_task(self, command: str, typed: str) -> Iterable[Completion]:
        """Offer tasks by the beginning of their number, or by a part of their title."""
        wanted = typed.removeprefix("#").lower()
        for task in self._tasks():
            if str(task.number).startswith(wanted) or (wanted and wanted in task.title.lower()):
                shown = f"#{task.number} {short(task.title, 50)}"
                yield Completion(str(task.number), -len(typed), display=shown, display_meta=task.state)
        if command == "/move" and "new".startswith(wanted):
            yield Completion("new", -len(typed), display_meta="a task of its own")
