"""A client of the API of AgentHost, for programs that wait (`Client`) and those that don't (`AsyncClient`).

from agenthost_client import Client

with Client() as hub:
    print(hub.messages.ask("What is 17*23?").answer)
"""

from agenthost_client.business import Key, Package, Person, Quotas, Tenant, WhoAmI
from agenthost_client.client import AsyncClient, Client
from agenthost_client.errors import (
    AgentHostError,
    BadRequest,
    Conflict,
    Forbidden,
    HubFault,
    NotAnsweredYet,
    NotFound,
    NotNow,
    NotUnderstood,
    Refused,
    TooLarge,
    TooMany,
    Unauthorized,
    Unreachable,
)
from agenthost_client.events import Delta, Event, Hello
from agenthost_client.records import Accepted, Approval, Check, Message, Point, StoredFile, Task, Turn

__version__ = "0.1.0"

__all__ = [
    "Accepted",
    "AgentHostError",
    "Approval",
    "AsyncClient",
    "BadRequest",
    "Check",
    "Client",
    "Conflict",
    "Delta",
    "Event",
    "Forbidden",
    "Hello",
    "HubFault",
    "Key",
    "Message",
    "NotAnsweredYet",
    "NotFound",
    "NotNow",
    "NotUnderstood",
    "Package",
    "Person",
    "Point",
    "Quotas",
    "Refused",
    "StoredFile",
    "Task",
    "Tenant",
    "TooLarge",
    "TooMany",
    "Turn",
    "Unauthorized",
    "Unreachable",
    "WhoAmI",
]
