"""Rules over a package's files: what those do that mean no good. Each tells the file, the line and what's there."""

import re
from collections.abc import Callable, Iterator
from itertools import islice

from msgspec import Struct

from hub.packages.archive import Entry
from hub.packages.kinds import Sheet

READ = 1_000_000
"""Bytes of a file that are looked at."""
ALL = 8_000_000
"""Bytes of a package's texts that are: the rules take about a second for each million."""
EACH = 3
"""Findings that one rule tells of one file."""
MANIFESTS = frozenset({"plugin.toml", "agent.toml", "script.toml", "manifest.json", "server.json"})
PROGRAMS = (".py", ".js", ".mjs", ".cjs", ".ts", ".sh", ".rb", ".php", ".pl", ".go", ".rs")
NATIVE = {
    b"\x7fELF": "a program for Linux",
    b"MZ": "a program for Windows",
    b"\xfe\xed\xfa\xce": "a program for macOS",
    b"\xfe\xed\xfa\xcf": "a program for macOS",
    b"\xce\xfa\xed\xfe": "a program for macOS",
    b"\xcf\xfa\xed\xfe": "a program for macOS",
    b"\xca\xfe\xba\xbe": "a program for macOS or Java",
    b"\x00asm": "a WebAssembly program",
    b"PK\x03\x04": "an archive",
    b"\x1f\x8b": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"Rar!": "an archive",
}
COMPILED = (".exe", ".dll", ".so", ".dylib", ".node", ".pyc", ".class", ".jar", ".scr", ".msi", ".bat", ".ps1", ".vbs")

_SHELL = r"(?:sudo\s+)?(?:env\s+)?(?:/(?:usr/)?bin/)?(?:(?:ba|z|da|k|fi|c)?sh|python[0-9.]*|node|perl|ruby|php|pwsh)\b"
_PIPED = re.compile(
    rf"\b(?:curl|wget)\b[^\n|]{{0,300}}\|\s*{_SHELL}"
    rf"|\bbase64\s+(?:-d|-D|--decode)\b[^\n|]{{0,200}}\|\s*{_SHELL}"
    rf"|(?<![\w-])(?:(?:ba|z)?sh|source|eval|python[0-9.]*)\s+[^\n]{{0,40}}(?:<\(|[$]\(|`)\s*(?:curl|wget)\b"
    r"|\b(?:iwr|irm|invoke-webrequest|invoke-restmethod)\b[^\n|]{0,300}\|\s*(?:iex|invoke-expression)\b"
    r"|\b(?:iex|invoke-expression)\b[^\n]{0,80}\b(?:downloadstring|iwr|irm|invoke-webrequest)\b",
    re.IGNORECASE,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{400,}={0,2}|(?:^[A-Za-z0-9+/]{60,76}={0,2}\r?\n){6,}", re.MULTILINE)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){200,}|(?:\\x[0-9a-fA-F]{2}){50,}|(?:0x[0-9a-fA-F]{1,2}\s*,\s*){100,}")
_HIDDEN = re.compile(
    "[\u202a-\u202e\u2066-\u2069\u200b\u2060-\u2064\u180e\U000e0100-\U000e01ef]"
    "|(?<!^)\ufeff"
    "|(?<=[A-Za-z])[\u200c\u200d\u00ad](?=[A-Za-z])"
    # Flags of England, Scotland and Wales are a black flag with such letters behind it.
    "|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]"
)
_FETCHES = re.compile(r"\b(?:download|fetch|curl|wget|grab|get)\b[^\n]{0,200}?\bhttps?://\S+", re.IGNORECASE)
_RUNS = re.compile(r"\b(?:run|execute|launch|double-click|open|extract|unzip|install|chmod|paste)\b", re.IGNORECASE)
_FIRST = re.compile(
    r"\b(?:prerequisites?|before (?:you|using|it|this)|must first|first(?:ly)?|required?|requires|needed|mandatory"
    r"|won't work without|will not work without)\b",
    re.IGNORECASE,
)
_ENVIRON = re.compile(
    r"(?:os\.environ(?:\.get\(|\[)|os\.getenv\(|process\.env\[|ENV\[|Deno\.env\.get\()\s*['\"]([A-Za-z_]\w*)['\"]"
    r"|\bprocess\.env\.([A-Za-z_]\w*)"
    r"|[$]\{?([A-Z][A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS))\b"
)
_EVERYBODYS = frozenset(
    {"PATH", "HOME", "PWD", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TERM", "TMPDIR", "TEMP", "TMP", "HOST"}
    | {"HOSTNAME", "NODE_ENV", "DEBUG", "PORT", "CI", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONPATH"}
    | {"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}
)
_SECRET = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bsk-(?:[a-z]+-)*[A-Za-z0-9]{32,}|\bxox[abprs]-[A-Za-z0-9-]{20,}|\bAIza[0-9A-Za-z_-]{35}\b"
)
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|preceding|all other)\b"
    r"[^.\n]{0,20}\b(?:instructions?|prompts?|rules|messages|guidelines)\b"
    r"|\b(?:ignore|disregard|bypass)\b[^.\n]{0,20}\b(?:your|the) (?:system prompt|safety|guidelines|guardrails)\b"
    r"|\b(?:do not|don't|never)\b[^.\n]{0,20}\b(?:tell|inform|mention|reveal|show|alert|notify)\b[^.\n]{0,30}"
    r"\b(?:the )?(?:user|human|person|operator)\b"
    r"|\bwithout (?:telling|informing|asking|notifying|alerting) (?:the )?(?:user|human|person)\b"
    r"|<\|(?:im_start|im_end|system|endoftext)\|>|\[/?INST\]|</?(?:system|system_prompt|important)>"
    r"|\b(?:send|post|upload|forward|exfiltrate|leak)\b[^.\n]{0,60}"
    r"\b(?:conversation|chat history|api keys?|passwords?|credentials|secrets?|environment variables|ssh keys?)\b"
    r"[^.\n]{0,60}\bhttps?://",
    re.IGNORECASE,
)


class Page(Struct, frozen=True, kw_only=True):
    """A file that can be read as text."""

    path: str
    text: str

    def at(self, place: int) -> str:
        """Return where something is, as FILE:LINE."""
        return f"{self.path}:{self.text.count(chr(10), 0, place) + 1}"


def odd(entries: tuple[Entry, ...], sheet: Sheet) -> tuple[str, ...]:
    """Return what's odd about a package's files, in the order of their paths. Blocks."""
    declared = {ask.partition(":")[2] for ask in sheet.asks if ask.startswith("secrets:")}
    for entry in entries:
        if entry.path in MANIFESTS:
            declared |= set(re.findall(r"[A-Z][A-Z0-9_]+", entry.data[:READ].decode("utf-8", "replace")))
    found: list[str] = []
    left, told = ALL, False
    for entry in entries:
        found += _binary(entry)
        page = _page(entry)
        if page is None:
            continue
        if left > 0:
            for rule in RULES:
                found += rule(page)[:EACH]
            found += _undeclared(page, declared)[:EACH]
        elif not told:
            told = True
            found.append(f"{entry.path} and texts after it weren't looked at: the package has too many")
        left -= len(entry.data[:READ])
    return tuple(found)


def _page(entry: Entry) -> Page | None:
    data = entry.data[:READ]
    if b"\x00" in data[:8192]:
        return None
    return Page(path=entry.path, text=data.decode("utf-8", "replace"))


def _binary(entry: Entry) -> Iterator[str]:
    kind = next((what for magic, what in NATIVE.items() if entry.data.startswith(magic)), "")
    # Two letters alone may well begin a text.
    if entry.data.startswith(b"MZ") and b"\x00" not in entry.data[:512]:
        kind = ""
    if kind:
        yield f"{entry.path}: is {kind}"
    elif entry.path.lower().endswith(COMPILED):
        yield f"{entry.path}: is a program in a form that nobody can read"
    if len(entry.data) > READ and b"\x00" not in entry.data[:8192]:
        yield f"{entry.path}: is so long that only its beginning was looked at"


def _found(pattern: re.Pattern[str], what: str) -> Callable[[Page], list[str]]:
    def rule(page: Page) -> list[str]:
        found = (page.at(match.start()) for match in islice(pattern.finditer(page.text), EACH * 10))
        return [f"{place}: {what}" for place in dict.fromkeys(found)]

    return rule


def _blobs(page: Page) -> list[str]:
    found = [match for pattern in (_BASE64, _HEX) for match in pattern.finditer(page.text)]
    # A long word of one sort, such as a line of dashes or of a's, hides nothing.
    return [
        f"{page.at(match.start())}: has {len(match[0])} characters that only a program can read"
        for match in found
        if len(set(match[0])) >= 8
    ]


def _prerequisites(page: Page) -> list[str]:
    told = []
    for match in _FETCHES.finditer(page.text):
        around = page.text[max(0, match.start() - 300) : match.end() + 200]
        if _RUNS.search(around) and _FIRST.search(around):
            told.append(f"{page.at(match.start())}: wants something downloaded and run before it can be used")
    return told


def _undeclared(page: Page, declared: set[str]) -> list[str]:
    if not page.path.endswith(PROGRAMS):
        return []
    told = []
    for match in _ENVIRON.finditer(page.text):
        name = match[1] or match[2] or match[3]
        if name not in declared and name not in _EVERYBODYS:
            told.append(f"{page.at(match.start())}: reads {name} from the environment, and doesn't ask for it")
    return told


RULES: tuple[Callable[[Page], list[str]], ...] = (
    _found(_PIPED, "has a download run by a shell"),
    _blobs,
    _found(_HIDDEN, "has characters that nobody sees"),
    _prerequisites,
    _found(_SECRET, "has somebody's secret in it"),
    _found(_ORDERS, "gives orders to the model against its person"),
)
