"""What was taken: messages, tokens, money and room, by day, person, key or agent."""

from agenthost_client.business import Share, Taken
from agenthost_client.calls import Ask, Group, Via, listing, put


class Usage(Group[Via]):
    """What was taken. Days are as "2026-11-30", in UTC; without them it's this month."""

    @listing("/v1/usage", Taken)
    def list(
        self,
        *,
        first: str | None = None,
        last: str | None = None,
        by: str | None = None,
        person: str | None = None,
        most: str | None = None,
    ) -> Ask:
        """List what the key's tenant took: a row for each "day", "person", "key" or "agent".

        With `most` ("messages", "turns", "tokens", "money" or "bytes") only who took most of that, most first.
        """
        return Ask(query=put(**{"from": first, "to": last, "by": by, "person": person, "most": most}))

    @listing("/v1/tenants/{id}/usage", Taken)
    def of_tenant(
        self,
        id: str,
        *,
        first: str | None = None,
        last: str | None = None,
        by: str | None = None,
        most: str | None = None,
    ) -> Ask:
        """List what a tenant took; only for keys of who runs the hub."""
        return Ask(path={"id": id}, query=put(**{"from": first, "to": last, "by": by, "most": most}))

    @listing("/v1/quotas", Share)
    def quotas(self) -> Ask:
        """List how the quotas of the key's tenant stand."""
        return Ask()

    @listing("/v1/tenants/{id}/quotas", Share)
    def quotas_of_tenant(self, id: str) -> Ask:
        """List how a tenant's quotas stand; only for keys of who runs the hub."""
        return Ask(path={"id": id})
