"""A Ranking over SQLite's full-text search, in memory: BM25, and English words by their stems."""

import re
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from hub.ports import Hit, Subject

NAME, ABOUT, DETAILS = 3.0, 1.0, 1.0
"""How much a word counts where it stands."""
MOST = 40
"""Words of a question."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")


class FullTextRanking:
    """Finds subjects by their words."""

    def __init__(self) -> None:
        self._keys: dict[int, str] = {}
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute("CREATE VIRTUAL TABLE subjects USING fts5(name, about, details, tokenize='porter')")

    def fill(self, subjects: Mapping[str, Subject]) -> None:
        """See Ranking."""
        self._keys = dict(enumerate(sorted(subjects)))
        rows = [(number, *_columns(subjects[key])) for number, key in self._keys.items()]
        with self._database:
            self._database.execute("DELETE FROM subjects")
            self._database.executemany("INSERT INTO subjects (rowid, name, about, details) VALUES (?, ?, ?, ?)", rows)

    def best(self, words: Sequence[str], among: Collection[str]) -> tuple[Hit, ...]:
        """See Ranking."""
        asked = [word for word in dict.fromkeys(words) if _WORD.fullmatch(word)][:MOST]
        if not asked or not self._keys:
            return ()
        wanted = frozenset(among)
        found = self._having(asked, "")
        named = self._having(asked, "name:")
        sql = f"SELECT rowid, bm25(subjects, {NAME}, {ABOUT}, {DETAILS}) FROM subjects WHERE subjects MATCH ?"  # noqa: S608 - three numbers of ours
        rows = self._database.execute(sql, (" OR ".join(f'"{word}"' for word in asked),)).fetchall()
        hits = [
            Hit(
                key=self._keys[row],
                score=-score,
                words=frozenset(found.get(row, ())),
                named=frozenset(named.get(row, ())),
            )
            for row, score in rows
            if self._keys[row] in wanted
        ]
        return tuple(sorted(hits, key=lambda hit: (-hit.score, hit.key)))

    def _having(self, words: Sequence[str], where: str) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for word in words:
            question = f'{where}"{word}"'
            for (row,) in self._database.execute("SELECT rowid FROM subjects WHERE subjects MATCH ?", (question,)):
                found.setdefault(row, set()).add(word)
        return found


def _columns(subject: Subject) -> tuple[str, str, str]:
    # `messageType` and `get_sum` are two words each.
    name, about, details = (_HUMP.sub(" ", text) for text in (subject.name, subject.about, subject.details))
    return name, about, details
