"""Markdown -> HTML that's safe to put into a page.

Markdown comes from a model, so from anybody: raw HTML is shown as text, nothing is loaded from elsewhere (a remote
image becomes a link to it), links carry no referrer, and no style attribute is left for the page's CSP to refuse.
"""

from html import escape

RENDERED = 100_000
"""A longer text is shown as it is, without Markdown."""


def markdown(text: str) -> str:
    """Return an agent's Markdown as sanitised HTML: paragraphs, lists, tables, highlighted code, links."""
    if len(text) > RENDERED:
        return plain(text)
    # Late: a hub that starts has nothing to show yet, and the libraries take a while to load.
    from hub.web.markup import html  # noqa: PLC0415

    return html(text)


def plain(text: str) -> str:
    """Return a person's text as HTML, letter by letter as it was written."""
    return escape(text)
