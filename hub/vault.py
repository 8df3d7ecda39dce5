"""A key in a file beside the database, and what's sealed by it: neither the database nor a backup tells it."""

import base64
import binascii
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import StartError

KEY_BYTES = 32
NONCE_BYTES = 12


class Vault:
    """Seals small secrets by AES-256-GCM."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def fresh(cls) -> "Vault":
        """Return a vault that nobody else opens: what it seals is lost with it."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def at(cls, path: Path) -> "Vault":
        """Return the vault whose key is in a file that only this user reads, made if it isn't there.

        Raises StartError if it can't be, or if others may read it.
        """
        try:
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        except OSError as error:
            raise StartError(f"{path}: can't be made ({error.strerror}); mend the data folder's rights") from None
        else:
            with os.fdopen(made, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
        try:
            mode, key = path.stat().st_mode, path.read_bytes()
        except OSError as error:
            raise StartError(f"{path}: can't be read ({error.strerror}); make it readable for this user") from None
        if mode & 0o077:
            raise StartError(f"{path}: others may read it (mode {mode & 0o777:04o}); run: chmod 600 {path}")
        if len(key) != KEY_BYTES:
            raise StartError(
                f"{path}: isn't the key it was; bring back your copy of it, or remove it: people's authenticator apps "
                "are then set up anew, after they signed in by a recovery code"
            )
        return cls(key)

    def seal(self, data: bytes, *, about: str) -> str:
        """Return data as a text that only this vault opens, and only as what it's `about`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, data, about.encode())).decode().rstrip("=")

    def open(self, text: str, *, about: str) -> bytes | None:
        """Return the data, or None if it isn't to the byte what was sealed, about the very same."""
        try:
            whole = base64.b64decode((text + "=" * (-len(text) % 4)).encode(), altchars=b"-_", validate=True)
            return self._cipher.decrypt(whole[:NONCE_BYTES], whole[NONCE_BYTES:], about.encode())
        except (binascii.Error, ValueError, InvalidTag):
            return None
