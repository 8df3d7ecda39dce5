"""What's installed on the hub, and what agents can do by it."""

from collections.abc import Mapping

from agenthost_client.business import Agent, Package, Tool, Tried
from agenthost_client.calls import Ask, Group, Via, act, call, listing


class Packages(Group[Via]):
    """Installed packages. Installing is the command line's and the web page's: `agenthost install`."""

    @listing("/v1/packages", Package)
    def list(self) -> Ask:
        """List what's installed."""
        return Ask()

    @call("GET", "/v1/packages/{id}", Package)
    def get(self, id: str) -> Ask:
        """Return a package."""
        return Ask(path={"id": id})

    @call("POST", "/v1/packages/{id}/enable", Package)
    def enable(self, id: str) -> Ask:
        """Have it used."""
        return Ask(path={"id": id})

    @call("POST", "/v1/packages/{id}/disable", Package)
    def disable(self, id: str) -> Ask:
        """Have it not used, though it stays installed."""
        return Ask(path={"id": id})

    @act("DELETE", "/v1/packages/{id}")
    def remove(self, id: str) -> Ask:
        """Remove it."""
        return Ask(path={"id": id})

    @listing("/v1/agents", Agent)
    def agents(self) -> Ask:
        """List the agents that can be wished for."""
        return Ask()

    @listing("/v1/tools", Tool)
    def tools(self) -> Ask:
        """List the tools."""
        return Ask()

    @call("POST", "/v1/tools/{id}/call", Tried)
    def call_tool(self, id: str, arguments: Mapping[str, object]) -> Ask:
        """Try a tool by hand."""
        return Ask(path={"id": id}, body={"arguments": dict(arguments)})
