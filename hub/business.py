"""Builds what a business has of a hub: its tenants, what each of them may, and how their people sign in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from hub.config import Config
from hub.flow.allowance import Allowance
from hub.flow.auditing import Audit
from hub.flow.brands import Brands, Look, look_of
from hub.flow.choosing import Choosing
from hub.flow.clearing import Clearing, Eraser
from hub.flow.desks import Desks
from hub.flow.drafting import Drafting
from hub.flow.elsewhere import Elsewhere
from hub.flow.embeds import Embeds
from hub.flow.entrance import Entrance
from hub.flow.forgetting import Forgetting
from hub.flow.handing import Handing
from hub.flow.humans import FlowHumans, HumanCommand
from hub.flow.inbox import Inbox
from hub.flow.inlets import Inlets
from hub.flow.journal import Journal
from hub.flow.leaving import Leaving
from hub.flow.members import Members
from hub.flow.outbox import Outbox
from hub.flow.overdue import Overdue
from hub.flow.passports import Provider
from hub.flow.people import People
from hub.flow.rates import Rates
from hub.flow.tenancy import Tenancy
from hub.flow.tenants import Tenants
from hub.flow.usage import Usages
from hub.flow.webhook_work import WebhookWork
from hub.issuers import SignInConfig
from hub.manifests import Agent
from hub.ports import Clock, Documents, Egress, Feed, Hubs, Store
from hub.sites import SiteConfig, read_logo
from hub.vault import Vault


@dataclass(frozen=True)
class Outside:
    """What leads outside: the one way out, and what locks the secrets that are shared with others."""

    egress: Egress
    vault: Vault


class Desk:
    """What hands chats from agents to people."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        outbox: Outbox,
        clock: Clock,
        desks: Desks,
        humans: FlowHumans | None = None,
    ) -> None:
        self.handing = Handing(store, journal, outbox, clock, desks)
        self.commands = HumanCommand(store, self.handing)
        self.overdue = Overdue(store, journal, outbox, clock, self.handing)
        if humans is not None:
            humans.open(store, self.handing)
        self.drafting = Drafting(store, journal, outbox, clock, self.handing)


class Business:
    """What makes one hub the hub of several customers."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        people: People,
        config: Config,
        agents: Mapping[str, Agent],
        documents: Documents,
        vault: Vault,
    ) -> None:
        self.audit = Audit(store, clock)
        self.tenancy = Tenancy(store, clock)
        self.allowance = Allowance(store, clock, self.tenancy)
        self.choosing = Choosing(agents, config.agents.default, documents, self.tenancy)
        self.tenants = Tenants(store, clock, people, self.tenancy)
        self.rates = Rates(clock, config.limits, self.tenancy)
        self.members = Members(store, clock, people)
        self._parts = store, documents, clock, people, self.tenancy
        self.usages = Usages(store, clock)
        self.embeds = Embeds(store, self.members)
        look = usual_look(config.site)
        self.brands = Brands(store, clock, look, urlsplit(config.hub.url).hostname)
        sign_in = config.sign_in
        providers = _providers(sign_in, clock)
        self.entrance = Entrance(store, clock, people, vault, sign_in, providers, hub=look.name)

    def tell(
        self,
        config: Config,
        journal: Journal,
        outbox: Outbox,
        elsewhere: Elsewhere,
        feed: Feed,
        hubs: Hubs,
        outside: Outside | None,
        halted: Callable[[], bool],
    ) -> None:
        """Have others' systems told what happens; without an `outside` nothing goes out to anybody's address."""
        self.webhooks = WebhookWork(
            self._parts[0],
            journal,
            outbox,
            elsewhere,
            self._parts[2],
            feed,
            hubs,
            egress=outside.egress if outside else None,
            vault=outside.vault if outside else None,
            url=config.hub.url,
            keep=timedelta(days=config.store.keep_deliveries_days),
            halted=halted,
        )

    def open(self, inbox: Inbox) -> None:
        """Take the inbox, once it's there: what others post becomes messages."""
        self.inlets = Inlets(self._parts[0], self._parts[2], inbox, self.webhooks.vault)

    def erase_by(self, leaving: Leaving, forgetting: Forgetting, *erasers: Eraser) -> None:
        """Have tenants erased by what erases people, and what's theirs as a whole by these; their audit log last."""
        self.clearing = Clearing(*self._parts, leaving, forgetting, (*erasers, self.audit.forget))


def usual_look(site: SiteConfig) -> Look:
    """Return how the hub's pages look by its config."""
    return look_of(site.name, site.accent, site.accent_dark, read_logo(site))


def _providers(sign_in: SignInConfig, clock: Clock) -> dict[str, Provider]:
    if not sign_in.oidc:
        return {}
    # Only hubs with identity providers take the time to load what asks them.
    from hub.oidc import Oidc  # noqa: PLC0415

    return {each.name: Provider(config=each, voucher=Oidc(each, clock)) for each in sign_in.oidc}
