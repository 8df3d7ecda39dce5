"""The process that reads what strangers made, `python -m hub.tools.parsing`: one file at a time, from a pipe.

It limits itself before it reads a byte: memory, no files, no network where the kernel lets it leave that. It ends when
its pipe does, or when nothing came for a while.
"""

import csv
import ctypes
import io
import json
import os
import re
import resource
import select
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import msgspec

from hub.tools.extract import CHARACTERS, Extract, Job, Link

IDLE = 120.0
MEMORY = 1536 << 20
PAGES = 2_000
LINKS = 60
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES = 1, 38
_CODE = frozenset(
    """
    adoc bash c cc cfg clj conf cpp cs css dart diff el eml env erl ex f90 go gradle groovy h hpp hs ics ini java jl
    js jsx kt less lisp log lua m mk ml nim org patch php pl pm properties proto ps1 py pyi r rb rs rst scala scm scss
    sh sql srt svelte swift tcl tex tf toml ts tsx txt vb vcf vtt vue xml yaml yml zig
    """.split()  # noqa: SIM905  # eighty quoted words would be harder to read
)
_UNREADABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_KINDS = {"html": "html", "htm": "html", "xhtml": "html", "pdf": "pdf", "md": "text", "markdown": "text"}
_KINDS |= {"json": "json", "jsonl": "text", "csv": "csv", "tsv": "csv"}
_TYPES = {"text/html": "html", "application/xhtml+xml": "html", "application/pdf": "pdf", "application/json": "json"}
_TYPES |= {"text/csv": "csv", "text/tab-separated-values": "csv"}


def kind_of(media_type: str, name: str) -> str:
    """Return what a file is read as, or "" if it isn't read; its name counts where its type says nothing."""
    plain = media_type.partition(";")[0].strip().lower()
    ending = PurePosixPath(name.lower()).suffix.removeprefix(".")
    if plain in _TYPES:
        return _TYPES[plain]
    if ending in _KINDS and (plain in {"", "application/octet-stream"} or plain.startswith("text/")):
        return _KINDS[ending]
    if plain.endswith("+json"):
        return "json"
    if plain.startswith("text/") or plain.endswith(("+xml", "/xml", "/javascript", "/x-yaml", "/yaml", "/toml")):
        return "text"
    return "text" if ending in _CODE and plain in {"", "application/octet-stream"} else ""


def parsed(job: Job) -> Extract:
    """Return what a file says; what can't be read is an error in words."""
    kind = kind_of(job.media_type, job.name)
    if not kind:
        told = job.media_type.partition(";")[0].strip() or "of no known type"
        return Extract(error=f"It is {told[:60]}: only pages, PDF and text are read.")
    try:
        found = _PARSERS[kind](job)
    except RecursionError:
        return Extract(error="It's nested too deep: it couldn't be read.")
    except MemoryError:
        return Extract(error="It needs too much memory: it couldn't be read.")
    except Exception as error:  # parsers raise whatever they like over what strangers made
        return Extract(error=f"It's broken: it couldn't be read ({type(error).__name__}).")
    if not found.error and not any(page.strip() for page in found.pages):
        return Extract(error="There's no text in it.")
    return found


def decoded(data: bytes, media_type: str) -> str:
    """Return a text by its marks, its type's charset, as UTF-8, or as what its bytes look like."""
    named = media_type.lower().partition("charset=")[2].strip(" \"';").partition(";")[0]
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    marked = next((codec for mark, codec in marks.items() if data.startswith(mark)), "")
    for codec in filter(None, (marked, "utf-8", named)):
        try:
            return _clean(data.decode(codec))
        except (UnicodeDecodeError, LookupError):
            continue
    if b"\0" in data[:4096]:
        return ""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to load, and seldom needed

    best = from_bytes(data[:200_000]).best()
    return _clean(data.decode(best.encoding if best else "latin-1", "replace"))


def _text(job: Job) -> Extract:
    text = decoded(job.data, job.media_type)
    return Extract(title=job.name, pages=(text[:CHARACTERS],), lined=True)


def _json(job: Job) -> Extract:
    text = decoded(job.data, job.media_type)
    if "\n" not in text.strip():
        # All in one line: nobody could say where in it something stands.
        return Extract(title=job.name, pages=(json.dumps(json.loads(text), ensure_ascii=False, indent=1)[:CHARACTERS],))
    return Extract(title=job.name, pages=(text[:CHARACTERS],), lined=True)


def _csv(job: Job) -> Extract:
    text = decoded(job.data, job.media_type)
    if "\t" in text.partition("\n")[0]:
        return Extract(title=job.name, pages=(text[:CHARACTERS],), lined=True)
    rows = csv.reader(io.StringIO(text[:CHARACTERS]))
    lines = [" | ".join(" ".join(cell.split()) for cell in row) for row in rows]
    return Extract(title=job.name, pages=("\n".join(lines),), lined=True)


def _pdf(job: Job) -> Extract:
    from pypdf import PdfReader  # noqa: PLC0415 - half a second, and not for everything

    reader = PdfReader(io.BytesIO(job.data))
    if reader.is_encrypted and not reader.decrypt(""):
        return Extract(error="It's a PDF with a password: it couldn't be read.")
    title = str(reader.metadata.title or "") if reader.metadata else ""
    return Extract(title=_line(title) or job.name, pages=tuple(_pages(reader.pages)), paged=True)


def _pages(pages: Any) -> Iterator[str]:
    room = CHARACTERS
    for number, page in enumerate(pages):
        if number >= PAGES or room <= 0:
            return
        text = _clean(page.extract_text() or "")[:room]
        room -= len(text)
        yield text


def _html(job: Job) -> Extract:
    from trafilatura import bare_extraction, html2txt, load_html  # noqa: PLC0415 - most of a second

    tree = load_html(job.data)
    if tree is None:
        return Extract(error="It's no page that can be read.")
    links = tuple(_links(tree, job.url))
    heading = tree.findtext(".//title") or ""
    found = bare_extraction(tree, url=job.url or None, include_comments=False, favor_recall=True, with_metadata=True)
    whole = found if isinstance(found, dict) else found.as_dict() if found else {}
    text = str(whole.get("text") or "") or html2txt(load_html(job.data))
    title = _line(str(whole.get("title") or "") or heading)
    return Extract(title=title or job.name, pages=(_clean(text)[:CHARACTERS],), links=links)


def _links(tree: Any, url: str) -> Iterator[Link]:
    seen = {url.partition("#")[0]}
    main = next(iter(tree.xpath("//main|//article")), tree)
    for anchor in main.iter("a"):
        if len(seen) > LINKS:
            return
        try:
            target = urljoin(url, str(anchor.get("href") or "")).partition("#")[0]
            scheme = urlsplit(target).scheme
        except ValueError:
            continue
        text = _line("".join(anchor.itertext()))[:80]
        if scheme in {"http", "https"} and text and len(target) <= 300 and target not in seen:
            seen.add(target)
            yield Link(text, target)


def _line(text: str) -> str:
    return " ".join(_clean(text).split())[:200]


def _clean(text: str) -> str:
    """Leave out what's no text: control characters, marks of direction, halves of characters."""
    return _UNREADABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")


_PARSERS: dict[str, Callable[[Job], Extract]] = {
    "text": _text,
    "json": _json,
    "csv": _csv,
    "pdf": _pdf,
    "html": _html,
}


def confine() -> None:
    """Give up what reading needs nothing of. What can't be given up here is let be: the limits are always set."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.prctl(_DIE_WITH_PARENT, 9, 0, 0, 0)
    # A kernel without user namespaces says no; then memory and files are all that's taken from it.
    if not _loads_without_rights() or libc.unshare(_NEW_USER | _NEW_NET):
        libc.unshare(_NEW_NET)


def _loads_without_rights() -> bool:
    """Say whether the parsers can still be loaded by one who isn't root any more: they may lie in another's home."""
    folder = Path(sys.prefix).resolve()
    kinds = [place.stat() for place in (folder, *folder.parents)]
    return os.geteuid() != 0 or all(kind.st_uid == 0 or kind.st_mode & 0o005 == 0o005 for kind in kinds)


def serve(orders: BinaryIO, answers: BinaryIO) -> None:
    """Answer one order after another until they end, or none comes for a while."""
    while select.select([orders], [], [], IDLE)[0]:
        header = orders.read(4)
        if len(header) < 4:
            return
        job = msgspec.msgpack.decode(orders.read(int.from_bytes(header, "big")), type=Job)
        answer = msgspec.msgpack.encode(parsed(job))
        answers.write(len(answer).to_bytes(4, "big") + answer)
        answers.flush()


if __name__ == "__main__":
    confine()
    with open(0, "rb", buffering=0) as orders:
        serve(io.BufferedReader(orders), sys.stdout.buffer)
