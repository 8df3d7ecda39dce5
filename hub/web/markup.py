"""The libraries that make HTML of Markdown, and what they're let make of it: see render.py, which loads this late."""

import re
from collections.abc import MutableMapping, Sequence
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

HIGHLIGHTED = 20_000
"""Longer code is shown plain: colours aren't worth the time."""


def html(text: str) -> str:
    """Return Markdown as sanitised HTML."""
    return _sanitiser.clean(str(_markdown.render(text)))


def _coloured(code: str, language: str, _attributes: str) -> str:
    """Return the code with a span for each token, or '' to have it escaped only."""
    if not language or len(code) > HIGHLIGHTED:
        return ""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, _formatter))


def _image_as_link(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    image = tokens[index]
    words = renderer.renderInlineAsText(image.children, options, env) if image.children else ""
    source = str(image.attrGet("src") or "")
    return f'<a href="{escape(source)}">{escape(words or source)}</a>'


def _aligned(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    """Say a table cell's alignment by an attribute: an inline style would break the page's CSP."""
    cell = tokens[index]
    style = str(cell.attrs.pop("style", ""))
    if style:
        cell.attrSet("align", style.removeprefix("text-align:"))
    return renderer.renderToken(tokens, index, options, env)


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Keep only classes that highlighting made, and alignments."""
    if attribute == "class":
        return value if value in _TOKEN_CLASSES or _LANGUAGE.fullmatch(value) else None
    if attribute == "align":
        return value if value in ("left", "right", "center") else None
    return value


def _build_markdown() -> MarkdownIt:
    # breaks: people and models mean a new line when they begin one; and while it streams it's shown like that.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": _coloured})
    parser.enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image_as_link)
    parser.add_render_rule("th_open", _aligned)
    parser.add_render_rule("td_open", _aligned)
    return parser


_LANGUAGE = re.compile(r"language-[\w+#.-]{1,30}")
_TOKEN_CLASSES = frozenset(STANDARD_TYPES.values())
_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_formatter = HtmlFormatter(nowrap=True)
_markdown = _build_markdown()
_sanitiser = nh3.Cleaner(
    tags=_TAGS,
    attributes={
        "a": {"href", "title"},
        "code": {"class"},
        "span": {"class"},
        "ol": {"start"},
        "td": {"align"},
        "th": {"align"},
    },
    attribute_filter=_kept,
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)
