"""All ways to sign in to the web, put together."""

from collections.abc import Mapping

from hub.flow.brands import OURS
from hub.flow.credentials import Credentials
from hub.flow.invitations import Invitations
from hub.flow.logins import Logins
from hub.flow.passports import Passports, Provider
from hub.flow.people import People
from hub.flow.sessions import Sessions
from hub.issuers import SignInConfig
from hub.passwords import MEMORY, Hashing
from hub.ports import Clock, Store
from hub.vault import Vault


class Entrance:
    """Passwords, apps, invitations, identity providers and the sessions that come of them."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        people: People,
        vault: Vault,
        config: SignInConfig,
        providers: Mapping[str, Provider],
        memory: int = MEMORY,
        hub: str = OURS,
    ) -> None:
        """`hub` is what authenticator apps call us, `memory` what a password's hash takes, in KiB."""
        hashing = Hashing(memory)
        self.sessions = Sessions(store, clock, people)
        self.logins = Logins(store, clock, hashing, vault, config.totp, hub)
        self.credentials = Credentials(store, clock, hashing, vault, self.logins, self.sessions)
        self.invitations = Invitations(store, clock, self.credentials, self.logins, self.sessions)
        self.passports = Passports(store, clock, vault, providers, self.invitations, self.sessions)
