"""The full-text index over listed packages: SQLite's FTS5, or PostgreSQL's tsvector; it changes with what it's about.

A package is found by all words of a query, the last of which may be but begun. What has them in its name or its tags
comes before what has them anywhere. Of very many hits only the first ones are weighed, so that no query takes long.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import chain

from msgspec import Struct
from sqlalchemy import Connection, text

from hub.records import PackageKind
from hub.registry.wording import asked_for, words_of

WEIGHED = 500
"""Hits of one query."""
ASKED = 12
"""Words of a query; what follows is left out."""
QUERY = 400
"""Characters of a query."""
WEIGHTS = "bm25(20.0, 10.0, 5.0, 3.0, 1.0, 0.0)"
"""How much a word counts in a package's whole name, its name's words, tags, description, readme; and facets."""
LAST = 2**62
"""No package has a number so high."""


class Words(Struct, frozen=True, kw_only=True):
    """What a package is found by."""

    publisher: str
    name: str
    kind: PackageKind
    tags: tuple[str, ...]
    description: str
    readme: str


class Asked(Struct, frozen=True, kw_only=True):
    """What's looked for."""

    words: tuple[str, ...] = ()
    """All of them; the last may be but begun."""
    facets: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: str, kind: PackageKind | None, tag: str) -> "Asked":
        """Return what a person looks for."""
        facets = [*([f"k{kind}"] if kind else []), *([_of_tag(tag)] if tag else [])]
        return cls(words=tuple(asked_for(query[:QUERY])[:ASKED]), facets=tuple(facets))


def put(connection: Connection, number: int, words: Words) -> None:
    """Let a package be found, by its place's number; what it was found by before is forgotten."""
    if connection.dialect.name == "postgresql":
        change = (
            "INSERT INTO searched_words (id, words) VALUES (:id, CAST(:words AS tsvector))"
            " ON CONFLICT (id) DO UPDATE SET words = excluded.words"
        )
        connection.execute(text(change), {"id": number, "words": _lexemes(words)})
        return
    forget(connection, number)
    put_all_here(connection, [(number, words)])


def put_all_here(connection: Connection, fresh: Sequence[tuple[int, Words]]) -> None:
    """Let packages be found that weren't, in SQLite."""
    rows = [
        {
            "id": number,
            "exact": "".join(words_of(words.name)),
            "name": " ".join(_named(words)),
            "tags": " ".join(_tagged(words)),
            "description": " ".join(words_of(words.description)),
            "readme": " ".join(words_of(words.readme)),
            "facets": " ".join(_facets(words)),
        }
        for number, words in fresh
    ]
    connection.execute(
        text(
            "INSERT INTO searched_words (rowid, exact, name, tags, description, readme, facets)"
            " VALUES (:id, :exact, :name, :tags, :description, :readme, :facets)"
        ),
        rows,
    )


def forget(connection: Connection, number: int) -> None:
    """Let a package not be found any more."""
    column = "id" if connection.dialect.name == "postgresql" else "rowid"
    connection.execute(text(f"DELETE FROM searched_words WHERE {column} = :id"), {"id": number})  # noqa: S608 - ours


def best(connection: Connection, asked: Asked, most: int) -> list[int]:
    """Return the numbers of the packages that fit best, at most so many and never more than are weighed.

    Without words, those of the facets that were there last.
    """
    if not asked.words:
        return _having(connection, asked, most) if asked.facets else []
    weigh = _weighed_there if connection.dialect.name == "postgresql" else _weighed_here
    found = weigh(connection, asked, True, most)
    if len(found) < most:
        known = set(found)
        found += [number for number in weigh(connection, asked, False, most) if number not in known]
    return found[:most]


def _having(connection: Connection, asked: Asked, most: int) -> list[int]:
    if connection.dialect.name == "postgresql":
        query = "SELECT id FROM searched_words WHERE words @@ CAST(:match AS tsquery) ORDER BY id DESC LIMIT :most"
        match = " & ".join(f"'{facet}:'" for facet in asked.facets)
    else:
        query = "SELECT rowid FROM searched_words WHERE searched_words MATCH :match ORDER BY rowid DESC LIMIT :most"
        match = _match(asked, False)
    return list(connection.execute(text(query), {"match": match, "most": min(most, WEIGHED)}).scalars())


def _weighed_here(connection: Connection, asked: Asked, named: bool, most: int) -> list[int]:
    match = _match(asked, named)
    edge = connection.execute(
        text("SELECT rowid FROM searched_words WHERE searched_words MATCH :match LIMIT 1 OFFSET :many"),
        {"match": match, "many": WEIGHED},
    ).scalar()
    query = text(
        "SELECT rowid FROM searched_words WHERE searched_words MATCH :match AND rank MATCH :weights"
        " AND rowid < :edge ORDER BY rank LIMIT :most"
    )
    given = {"match": match, "weights": WEIGHTS, "edge": LAST if edge is None else edge, "most": most}
    return list(connection.execute(query, given).scalars())


def _match(asked: Asked, named: bool) -> str:
    """Return FTS5's words for a query: no sign but letters and digits is in them that isn't ours."""
    facets = f"{{facets}} : ({' AND '.join(_quoted(asked.facets))})"
    if not asked.words:
        return facets
    begun = f"{' AND '.join(_quoted(asked.words))} *"
    match = f"({{exact name tags description readme}} : ({begun}))"
    if named:
        match = f'(({{name tags}} : ({begun})) OR ({{exact}} : "{"".join(asked.words)}"))'
    return f"{match} AND {facets}" if asked.facets else match


def _quoted(words: Sequence[str]) -> Iterator[str]:
    return (f'"{word}"' for word in words)


def _weighed_there(connection: Connection, asked: Asked, named: bool, most: int) -> list[int]:
    wanted = _query(asked.words, "n:" if named else "")
    if named:
        wanted = f"({wanted}) | '={''.join(asked.words)}'"
    facets = " & ".join(f"'{facet}:'" for facet in asked.facets)
    match = f"({wanted}) & {facets}" if facets else wanted
    query = text(
        "SELECT id FROM (SELECT id, words FROM searched_words WHERE words @@ CAST(:match AS tsquery) LIMIT :many) found"
        " ORDER BY words @@ CAST(:exact AS tsquery) DESC,"
        " ts_rank('{0.05, 0.2, 0.5, 1.0}', words, CAST(:wanted AS tsquery), 1) DESC, id LIMIT :most"
    )
    exact = f"'={''.join(asked.words)}'"
    given = {"match": match, "wanted": wanted, "exact": exact, "many": WEIGHED, "most": most}
    return list(connection.execute(query, given).scalars())


def _query(words: Sequence[str], prefix: str) -> str:
    quoted = [f"'{prefix}{word}'" for word in words]
    return " & ".join([*quoted[:-1], f"{quoted[-1]}:*"])


def _lexemes(words: Words) -> str:
    """Return a tsvector's text: PostgreSQL's own parser would part words otherwise than SQLite's does."""
    fields = (("A", _named(words)), ("B", _tagged(words)), ("C", words_of(words.description)))
    described = chain(fields, [("D", words_of(words.readme))])
    found: list[str] = [f"'={''.join(words_of(words.name))}':1A", *(f"'{facet}:'" for facet in _facets(words))]
    found += [f"'n:{word}':1{weight}" for weight, each in fields[:2] for word in each]
    at = 0
    for weight, each in described:
        for word in each:
            at += 1
            found.append(f"'{word}':{at}{weight}")
    return " ".join(found)


def _named(words: Words) -> list[str]:
    return [*words_of(words.publisher), *words_of(words.name)]


def _tagged(words: Words) -> list[str]:
    return [word for tag in words.tags for word in words_of(tag)]


def _facets(words: Words) -> list[str]:
    return [f"k{words.kind}", *(_of_tag(tag) for tag in words.tags)]


def _of_tag(tag: str) -> str:
    return f"t{sha256(tag.encode(errors='replace')).hexdigest()[:24]}"
