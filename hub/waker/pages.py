"""The waker's own pages: how its hubs are and what they cost, the way in, and what a browser sees of a hub that sleeps.

They look like the hub's and take its style sheets and scripts from its folder; nothing of the hub is loaded for that.
"""

from html import escape
from pathlib import Path
from string import Template

from hub.waker.answers import Answer, Headers, Scope, headers_of

OWN = Path(__file__).parent / "static"
SHARED = Path(__file__).parent.parent / "web" / "static"
STATIC = "/waker/static/"
FILES = {
    **dict.fromkeys(("asleep.js", "waker.css", "waker.js"), OWN),
    **dict.fromkeys(("dom.js", "icon.svg", "sign-in.css", "site.css", "tasks.css", "theme.js", "words.js"), SHARED),
}
KINDS = {".css": b"text/css; charset=utf-8", ".js": b"text/javascript; charset=utf-8", ".svg": b"image/svg+xml"}
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'"
)
AGAIN = 2
"""Seconds until the page of a hub that's being woken asks again."""

_FRAME = Template("""\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="referrer" content="no-referrer">
  <title>$title</title>
  <link rel="icon" href="/waker/static/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/waker/static/site.css">
  <link rel="stylesheet" href="/waker/static/$sheet">
  <link rel="stylesheet" href="/waker/static/waker.css">
  <script src="/waker/static/theme.js"></script>
  $more
</head>
<body class="$kind">
$body
</body>
</html>
""")
_CARD = Template("""\
<main class="door" id="main">
  <div class="card">
    <img src="/waker/static/icon.svg" alt="" width="48" height="48">
    <h1>$title</h1>
    <p id="words" role="status"$mood>$words</p>
    $rest
  </div>
</main>""")
_KEY = Template("""\
<form id="door" method="post" action="/waker/sign-in">
      <input class="sr" name="username" autocomplete="username" value="$user" tabindex="-1" aria-hidden="true" readonly>
      <label for="code">$label</label>
      <input id="code" name="key" type="password" autocomplete="current-password" autocapitalize="off"
        spellcheck="false" required>
      <button type="submit" class="primary">$act</button>
    </form>""")
_HUBS = """\
<main class="hubs" id="main">
  <header>
    <img src="/waker/static/icon.svg" alt="" width="26" height="26">
    <h1>The waker</h1>
    <form method="post" action="/waker/sign-out"><button type="submit" class="quiet">Sign out</button></form>
  </header>
  <p id="words" role="status">Looking …</p>
  <div id="hubs"></div>
  <noscript><p class="fault">This page needs JavaScript. Without it: <code>agenthost waker status</code>.</p></noscript>
</main>"""


def hubs() -> Answer:
    """Return the page that shows how the hubs are."""
    return _page("The waker", _HUBS, kind="overview", sheet="tasks.css", script="waker.js")


def way_in(fault: str = "") -> Answer:
    """Return the page that asks for the waker's key, with what was wrong with the one that was given."""
    words = fault or "Paste the key from the file waker.key in the waker's data folder."
    form = _KEY.substitute(user="waker", label="The waker’s key", act="Sign in")
    return _page("Sign in to the waker", _card("Sign in to the waker", words, form, bad=bool(fault)), 401)


def asleep() -> Answer:
    """Return what somebody sees whom a sleeping hub doesn't know."""
    words = "Only who it knows can wake it. Paste your key, and it’s woken and you’re signed in."
    more = "<p>A sign-in link from before it fell asleep no longer works.</p>"
    form = _KEY.substitute(user="owner", label="Owner key or another key of the hub’s", act="Wake it and sign in")
    script = '<noscript><p class="fault">That needs JavaScript.</p></noscript>'
    return _page("The hub is asleep", _card("The hub is asleep", words, form + more + script), 401, script="asleep.js")


def waking() -> Answer:
    """Return what somebody sees whom the hub knows, until it's up; the page asks again by itself."""
    words = "It’s being woken. What you asked for comes as soon as it’s up."
    headers = ((b"retry-after", str(AGAIN).encode()), (b"refresh", str(AGAIN).encode()))
    return _page("Waking …", _card("The hub is waking …", words, _BAR), 503, headers=headers)


def cannot_wake(why: str) -> Answer:
    """Return what somebody sees whom the hub knows, and who can't be let in for now."""
    words = f"{escape(why[:1].upper() + why[1:])}. This page tries again in half a minute."
    headers = ((b"retry-after", b"30"), (b"refresh", b"30"))
    return _page("The hub is asleep", _card("The hub is asleep", words, "", bad=True), 503, headers=headers)


_BAR = '<div class="bar" aria-hidden="true"><i></i></div>'


def file(name: str) -> Answer | None:
    """Return a style sheet, script or picture of the pages; None for any other name."""
    if name not in FILES:
        return None
    body = (FILES[name] / name).read_bytes()
    return Answer(status=200, kind=KINDS[Path(name).suffix], body=body)


def wants_page(scope: Scope) -> bool:
    """Say whether it's a browser that goes to a page, and not a script or a program."""
    return scope["method"] in {"GET", "HEAD"} and "text/html" in headers_of(scope).get("accept", "")


def _card(title: str, words: str, rest: str, *, bad: bool = False) -> str:
    mood = ' class="fault"' if bad else ""
    return _CARD.substitute(title=title, words=words, rest=rest, mood=mood)


def _page(
    title: str,
    body: str,
    status: int = 200,
    *,
    kind: str = "sign-in",
    sheet: str = "sign-in.css",
    script: str = "",
    headers: Headers = (),
) -> Answer:
    more = f'<script type="module" src="{STATIC}{script}"></script>' if script else ""
    html = _FRAME.substitute(title=f"{title} · AgentHost", kind=kind, sheet=sheet, more=more, body=body)
    return Answer(status=status, kind=b"text/html; charset=utf-8", body=html.encode(), headers=headers, policy=POLICY)
