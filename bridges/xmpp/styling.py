"""An agent's Markdown -> text that reads well in any XMPP client (XEP-0393, Message Styling); pure functions.

The Markdown is read by a library, and each of its tokens is written as plain text: *strong*, _emphasis_, ~struck~,
`code`, fences for code, > for quotes. Tables are drawn in a fence, links are followed by their address.
"""

from collections.abc import Callable, Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

STYLED = 100_000
"""A longer text stays as it is."""
MARKS = {"strong": "*", "em": "_", "s": "~"}


def styled(markdown: str) -> str:
    """Return Markdown as styled plain text."""
    if len(markdown) > STYLED:
        return markdown
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens: Sequence[Token] = parser.parse(markdown)
    return "\n\n".join(_blocks(SyntaxTreeNode(tokens).children)).strip("\n")


def _blocks(nodes: Sequence[SyntaxTreeNode]) -> Iterator[str]:
    for node in nodes:
        if text := _block(node):
            yield text


def _block(node: SyntaxTreeNode) -> str:
    write = WRITERS.get(node.type)
    return write(node) if write else _inline(node.children)


def _fenced(code: str) -> str:
    # A line of three backticks within would end the block.
    lines = [f" {line}" if line.startswith("```") else line for line in code.rstrip("\n").split("\n")]
    return "\n".join(["```", *lines, "```"])


def _list(node: SyntaxTreeNode) -> str:
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    items = []
    for item in node.children:
        mark = "- " if number is None else f"{number}. "
        number = None if number is None else number + 1
        tight = all(child.hidden or child.type != "paragraph" for child in item.children)
        text = ("\n" if tight else "\n\n").join(_blocks(item.children))
        items.append(_item(text, mark))
    return "\n".join(items)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _item(text: str, mark: str) -> str:
    lines = [mark.rstrip()] if text.startswith("```") else []
    inside = False
    for line in text.split("\n"):
        fence = line.startswith("```")
        # A fence must begin its line, or it's no fence: code in lists isn't indented.
        bare = inside or fence
        lines.append(line if bare else f"{' ' * len(mark) if lines else mark}{line}".rstrip())
        inside ^= fence
    return "\n".join(lines)


def _table(node: SyntaxTreeNode) -> Iterator[str]:
    rows = [
        [_inline(cell.children, bare=True).replace("\n", " ") for cell in row.children]
        for part in node.children
        for row in part.children
    ]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        yield " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if number == 0:
            yield "-+-".join("-" * width for width in widths)


def _inline(nodes: Sequence[SyntaxTreeNode], *, bare: bool = False) -> str:
    return "".join(_piece(node, bare=bare) for node in nodes)


def _piece(node: SyntaxTreeNode, *, bare: bool) -> str:
    match node.type:
        case "softbreak" | "hardbreak":
            return "\n"
        case "code_inline":
            return node.content if bare or "`" in node.content else f"`{node.content}`"
        case "link" | "image":
            return _link(node, bare=bare)
        case "strong" | "em" | "s":
            text, mark = _inline(node.children, bare=bare), MARKS[node.type]
            # A span may not reach over lines, nor begin or end with a space.
            return text if bare or "\n" in text or text != text.strip() or not text else f"{mark}{text}{mark}"
        case "inline":
            return _inline(node.children, bare=bare)
        case _:
            return str(node.content)


def _link(node: SyntaxTreeNode, *, bare: bool) -> str:
    words = node.content if node.type == "image" else _inline(node.children, bare=bare)
    to = str(node.attrs.get("src" if node.type == "image" else "href", ""))
    return to if not words or words in (to, to.removeprefix("mailto:")) else f"{words} ({to})"


def pieces(text: str, limit: int) -> list[str]:
    """Split a text into pieces of at most `limit` characters: at paragraphs, else lines, else words.

    A fence that's split is closed at the end of its piece and opened again in the next.
    """
    if len(text) <= limit:
        return [text]
    out: list[str] = []
    held: list[str] = []
    inside = False
    for line in _lines(text, limit - 8):
        room = limit - (4 if inside else 0)
        if held and sum(len(kept) + 1 for kept in held) + len(line) > room:
            held = _cut(held, out, inside=inside)
        held.append(line)
        inside ^= line.startswith("```")
    out.append("\n".join(held))
    return [piece for piece in (made.strip("\n") for made in out) if piece not in ("", "```\n```")]


def _cut(held: list[str], out: list[str], *, inside: bool) -> list[str]:
    """Move what's held into `out`, but for what follows the last paragraph's end; return what stays."""
    if inside:
        out.append("\n".join([*held, "```"]))
        return ["```"]
    at = _gap(held)
    out.append("\n".join(held[:at]))
    return held[at + 1 :]


def _gap(held: Sequence[str]) -> int:
    """Return where the last empty line outside of fences is, if that's in the second half; else the end."""
    inside, found = False, len(held)
    for number, line in enumerate(held):
        if line.startswith("```"):
            inside = not inside
        elif not line and not inside and number > len(held) // 2:
            found = number
    return found


def _lines(text: str, limit: int) -> Iterator[str]:
    for line in text.split("\n"):
        rest = line
        while len(rest) > limit:
            at = rest.rfind(" ", limit // 2, limit)
            at = limit if at < 0 else at
            yield rest[:at]
            rest = rest[at:].lstrip(" ") if at < limit else rest[at:]
        yield rest


WRITERS: dict[str, Callable[[SyntaxTreeNode], str]] = {
    "fence": lambda node: _fenced(node.content),
    "code_block": lambda node: _fenced(node.content),
    # Headings can't be styled but as strong text; marks inside would end it.
    "heading": lambda node: f"*{_inline(node.children, bare=True)}*",
    "blockquote": lambda node: _quoted("\n\n".join(_blocks(node.children))),
    "bullet_list": _list,
    "ordered_list": _list,
    "table": lambda node: _fenced("\n".join(_table(node)) + "\n"),
    "hr": lambda _: "———",
    "html_block": lambda node: str(node.content).rstrip("\n"),
}
"""How each kind of block is written; any other is inline text."""
