"""Secrets that are looked for where they mustn't be: in files, zips, databases and answers, in any form they take."""

import base64
import json
import secrets
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, quote_plus


def fresh(what: str, length: int = 24) -> str:
    """Return a secret that's nowhere but where it's put."""
    return f"canary{what}{secrets.token_hex(length // 2)}"


@dataclass
class Aviary:
    """All secrets of a story by what they are, and all that was seen of the hub meanwhile."""

    birds: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    """By where it was seen."""
    weak: dict[str, str] = field(default_factory=dict)
    """What people made up: of that not even a quick hash may be kept."""

    raw: dict[str, bytes] = field(default_factory=dict)
    """What a secret that's shown in letters is in bytes."""

    def put(self, what: str, secret: str) -> str:
        """Have a secret looked for; return it."""
        assert len(secret) >= 8, f"{what}: too short to be told from chance"
        self.birds[what] = secret
        return secret

    def saw(self, where: str, what: bytes | str) -> None:
        """Have something looked through at the end."""
        self.seen.append((where, what.encode() if isinstance(what, str) else what))

    def flown(self) -> list[str]:
        """Return which secret was seen where, in which form."""
        found = []
        for what, secret in self.birds.items():
            for name, form in forms(secret).items():
                found += [f"{what} ({name}) in {where}" for where, data in self.seen if form in data]
        for what, octets in self.raw.items():
            for form in (octets, octets.hex().encode(), base64.b64encode(octets).rstrip(b"=")):
                found += [f"{what} (in bytes) in {where}" for where, data in self.seen if form in data]
        return found

    def hashed(self) -> list[str]:
        """Return of which made-up secret a quick hash was seen, alone or with what it was sent in."""
        found = []
        for what, secret in self.weak.items():
            digest = sha256(secret.encode())
            for form in (digest.hexdigest().encode(), digest.digest(), base64.b64encode(digest.digest())):
                found += [f"{what} (hashed) in {where}" for where, data in self.seen if form in data]
        return found


def forms(secret: str) -> Mapping[str, bytes]:
    """Return how a secret may stand somewhere."""
    plain = {
        "as it is": secret,
        "in JSON": json.dumps(secret)[1:-1],
        "in a URL": quote(secret, safe=""),
        "in a form": quote_plus(secret),
        "backwards": secret[::-1],
        "in hex": secret.encode().hex(),
        "in UTF-16": "",
    }
    found = {name: text.encode() for name, text in plain.items() if text}
    found["in UTF-16"] = secret.encode("utf-16-le")
    # Where it begins decides how it looks in base64: three ways, without the ends that neighbours change. What's left
    # of a short one is to be found by chance.
    for shift in range(3) if len(secret) >= 16 else ():
        coded = base64.b64encode(b"\0" * shift + secret.encode())
        found[f"in base64, {shift}"] = coded[4 if shift else 0 : -4]
    return found


def files(folder: Path, *, but: tuple[str, ...] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield all files below a folder, the contents of zips, and each database once more as a dump."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name in but:
            continue
        data = path.read_bytes()
        yield str(path.relative_to(folder)), data
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path.name}/{name}", archive.read(name)
        if data.startswith(b"SQLite format 3\0"):
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                yield f"{path.name} as a dump", "\n".join(database.iterdump()).encode("utf-8", "surrogatepass")
