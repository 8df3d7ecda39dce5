"""Keeps what a paused program left as this hub's own: what anybody else wrote, or for another call, isn't opened."""

import base64
import binascii
import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from hub.errors import StartError

KEY_BYTES = 32


class Seal:
    """A key, and what it vouches for."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def at(cls, path: Path) -> "Seal":
        """Return the seal whose key is in a file that only this user reads, made if it isn't there.

        Raises StartError if it can't be.
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
            key = path.read_bytes()
        except OSError as error:
            raise StartError(f"{path}: can't be read ({error.strerror}); make it readable for this user") from None
        if len(key) != KEY_BYTES:
            raise StartError(f"{path}: isn't the key it was; remove it: what programs wait for then begins anew")
        return cls(key)

    def close(self, data: bytes, *, about: bytes) -> str:
        """Return data as a text that only this seal opens, and only for what it's `about`."""
        return base64.b64encode(self._mark(data, about) + data).decode()

    def open(self, text: str, *, about: bytes) -> bytes | None:
        """Return the data, or None if it isn't to the byte what was closed, about the very same."""
        try:
            whole = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
        mark, data = whole[: sha256().digest_size], whole[sha256().digest_size :]
        return data if hmac.compare_digest(mark, self._mark(data, about)) else None

    def _mark(self, data: bytes, about: bytes) -> bytes:
        # The length before it: no other pair of the two runs together to the same bytes.
        return hmac.digest(self._key, len(about).to_bytes(8, "big") + about + data, "sha256")
