"""Somebody else who says who a person is."""

from typing import Protocol

from msgspec import Struct


class Vouched(Struct, frozen=True, kw_only=True):
    """Whom an identity provider vouches for."""

    subject: str
    """Its own name for them, which it never gives to anybody else."""
    email: str = ""
    email_verified: bool = False
    """Whether the provider has seen that the address is theirs."""
    name: str = ""


class Voucher(Protocol):
    """An identity provider, asked in the person's browser and then behind its back.

    What's given to `ask` is given to `vouch` again: so it's known that the answer is to this question, and that it came
    to the browser that was sent.
    """

    issuer: str
    """What it calls itself, everywhere and for ever."""

    async def ask(self, *, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Return the address that the person's browser is sent to, from which it comes back to `redirect`.

        Raises EgressError if the provider can't be asked how.
        """

    async def vouch(self, code: str, *, redirect: str, nonce: str, verifier: str, issuer: str = "") -> Vouched:
        """Return whom the provider vouches for by a code that the browser brought back.

        Raises NotAllowed unless the provider says so itself, to us, now, in answer to the question with this nonce;
        EgressError if it can't be asked. `issuer` is who the browser says it came from, if it does.
        """
