"""People, their keys and accounts, and the tenants they belong to."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from agenthost_client.business import (
    ChosenZone,
    Computer,
    FreshInvitation,
    FreshKey,
    FreshTenant,
    Invitation,
    Key,
    Knock,
    PairingCode,
    Person,
    Preferences,
    Quotas,
    Tenant,
    WhoAmI,
)
from agenthost_client.calls import Ask, Group, Via, act, call, listing, put


class People(Group[Via]):
    """Who's known, and who asks to be."""

    @listing("/v1/people", Person)
    def list(self, *, external: str | None = None) -> Ask:
        """List everybody, or who your own system calls `external`."""
        return Ask(query=put(external=external))

    @call("POST", "/v1/people", Person)
    def make(self, name: str, *, role: str | None = None, external: str | None = None) -> Ask:
        """Make a person, whom you may speak for by `messages.say(on_behalf_of=...)`."""
        return Ask(body=put(name=name, role=role, external=external))

    @call("PATCH", "/v1/people/{id}", Person)
    def change(self, id: str, *, name: str | None = None, role: str | None = None) -> Ask:
        """Change a person; what isn't given stays."""
        return Ask(path={"id": id}, body=put(name=name, role=role))

    @call("POST", "/v1/people/{id}/suspend", Person)
    def suspend(self, id: str) -> Ask:
        """Lock a person out; what's theirs is kept."""
        return Ask(path={"id": id})

    @call("POST", "/v1/people/{id}/resume", Person)
    def resume(self, id: str) -> Ask:
        """Let a person in again."""
        return Ask(path={"id": id})

    @call("POST", "/v1/people/{id}/owner", Person)
    def hand_on(self, id: str) -> Ask:
        """Make somebody the tenant's owner in your place."""
        return Ask(path={"id": id})

    @listing("/v1/invitations", Invitation)
    def invitations(self) -> Ask:
        """List invitations."""
        return Ask()

    @call("POST", "/v1/invitations", FreshInvitation)
    def invite(
        self, *, role: str | None = None, email: str | None = None, name: str | None = None, person: str | None = None
    ) -> Ask:
        """Invite somebody: as a new person, or `person` to sign in by a name and a password."""
        return Ask(body=put(role=role, email=email, name=name, person=person))

    @act("DELETE", "/v1/invitations/{id}")
    def withdraw(self, id: str) -> Ask:
        """Withdraw an invitation."""
        return Ask(path={"id": id})

    @call("GET", "/v1/people/{id}", Person)
    def get(self, id: str) -> Ask:
        """Return a person; "me" is the key's own."""
        return Ask(path={"id": id})

    @call("DELETE", "/v1/people/{id}", Person)
    def erase(self, id: str) -> Ask:
        """Have all that's kept of a person erased."""
        return Ask(path={"id": id})

    @call("GET", "/v1/people/{id}/export", bytes)
    def export(self, id: str = "me") -> Ask:
        """Return all that's kept of a person, as a zip."""
        return Ask(path={"id": id}, seconds=300.0)

    @act("DELETE", "/v1/people/{id}/accounts")
    def unlink(self, id: str, bridge: str, sender: str) -> Ask:
        """Take an account away from a person."""
        return Ask(path={"id": id}, query={"bridge": bridge, "sender": sender})

    @call("GET", "/v1/people/me/preferences", Preferences)
    def preferences(self) -> Ask:
        """Return when the key's person wants to be told of things."""
        return Ask()

    @call("PUT", "/v1/people/me/preferences", Preferences)
    def prefer(self, *, quiet: str | None = None, digest: str | None = None, language: str | None = None) -> Ask:
        """Change that, in words as /quiet and /digest take them; and the web site's language, by its code."""
        return Ask(body=put(quiet=quiet, digest=digest, language=language))

    @call("PUT", "/v1/whoami/timezone", ChosenZone)
    def choose_zone(self, timezone: str) -> Ask:
        """Choose the person's time zone, as "Europe/Berlin"."""
        return Ask(body={"timezone": timezone})

    @listing("/v1/pairings", Knock)
    def knocks(self) -> Ask:
        """List who asks to be let in."""
        return Ask()

    @call("POST", "/v1/pairings/{id}/approve", Person)
    def let_in(self, id: str, person: str | None = None) -> Ask:
        """Let somebody in, as a new person or as another account of one."""
        return Ask(path={"id": id}, body=put(person=person))

    @call("POST", "/v1/pairings/{id}/deny", Knock)
    def turn_away(self, id: str) -> Ask:
        """Refuse somebody."""
        return Ask(path={"id": id})

    @call("POST", "/v1/pairings", PairingCode)
    def pairing_code(self) -> Ask:
        """Make a code that links another account to the key's person."""
        return Ask()


class Keys(Group[Via]):
    """API keys, and whose this one is."""

    @call("GET", "/v1/whoami", WhoAmI)
    def whoami(self) -> Ask:
        """Return whose the key is, and what it may."""
        return Ask()

    @listing("/v1/keys", Key)
    def list(self) -> Ask:
        """List keys."""
        return Ask()

    @call("POST", "/v1/keys", FreshKey)
    def make(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        expires_at: datetime | None = None,
        agents: Sequence[str] = (),
        person: str | None = None,
        requests: int | None = None,
    ) -> Ask:
        """Make a key, for yourself or `person`, for so many requests a minute.

        If the answer is lost on its way, Conflict is raised: the secret isn't told twice.
        """
        rest = put(expires_at=expires_at, agents=tuple(agents) or None, person=person, requests=requests)
        return Ask(body={"name": name, "scopes": tuple(scopes), **rest})

    @call("POST", "/v1/keys/{id}/rotate", FreshKey)
    def rotate(self, id: str, *, overlap_hours: float | None = None) -> Ask:
        """Give a key a fresh secret; the old one is good for some hours more."""
        return Ask(path={"id": id}, body=put(overlap_hours=overlap_hours))

    @act("DELETE", "/v1/keys/{id}")
    def revoke(self, id: str) -> Ask:
        """End a key at once."""
        return Ask(path={"id": id})


class Computers(Group[Via]):
    """What the key's person lends of their own computers: see `agenthost local`."""

    @listing("/v1/computers", Computer)
    def list(self) -> Ask:
        """List the computers that are connected now."""
        return Ask()


class Tenants(Group[Via]):
    """The hub's customers; only for keys of who runs the hub."""

    @listing("/v1/tenants", Tenant)
    def list(self) -> Ask:
        """List tenants."""
        return Ask()

    @call("GET", "/v1/tenants/{id}", Tenant)
    def get(self, id: str) -> Ask:
        """Return a tenant."""
        return Ask(path={"id": id})

    @call("POST", "/v1/tenants", FreshTenant)
    def make(
        self, name: str, *, quotas: Quotas | None = None, agents: Sequence[str] = (), hosts: Sequence[str] = ()
    ) -> Ask:
        """Make a tenant with an owner, whose key is told this once."""
        body = put(name=name, quotas=_quotas(quotas), agents=tuple(agents) or None, hosts=tuple(hosts) or None)
        return Ask(body=body)

    @call("PATCH", "/v1/tenants/{id}", Tenant)
    def change(
        self,
        id: str,
        *,
        name: str | None = None,
        quotas: Quotas | None = None,
        agents: Sequence[str] | None = None,
        hosts: Sequence[str] | None = None,
    ) -> Ask:
        """Change a tenant; what isn't given stays."""
        chosen, names = (None if given is None else tuple(given) for given in (agents, hosts))
        return Ask(path={"id": id}, body=put(name=name, quotas=_quotas(quotas), agents=chosen, hosts=names))

    @call("POST", "/v1/tenants/{id}/invitation", FreshInvitation)
    def invite(self, id: str) -> Ask:
        """Invite a tenant's owner to sign in."""
        return Ask(path={"id": id})

    @call("DELETE", "/v1/tenants/{id}", Tenant)
    def erase(self, id: str) -> Ask:
        """Have a tenant erased with all that it has."""
        return Ask(path={"id": id})

    @call("POST", "/v1/tenants/{id}/suspend", Tenant)
    def suspend(self, id: str) -> Ask:
        """Have its keys refused from now on."""
        return Ask(path={"id": id})

    @call("POST", "/v1/tenants/{id}/resume", Tenant)
    def resume(self, id: str) -> Ask:
        """Have its keys accepted again."""
        return Ask(path={"id": id})


def _quotas(quotas: Quotas | None) -> dict[str, object] | None:
    return None if quotas is None else put(**msgspec.structs.asdict(quotas))
