"""What somebody states under their Ed25519 key: made, and read again only if nothing of it was changed.

An envelope is DSSE's (https://github.com/secure-systems-lab/dsse): what's signed is the payload's type and the payload,
each with its length, so that one kind of statement is never taken for another. Statements about files are in-toto's
(https://in-toto.io/Statement/v1): subjects with their SHA-256, and a predicate that says what's stated of them. So the
envelopes of PEP 740 and Sigstore fit into the same slot. A key's id is the beginning of its SHA-256.
"""

import base64
import binascii
import os
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from hub.errors import StatementError

LARGEST = 4_000_000
"""Bytes of an envelope that's read at all."""
IN_TOTO = "application/vnd.in-toto+json"
STATEMENT: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
Stated = TypeVar("Stated", bound=Struct)


class Signed(Struct, frozen=True, kw_only=True):
    """One signature of an envelope."""

    keyid: str
    sig: str
    """Base64 of 64 bytes."""


class Envelope(Struct, frozen=True, kw_only=True, rename="camel"):
    """A payload with signatures, as DSSE has it in JSON."""

    payload_type: str
    payload: str
    """Base64."""
    signatures: tuple[Signed, ...]


class Subject(Struct, frozen=True, kw_only=True):
    """What a statement is about."""

    name: str
    """Of a package's version as PUBLISHER/NAME."""
    digest: dict[str, str]
    """By algorithm; "sha256" in hexadecimal is always there."""


class SigningKey:
    """A private key, kept in a file that only its owner can read."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        """32 bytes."""
        self.id = id_of(self.public)

    @classmethod
    def fresh(cls) -> "SigningKey":
        """Make a key of random bytes."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def kept(cls, path: Path) -> "SigningKey":
        """Return the key in a file, made there if there's none, for its owner alone to read.

        Raises StatementError for a file that holds no key, or that others can read; OSError if it can't be read or
        made.
        """
        if not path.exists():
            _write(path, cls.fresh())
        if path.stat().st_mode & 0o077:
            raise StatementError(f"{path}: others can read this private key; take their rights: chmod 600 {path}")
        try:
            private = base64.b64decode(path.read_bytes().strip(), validate=True)
            return cls(Ed25519PrivateKey.from_private_bytes(private))
        except (binascii.Error, ValueError):
            raise StatementError(f"{path}: holds no Ed25519 key in base64; restore it, or name another file") from None

    def told(self) -> str:
        """Return the private key as its file has it."""
        return base64.b64encode(self._private.private_bytes_raw()).decode()

    def seal(self, stated: Struct, kind: str = IN_TOTO) -> bytes:
        """Return what's stated in a signed envelope, as JSON."""
        payload = msgspec.json.encode(stated)
        signature = base64.b64encode(self._private.sign(_signed(kind, payload))).decode()
        return msgspec.json.encode(
            Envelope(
                payload_type=kind,
                payload=base64.b64encode(payload).decode(),
                signatures=(Signed(keyid=self.id, sig=signature),),
            )
        )


def id_of(public: bytes) -> str:
    """Return what a public key is called: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(public).hexdigest()[:16]


def public_of(text: str) -> bytes:
    """Return a public key that's written in base64; raises StatementError for what's none."""
    try:
        public = base64.b64decode(text.strip(), validate=True)
        Ed25519PublicKey.from_public_bytes(public)
    except (binascii.Error, ValueError):
        raise StatementError(f"{text[:60]!r} is no public key: 32 bytes of Ed25519 in base64 are") from None
    return public


def shown(public: bytes) -> str:
    """Return a public key in base64, as configs and answers have it."""
    return base64.b64encode(public).decode()


def signer_of(envelope: bytes) -> str:
    """Return the id of the key that an envelope says it's signed by, unchecked; raises StatementError."""
    signatures = _envelope(envelope).signatures
    if not signatures:
        raise StatementError("the statement isn't signed by anybody")
    return signatures[0].keyid


def read(envelope: bytes, public: bytes, kind: type[Stated], payload_type: str = IN_TOTO) -> Stated:
    """Return what's stated in an envelope that a public key's holder signed.

    Raises StatementError if it's signed by nobody or somebody else, was changed by a bit, is another kind of statement,
    or isn't one.
    """
    found = _envelope(envelope)
    payload = _decoded(found.payload)
    if found.payload_type != payload_type:
        raise StatementError(f"the statement is a {found.payload_type[:60]!r}, and was to be a {payload_type!r}")
    key = Ed25519PublicKey.from_public_bytes(public)
    named = [signed for signed in found.signatures[:8] if signed.keyid == id_of(public)]
    if not any(_good(key, signed, payload_type, payload) for signed in named):
        raise StatementError(f"the statement isn't signed by the key {id_of(public)}, or was changed since")
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise StatementError(f"the statement doesn't say what it should: {error}") from None


def _good(key: Ed25519PublicKey, signed: Signed, kind: str, payload: bytes) -> bool:
    try:
        key.verify(_decoded(signed.sig), _signed(kind, payload))
    except (InvalidSignature, StatementError):
        return False
    return True


def _signed(kind: str, payload: bytes) -> bytes:
    """Return what's signed: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def _envelope(data: bytes) -> Envelope:
    if len(data) > LARGEST:
        raise StatementError(f"the statement has {len(data)} bytes; {LARGEST} are read at most")
    try:
        return msgspec.json.decode(data, type=Envelope)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise StatementError(f"the statement is no DSSE envelope: {error}") from None


def _decoded(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise StatementError("the statement isn't base64 where it should be") from None
    # The last letter has bits that decoders pass over: no text but one stands for the bytes.
    if base64.b64encode(decoded).decode() != text:
        raise StatementError("the statement's base64 isn't as it's to be written")
    return decoded


def _write(path: Path, key: SigningKey) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    held = os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(held, "wb") as file:
            file.write(key.told().encode())
            file.flush()
            os.fsync(file.fileno())
        # Two that start at once keep one key between them.
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink(missing_ok=True)
