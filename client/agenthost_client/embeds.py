"""Chats for other sites' pages, and passes for the people whom those sites know."""

from collections.abc import Sequence

from agenthost_client.business import Embed, Pass
from agenthost_client.calls import Ask, Group, Via, act, call, listing, put


class Embeds(Group[Via]):
    """Chats for other sites' pages."""

    @listing("/v1/embeds", Embed)
    def list(self) -> Ask:
        """List them."""
        return Ask()

    @call("GET", "/v1/embeds/{id}", Embed)
    def get(self, id: str) -> Ask:
        """Return one."""
        return Ask(path={"id": id})

    @call("POST", "/v1/embeds", Embed)
    def make(
        self,
        name: str,
        origins: Sequence[str],
        *,
        agent: str | None = None,
        title: str | None = None,
        greeting: str | None = None,
        colour: str | None = None,
        visitors: bool | None = None,
    ) -> Ask:
        """Make one for pages of these origins, as "https://example.org"; with `visitors`, strangers may chat too."""
        look = put(agent=agent, title=title, greeting=greeting, colour=colour, visitors=visitors)
        return Ask(body={"name": name, "origins": tuple(origins), **look})

    @call("PATCH", "/v1/embeds/{id}", Embed)
    def change(
        self,
        id: str,
        *,
        name: str | None = None,
        origins: Sequence[str] | None = None,
        agent: str | None = None,
        title: str | None = None,
        greeting: str | None = None,
        colour: str | None = None,
        visitors: bool | None = None,
    ) -> Ask:
        """Change one; what isn't given stays."""
        look = put(name=name, agent=agent, title=title, greeting=greeting, colour=colour, visitors=visitors)
        return Ask(path={"id": id}, body={**look, **put(origins=None if origins is None else tuple(origins))})

    @act("DELETE", "/v1/embeds/{id}")
    def remove(self, id: str) -> Ask:
        """Remove one: its passes end, and pages that have it show nothing."""
        return Ask(path={"id": id})

    @call("POST", "/v1/embeds/{id}/passes", Pass)
    def admit(self, id: str, external: str, *, name: str | None = None, minutes: int | None = None) -> Ask:
        """Make a pass for somebody whom your site knows as `external`: give its token to their page."""
        return Ask(path={"id": id}, body=put(external=external, name=name, minutes=minutes))
