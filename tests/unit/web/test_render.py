"""What a model writes becomes a readable page, and can't become anything else."""

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.render import markdown, plain

TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {"href", "title", "rel", "class", "start", "align"}

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert(1)>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    '<a href="javascript:alert(1)">x</a>',
    "<style>*{background:url(https://evil.example/)}</style>",
    '<div style="position:fixed;inset:0">x</div>',
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<form action=https://evil.example><input name=key><button>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](java&#x73;cript:alert(1))",
    "[x](&#1;javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example/)",
    "[x](/v1/sign-out)",
    '[x](https://a.example "onmouseover=alert(1)")',
    '[x](https://a.example/"onmouseover="alert(1))',
    "<javascript:alert(1)>",
    "<https://a.example/\"onmouseover='alert(1)'>",
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "![x](data:image/png;base64,iVBORw0KGgo=)",
    '![x" onerror="alert(1)](https://evil.example/)',
    "![<img src=x onerror=alert(1)>](https://evil.example/)",
    "[![x](https://evil.example/1.png)](javascript:alert(1))",
    "[x]: javascript:alert(1)\n\n[x]",
    "```html\n<script>alert(1)</script>\n```",
    '```x"><script>alert(1)</script>\ny\n```',
    "```python class=x onclick=alert(1)\ny\n```",
    "`<script>alert(1)</script>`",
    "|<script>|<img src=x onerror=alert(1)>|\n|:-:|-|\n|[x](javascript:alert(1))|y|",
    "# <script>alert(1)</script>",
    "> <script>\n> alert(1)",
    "\x00<scr\x00ipt>alert(1)</script>",
    "\u202e<script>alert(1)</script>",
    "</p></div></main><script>alert(1)</script>",
]


class Seen(HTMLParser):
    """Collects what a browser would make of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.rels: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "a":
            self.links += [value or "" for name, value in attrs if name == "href"]
            self.rels.append(dict(attrs).get("rel") or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def is_harmless(html: str) -> bool:
    seen = Seen(html)
    return (
        seen.tags <= TAGS
        and seen.attributes <= ATTRIBUTES
        and all(link.startswith(("http://", "https://", "mailto:")) for link in seen.links)
        and all(rel == "noopener noreferrer nofollow" for rel in seen.rels)
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_can_neither_run_load_nor_restyle_anything(text: str) -> None:
    assert is_harmless(markdown(text))
    assert is_harmless(markdown(f"- one\n\n  {text}\n\n> {text} and **{text}**"))


@given(st.text(alphabet=st.sampled_from("<>\"'`![]()*_|\\&#:;/=-ajscriptonerg \n"), max_size=200))
def test_any_text_becomes_harmless_html(text: str) -> None:
    assert is_harmless(markdown(text))


def test_raw_html_is_shown_as_the_text_it_is() -> None:
    assert Seen(markdown("Use <b>bold</b> & <script>")).text.strip() == "Use <b>bold</b> & <script>"


def test_an_image_becomes_a_link_so_that_nothing_is_fetched_from_elsewhere() -> None:
    assert markdown("![a *cat*](https://pictures.example/cat.png)") == (
        '<p><a href="https://pictures.example/cat.png" rel="noopener noreferrer nofollow">a cat</a></p>\n'
    )


def test_code_is_highlighted_with_classes_and_no_styles() -> None:
    html = markdown("```python\ndef f(): ...\n```")

    assert '<code class="language-python"><span class="k">def</span>' in html
    assert "style" not in html


def test_code_in_an_unknown_language_is_shown_plain() -> None:
    assert markdown("```klingon\na < b\n```") == '<pre><code class="language-klingon">a &lt; b\n</code></pre>\n'


def test_tables_keep_their_alignment_without_a_style_attribute() -> None:
    html = markdown("|a|b|\n|:-:|--:|\n|1|2|")

    assert '<th align="center">a</th>' in html
    assert '<td align="right">2</td>' in html


def test_a_new_line_stays_a_new_line() -> None:
    assert markdown("one\ntwo ~~three~~") == "<p>one<br>\ntwo <s>three</s></p>\n"


def test_what_a_person_wrote_is_shown_letter_by_letter() -> None:
    assert plain("<b> & *x*") == "&lt;b&gt; &amp; *x*"


@pytest.mark.parametrize("piece", ["[", "![", "[a](", "*a ", "<", "> ", "- ", "`a", "|a", "_a__b"])
def test_no_text_keeps_the_renderer_busy_for_long(piece: str) -> None:
    """Seconds on a slow machine at the very most; quadratic behaviour would take minutes."""
    began = time.process_time()
    markdown(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 10


def test_a_text_too_long_for_markdown_is_still_shown() -> None:
    assert markdown("<b>" + "x" * 100_000).startswith("&lt;b&gt;xxx")
