"""The card by which other agents know ours: what's there, how it's reached, and which key it takes."""

from collections.abc import Sequence

from msgspec import Struct

from hub.web.services import AgentInfo, Services

PATH = "/a2a"
VERSION = "1.0"
BEARER = "bearer"


class Interface(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where, and by which binding."""

    url: str
    protocol_binding: str
    protocol_version: str = VERSION


class Capabilities(Struct, frozen=True, kw_only=True, rename="camel"):
    """What of the protocol there is."""

    streaming: bool = True
    push_notifications: bool = False
    extended_agent_card: bool = True


class HttpAuth(Struct, frozen=True, kw_only=True, rename="camel"):
    """A key in the header."""

    scheme: str = "Bearer"
    description: str = "A key of this hub, with the scopes messages:write and tasks:read, and tasks:write to cancel."


class Scheme(Struct, frozen=True, kw_only=True, rename="camel"):
    """A way to say who asks."""

    http_auth_security_scheme: HttpAuth = HttpAuth()


class Scopes(Struct, frozen=True, kw_only=True):
    """A list, as the protocol wraps it."""

    list: tuple[str, ...] = ()


class Requirement(Struct, frozen=True, kw_only=True):
    """Which ways are wanted."""

    schemes: dict[str, Scopes]


class Skill(Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent of ours: named in a message's metadata as `agent`, it takes the new task."""

    id: str
    name: str
    description: str
    tags: list[str]


class Card(Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent card."""

    name: str
    description: str
    version: str
    supported_interfaces: list[Interface]
    capabilities: Capabilities
    security_schemes: dict[str, Scheme]
    security_requirements: list[Requirement]
    default_input_modes: list[str]
    default_output_modes: list[str]
    skills: list[Skill]


def public_card(services: Services, base: str) -> Card:
    """Return the card that everybody may see: the default agent, and nothing of what else is installed."""
    default = services.config.agents.default
    return _card(services, base, [agent for agent in services.agents() if agent.name == default])


def card_for(services: Services, base: str, agents: Sequence[AgentInfo]) -> Card:
    """Return the card for a key that may wish for these agents."""
    return _card(services, base, agents)


def _card(services: Services, base: str, agents: Sequence[AgentInfo]) -> Card:
    default = services.config.agents.default
    first = next((agent for agent in agents if agent.name == default), agents[0] if agents else None)
    return Card(
        name="AgentHost",
        description=first.description if first else "Agents that take messages and work on tasks.",
        version=services.version,
        supported_interfaces=[
            Interface(url=f"{base}{PATH}", protocol_binding="JSONRPC"),
            Interface(url=f"{base}{PATH}", protocol_binding="HTTP+JSON"),
        ],
        capabilities=Capabilities(),
        security_schemes={BEARER: Scheme()},
        security_requirements=[Requirement(schemes={BEARER: Scopes()})],
        default_input_modes=["text/plain", "application/json", "application/octet-stream"],
        default_output_modes=["text/plain", "application/octet-stream"],
        skills=[
            Skill(id=agent.name, name=agent.name, description=agent.description or agent.name, tags=["agent"])
            for agent in agents
        ],
    )
