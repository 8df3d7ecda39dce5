"""An identity provider that vouches for whom the test says, and keeps to the rules."""

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from hub.errors import EgressError, NotAllowed
from hub.ports import Vouched


class FakeVoucher:
    """A Voucher without a network."""

    def __init__(self, issuer: str = "https://id.example.org") -> None:
        self.issuer = issuer
        self.person = Vouched(subject="ann-1", email="ann@example.org", email_verified=True, name="Ann")
        self.away = False
        self._codes: dict[str, tuple[Vouched, Mapping[str, str]]] = {}

    async def ask(self, *, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """See Voucher."""
        self._check_here()
        asked = {"redirect": redirect, "state": state, "nonce": nonce, "verifier": verifier}
        return f"{self.issuer}/authorize?{urlencode(asked)}"

    def say_yes(self, url: str) -> str:
        """Do what the person does; return the code that their browser brings back."""
        self._codes[code := secrets.token_urlsafe(8)] = (self.person, dict(parse_qsl(urlsplit(url).query)))
        return code

    async def vouch(self, code: str, *, redirect: str, nonce: str, verifier: str, issuer: str = "") -> Vouched:
        """See Voucher."""
        self._check_here()
        vouched, asked = self._codes.pop(code, (self.person, {}))
        given = {"redirect": redirect, "nonce": nonce, "verifier": verifier}
        if issuer not in {"", self.issuer} or {name: asked.get(name) for name in given} != given:
            raise NotAllowed("the identity provider vouches for nobody")
        return vouched

    def _check_here(self) -> None:
        if self.away:
            raise EgressError("the identity provider can't be reached (as a test wished)")
