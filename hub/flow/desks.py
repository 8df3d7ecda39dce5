"""How a tenant's operators work: by its own rules, and by the hub's where it has none."""

from msgspec import Struct

from hub.config import HandoverConfig
from hub.ports import Store
from hub.records import DeskRules, Message, PersonId, TenantId


class Ways(Struct, frozen=True, kw_only=True):
    """How operators work."""

    first_minutes: float
    end_minutes: float
    signed: bool


class Desks:
    """Knows how each tenant's operators work."""

    def __init__(self, store: Store, settings: HandoverConfig) -> None:
        self._store = store
        self.settings = settings

    async def of(self, tenant: TenantId) -> Ways:
        """Return how a tenant's operators work."""
        own, hub = await self._store.desk_rules(tenant) or DeskRules(tenant=tenant), self.settings
        return Ways(
            first_minutes=hub.first_minutes if own.first_minutes is None else own.first_minutes,
            end_minutes=hub.end_minutes if own.end_minutes is None else own.end_minutes,
            signed=hub.signed if own.signed is None else own.signed,
        )

    async def signature(self, message: Message) -> str:
        """Return whose name stands over an answer: the operator's who wrote it or sent it, where people see that."""
        if message.role == "user" or not message.sender:
            return ""
        operator = await self._store.person(message.tenant, PersonId(message.sender))
        return operator.name if operator else "A human"
