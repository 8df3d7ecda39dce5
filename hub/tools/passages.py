"""One person's files as passages that can be searched: SQLite's full-text index, in a database of that person's own.

It holds nothing that couldn't be read again from the files: a damaged one is begun anew.
"""

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from msgspec import Struct

CHARACTERS = 900
"""Of a passage."""
TERMS = 16
SNIPPET = 320
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5(
    name, text, file UNINDEXED, place UNINDEXED, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
);
PRAGMA user_version = 1;
"""


class Passage(Struct, frozen=True, kw_only=True):
    """A piece of a file."""

    place: str
    """Where in the file, as "page 3" or "lines 10-24"; "" if that can't be told."""
    text: str


class Hit(Struct, frozen=True, kw_only=True):
    """A passage that was found."""

    sha256: str
    name: str
    place: str
    text: str


class Passages:
    """The index of one person."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self) -> frozenset[str]:
        """Return the SHA-256 of every file that's in it, also of those that had no text."""
        with self._opened() as database:
            return frozenset(str(row[0]) for row in database.execute("SELECT sha256 FROM files"))

    def add(self, sha256: str, name: str, passages: Iterable[Passage]) -> None:
        """Have a file in it, whole or not at all; one that's there already stays as it is."""
        with self._opened() as database:
            added = database.execute("INSERT OR IGNORE INTO files (sha256, name) VALUES (?, ?)", (sha256, name))
            if added.rowcount:
                spaced = spaced_name(name)
                rows = ((spaced, _spaced(part.text), added.lastrowid, part.place) for part in passages)
                database.executemany("INSERT INTO passages (name, text, file, place) VALUES (?, ?, ?, ?)", rows)

    def forget(self, sha256: str) -> None:
        """Have nothing of a file in it any more."""
        with self._opened() as database:
            database.execute(
                "DELETE FROM passages WHERE rowid IN (SELECT p.rowid FROM passages p JOIN files f ON f.id = p.file"
                " WHERE f.sha256 = ?)",
                (sha256,),
            )
            database.execute("DELETE FROM files WHERE sha256 = ?", (sha256,))

    def search(self, words: str, limit: int) -> tuple[Hit, ...]:
        """Return the passages that fit best: those with all the words first, else those with some.

        The end of a word may be left out. Nothing in `words` is taken for more than words.
        """
        terms = terms_of(words)
        if not terms:
            return ()
        found: dict[int, Hit] = {}
        with self._opened() as database:
            for join in (" AND ", " OR "):
                query = join.join(f'"{term}"*' if len(term) > 2 else f'"{term}"' for term in terms)
                for rowid, *row in database.execute(
                    "SELECT p.rowid, f.sha256, f.name, p.place, p.text FROM passages p JOIN files f ON f.id = p.file"
                    " WHERE passages MATCH ? ORDER BY bm25(passages, 2.0, 1.0) LIMIT ?",
                    (query, limit),
                ):
                    sha256, name, place, text = map(str, row)
                    hit = Hit(sha256=sha256, name=name, place=place, text=snippet(text, terms))
                    found.setdefault(rowid, hit)
                if len(found) >= limit:
                    break
        return tuple(found.values())[:limit]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open it for one transaction; one that can't be read is begun anew."""
        try:
            database = self._connected()
        except sqlite3.DatabaseError:
            for ending in ("", "-wal", "-shm", "-journal"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
            database = self._connected()
        with closing(database), database:
            yield database

    def _connected(self) -> sqlite3.Connection:
        if not self._path.exists():
            for folder in (self._path.parents[1], self._path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            self._path.touch(mode=0o600)
        database = sqlite3.connect(self._path, timeout=10)
        try:
            if database.execute("PRAGMA user_version").fetchone()[0] != 1:
                database.executescript(_SCHEMA)
            database.execute("SELECT count(*) FROM files").fetchone()
        except sqlite3.DatabaseError:
            database.close()
            raise
        return database


def cut(pages: Iterable[str], *, paged: bool, lined: bool) -> Iterator[Passage]:
    """Cut a file's text into passages, at the ends of lines, each with its place."""
    for number, page in enumerate(pages, 1):
        for first, last, text in _blocks(page):
            place = f"page {number}" if paged else ""
            if lined:
                place = f"line {first}" if first == last else f"lines {first}-{last}"
            yield Passage(place=place, text=text)


def terms_of(words: str) -> tuple[str, ...]:
    """Return the words to look for, without those that every text has, unless there are no others."""
    found = tuple(dict.fromkeys(_WORD.findall(_spaced(_folded(words)))))
    return tuple(word for word in found if word not in _COMMON)[:TERMS] or found[:TERMS]


def snippet(text: str, terms: Iterable[str]) -> str:
    """Return the piece of a text where most of the words stand close together."""
    text = " ".join(_joined(text).split())
    if len(text) <= SNIPPET:
        return text
    folded = _folded(text)
    places = sorted(
        place for term in terms for place in (match.start() for match in re.finditer(rf"\b{re.escape(term)}", folded))
    )
    best = max(places, key=lambda place: sum(place <= other < place + SNIPPET for other in places), default=0)
    begin = max(min(best - SNIPPET // 8, len(text) - SNIPPET), 0)
    if begin:
        # Not in the middle of a word.
        begin = text.find(" ", begin) + 1 or begin
    shown = text[begin : begin + SNIPPET]
    with suppress(ValueError):
        shown = shown if begin + SNIPPET >= len(text) else shown[: shown.rindex(" ", SNIPPET // 2)]
    return f"{'... ' if begin else ''}{shown}{' ...' if begin + len(shown) < len(text) else ''}"


def spaced_name(name: str) -> str:
    """Return a file's name in words: report_2026.pdf is found by report."""
    return _spaced(re.sub(r"[_.-]+", " ", name))


def _blocks(page: str) -> Iterator[tuple[int, int, str]]:
    first, lines, size = 1, list[str](), 0
    for number, line in enumerate(page.split("\n"), 1):
        for piece in _pieces(line):
            if lines and size + len(piece) > CHARACTERS:
                yield first, number - 1 if number > first else number, "\n".join(lines)
                first, lines, size = number, [], 0
            if not lines:
                first = number
            if piece.strip() or lines:
                lines.append(piece)
                size += len(piece) + 1
    if any(line.strip() for line in lines):
        yield first, first + len(lines) - 1, "\n".join(lines).rstrip()


def _pieces(line: str) -> Iterator[str]:
    while len(line) > CHARACTERS:
        at = line.rfind(" ", CHARACTERS // 2, CHARACTERS) + 1 or CHARACTERS
        yield line[:at]
        line = line[at:]
    yield line


def _folded(text: str) -> str:
    """Leave out accents and capitals, as the index does; a letter stays one letter."""
    plain = "".join(unicodedata.normalize("NFD", sign)[0] for sign in text)
    return "".join(sign.lower() if len(sign.lower()) == 1 else sign for sign in plain)


def _spaced(text: str) -> str:
    """Part the signs of scripts that have no spaces between words: each is then found by itself."""
    return _SIGN.sub(r" \g<0> ", text)


def _joined(text: str) -> str:
    return re.sub(rf" ({_SIGN.pattern}) ", r"\1", text)


_WORD = re.compile(r"\w+")
_SIGN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_COMMON = frozenset(
    """
    a about all an and any are as at be by can did do does file files find for from had has have how i if in is it its
    look me my of on or our please said say says search show so tell that the their there these they this those to up
    was we were what when where which who why will with would you your document documents
    das dem den der des die ein eine einen im in ist mit und von was wer wie wo zu zum
    au ce de des du est et la le les que qui sur un une
    de el en es la las los que un una y
    """.split()  # noqa: SIM905  # a hundred quoted words would be harder to read
)
