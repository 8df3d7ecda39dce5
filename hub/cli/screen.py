"""What a chat looks like: finished things are printed above, what's being written stands over the input line."""

from io import StringIO

from prompt_toolkit.formatted_text import ANSI
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import Heading, Markdown
from rich.padding import Padding
from rich.text import Text

from hub.cli.talk import Answer, Failure, Notice, Shown, Talk, You
from hub.cli.wire import TaskTag
from hub.cli.words import plain, tag

SPIN = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
MARGIN = (0, 0, 0, 2)


class Left(Heading):
    """A heading at the left margin: rich would centre it, and put the first one into a box."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class Reply(Markdown):
    """Markdown for a narrow column. Links show where they lead, for a terminal may hide it."""

    elements = {**Markdown.elements, "heading_open": Left}  # noqa: RUF012  (rich declares it so)

    def __init__(self, text: str) -> None:
        super().__init__(plain(text), hyperlinks=False, code_theme="ansi_dark")
        # In a chat a new line is meant as one.
        for token in self.parsed:
            for child in token.children or ():
                if child.type == "softbreak":
                    child.type = "hardbreak"


def render(shown: Shown) -> RenderableType:
    """Return how something looks once it's final."""
    match shown:
        case You(text):
            return Group(Text(), Text.assemble(("> ", "bold cyan"), (plain(text), "bold")))
        case Answer(task, text, note):
            return Group(_head(task, note), Padding(Reply(text), MARGIN))
        case Notice(task, text, choices):
            lines: list[RenderableType] = [_head(task)] if task else []
            lines += [Padding(Reply(text), MARGIN)] if text else []
            for number, choice in enumerate(choices, 1):
                lines.append(Text.assemble((f"  {number}", "bold magenta"), f"  {plain(choice.text)}"))
            if choices:
                lines.append(Text("  Answer with a number, or just write on.", "dim"))
            return Group(*lines)
        case Failure(text):
            return Padding(Text(plain(text), "red"), MARGIN)


def _head(task: TaskTag | None, note: str = "") -> Text:
    return Text.assemble("● ", tag(task), (f"  ({note})" if note else "", "dim"))


def live(talk: Talk, width: int, height: int, tick: int) -> ANSI:
    """Return the lines over the input: each answer's end as far as it's written, and what waits to be begun.

    Several answers share the height; each keeps its own task's tag over it.
    """
    drawn = StringIO()
    console = Console(file=drawn, width=width, force_terminal=True, color_system="standard", highlight=False)
    spin = SPIN[tick % len(SPIN)]
    share = max(2, height // 2 // max(1, len(talk.writing)))
    for writing in talk.writing.values():
        task = talk.tasks.get(writing.task)
        console.print(Text.assemble((f"{spin} ", "yellow"), tag(task), ("" if writing.text else " thinking", "dim")))
        for line in _tail(console, writing.text, width - 2, share):
            console.print(Padding(line, MARGIN), no_wrap=True, crop=True)
    for task in talk.waiting.values():
        console.print(
            Text.assemble((f"{spin} ", "yellow"), tag(task), (" waiting for its turn" if task else " …", "dim"))
        )
    return ANSI(drawn.getvalue())


def _tail(console: Console, text: str, width: int, count: int) -> list[Text]:
    if not text:
        return []
    lines = [plain(line) for line in text.splitlines()[-count:]]
    wrapped = [part for line in lines for part in Text(line).wrap(console, max(width, 10))]
    return wrapped[-count:]
