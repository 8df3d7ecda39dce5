"""The steps of signing in: what's proved so far, sealed, in the browser's keeping; any hub goes on with it."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct

from hub.errors import Decided
from hub.ports import Clock
from hub.records import PersonId, TenantId
from hub.vault import Vault

SPAN = timedelta(minutes=10)
ABOUT = "a step of signing in"

Ask = Literal["choose", "code", "enrol"]
"""choose: in which tenant, for the address and the password are good in several. code: one of the authenticator app's.
enrol: first set up an app, for this role needs one."""


class Proved(Struct, frozen=True, kw_only=True, array_like=True):
    """Whom somebody has proved to be, and of which of their logins."""

    tenant: TenantId
    person: PersonId
    changed_at: datetime
    """Of the login: with another password, the step is void."""


class Step(Struct, frozen=True, kw_only=True, array_like=True):
    """How far somebody has come."""

    ask: Ask
    proved: tuple[Proved, ...]
    until: datetime
    secret: str = ""
    """Of the app that's being set up."""
    email: str = ""


class Steps:
    """Seals steps, and opens them again."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    def sealed(self, ask: Ask, *proved: Proved, email: str, secret: str = "") -> str:
        """Return a step for the browser to keep; it's good for ten minutes."""
        step = Step(ask=ask, proved=proved, until=self._clock.now() + SPAN, secret=secret, email=email)
        return self._vault.seal(msgspec.json.encode(step), about=ABOUT)

    def opened(self, sealed: str, *asks: Ask) -> Step:
        """Return a step; raises Decided for one that's over, or isn't among those that are awaited."""
        data = self._vault.open(sealed, about=ABOUT)
        step = msgspec.json.decode(data, type=Step) if data else None
        if step is None or step.until <= self._clock.now() or step.ask not in asks:
            raise Decided("this sign-in is over; begin again with your password")
        return step
