"""Signed statements: read only by whom they were made for, and only as they were made."""

import base64
import stat
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from hub.errors import StatementError
from hub.releases import (
    FETCH,
    INDEX,
    Fetch,
    Index,
    Release,
    Rotation,
    read_fetch,
    read_index,
    read_release,
    read_rotation,
)
from hub.statements import Envelope, SigningKey, id_of, public_of, read, shown, signer_of

NOW = datetime(2026, 11, 30, tzinfo=UTC)
KEY = SigningKey.fresh()
ARCHIVE = b"PK\x05\x06" + bytes(18)
RELEASE = Release.of("ann/notes", "1.0.0", ARCHIVE, ("net:b.example:443", "fs:data"), NOW)
ENVELOPE = KEY.seal(RELEASE)


def test_a_release_says_just_what_was_released() -> None:
    found = read_release(ENVELOPE, KEY.public)

    found.check("ann/notes", "1.0.0", ARCHIVE)
    assert found == RELEASE
    assert found.predicate.permissions == ("fs:data", "net:b.example:443")
    assert signer_of(ENVELOPE) == KEY.id == id_of(KEY.public)


@pytest.mark.parametrize(
    ("name", "version", "archive"),
    [("bob/notes", "1.0.0", ARCHIVE), ("ann/notes", "1.0.1", ARCHIVE), ("ann/notes", "1.0.0", ARCHIVE + b"x")],
)
def test_a_release_is_good_for_no_other_package_version_or_bytes(name: str, version: str, archive: bytes) -> None:
    with pytest.raises(StatementError, match=f"{name} {version}"):
        read_release(ENVELOPE, KEY.public).check(name, version, archive)


def test_with_any_bit_of_it_flipped_a_statement_is_none() -> None:
    """Not even one that isn't signed, such as of the key's name, or of base64's last letter."""
    taken = []
    for place in range(len(ENVELOPE) * 8):
        data = bytearray(ENVELOPE)
        data[place // 8] ^= 1 << place % 8
        try:
            read_release(bytes(data), KEY.public)
        except StatementError:
            continue
        taken.append(place)

    assert taken == []


def test_nobody_elses_signature_will_do() -> None:
    with pytest.raises(StatementError, match="isn't signed by the key"):
        read_release(ENVELOPE, SigningKey.fresh().public)


def test_one_kind_of_statement_is_never_taken_for_another() -> None:
    index = KEY.seal(Index(registry="https://r.example", serial=1, issued_at=NOW, expires_at=NOW, shards={}), INDEX)
    fetch = KEY.seal(Fetch(registry="https://r.example", sha256="0" * 64, time=NOW), FETCH)

    assert read_index(index, KEY.public).serial == 1
    assert read_fetch(fetch, KEY.public).registry == "https://r.example"
    for envelope in (fetch, ENVELOPE):
        with pytest.raises(StatementError, match="was to be a"):
            read_index(envelope, KEY.public)
    with pytest.raises(StatementError, match="doesn't say what it should"):
        read_release(KEY.seal(Rotation.of("ann", KEY, KEY.public, NOW)), KEY.public)
    # Another type written over it isn't what was signed.
    relabelled = msgspec.json.decode(fetch, type=Envelope)
    relabelled = msgspec.structs.replace(relabelled, payload_type=INDEX)
    with pytest.raises(StatementError, match="isn't signed by"):
        read(msgspec.json.encode(relabelled), KEY.public, Index, INDEX)


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"payloadType":"x","payload":"!","signatures":[]}',
        b"\xff",
        b"x" * 5_000_000,
    ],
    ids=["empty", "no fields", "null", "deep", "no base64", "no UTF-8", "too long"],
)
def test_what_is_no_statement_is_refused_in_words(envelope: bytes) -> None:
    with pytest.raises(StatementError):
        read_release(envelope, KEY.public)


def test_the_signature_is_over_dsses_own_encoding() -> None:
    """So that other tools for DSSE read ours: "DSSEv1 LEN(type) type LEN(payload) payload"."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    envelope = msgspec.json.decode(ENVELOPE)
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)

    Ed25519PublicKey.from_public_bytes(KEY.public).verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    assert msgspec.json.decode(payload)["_type"] == "https://in-toto.io/Statement/v1"


def test_a_new_key_takes_an_old_ones_place_by_the_old_ones_word_alone() -> None:
    fresh, stranger = SigningKey.fresh(), SigningKey.fresh()
    rotation = KEY.seal(Rotation.of("ann", KEY, fresh.public, NOW))

    assert read_rotation(rotation, KEY.public, "ann") == fresh.public
    with pytest.raises(StatementError):
        read_rotation(rotation, KEY.public, "bob")
    with pytest.raises(StatementError):
        read_rotation(stranger.seal(Rotation.of("ann", KEY, stranger.public, NOW)), KEY.public, "ann")
    # Signed by the right key, but stated of another old one.
    with pytest.raises(StatementError, match="names another old key"):
        read_rotation(KEY.seal(Rotation.of("ann", stranger, fresh.public, NOW)), KEY.public, "ann")


def test_a_private_key_is_its_owners_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "ann.key"
    made = SigningKey.kept(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.kept(path).id == made.id
    assert public_of(shown(made.public)) == made.public
    assert sha256(made.public).hexdigest().startswith(made.id)
    assert list(tmp_path.iterdir()) == [path]

    path.chmod(0o644)
    with pytest.raises(StatementError, match="chmod 600"):
        SigningKey.kept(path)
    path.chmod(0o600)
    path.write_bytes(b"not a key")
    with pytest.raises(StatementError, match="holds no Ed25519 key"):
        SigningKey.kept(path)


@pytest.mark.parametrize("text", ["", "x", "AAAA", "A" * 44, "!" * 44])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(StatementError, match="is no public key"):
        public_of(text)
