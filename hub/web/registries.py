"""/v1/registries: what the registries of the config have, whose keys are pinned, and receipts to rate by."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from hub.errors import BadRequest, NotFound
from hub.packages.installer import Installer
from hub.packages.market import README, Market, Offer, Rating, Sort, Summary, Version, line, lines
from hub.packages.meanings import KINDS, meaning
from hub.packages.publishers import Publishers, Signer
from hub.packages.registry import Registries
from hub.web.auth import RUNS, Hub
from hub.web.packages import REFUSED, PermissionView
from hub.web.problems import PROBLEMS
from hub.web.render import markdown
from hub.web.resources import Page
from hub.web.services import Services


class RegistryView(Struct, frozen=True, kw_only=True):
    """A registry of the config."""

    url: str
    reachable: bool
    fault: str
    """Why nothing can be installed from it now; empty: all is well."""
    key: str
    """The public key that its index must be signed by, in base64."""
    serial: int | None
    issued_at: datetime | None
    expires_at: datetime | None


class FoundView(Struct, frozen=True, kw_only=True):
    """A package that was found, in the words of its registry."""

    registry: str
    publisher: str
    name: str
    kind: str
    description: str
    tags: list[str]
    latest: str
    updated_at: datetime | None
    downloads: int
    installs: int
    rating: Rating
    installed: str
    """The version that's installed here; empty: none is."""


class FoundPage(Struct, frozen=True, kw_only=True):
    """What was found."""

    items: list[FoundView]
    next: str | None
    """For ?cursor=, where one registry was asked."""
    more: list[str]
    """Registries that have more: ask each of them by ?registry=."""
    faults: list[str]
    """Why registries didn't answer that didn't."""


class VersionView(Struct, frozen=True, kw_only=True):
    """A version that can be installed, or can't be any more."""

    version: str
    size: int
    published_at: datetime | None
    yanked: str
    revoked: str
    key: str
    added: list[str]
    """Permissions that it asks for beyond the version before it."""
    removed: list[str]


class OpinionView(Struct, frozen=True, kw_only=True):
    """What somebody thinks of it."""

    account: str
    stars: int
    text: str
    version: str
    updated_at: datetime | None


class OfferView(FoundView, frozen=True, kw_only=True):
    """A package, to decide about."""

    license: str
    readme_html: str
    what: str
    """What its kind is, in words."""
    tools: list[str]
    permissions: list[PermissionView]
    """What the newest version asks for."""
    notes: list[str]
    found: list[str]
    """What the registry's scan found odd in it."""
    key: str
    """The id of the key that the newest version is signed by."""
    signer: Literal["pinned", "new", "rotated", "refused", "unknown"]
    """Whose key that is: the publisher's, as pinned here; to be pinned; stated by the pinned one; not theirs."""
    doubt: str
    """Why it can't be installed now."""
    versions: list[VersionView]
    opinions: list[OpinionView]


class SignerView(Struct, frozen=True, kw_only=True):
    """A publisher's key, as it's pinned here."""

    publisher: str
    key: str
    public: str
    registry: str
    by: str
    """How: `first` (it came with their first package), `rotation` (the key before stated it) or `admin`."""
    pinned_at: datetime


class NewSigner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that an admin trusts."""

    key: Annotated[str, Meta(min_length=1, max_length=200)]
    """Its id, or itself in base64."""


class NewReceipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose receipt it's to be."""

    account: Annotated[str, Meta(min_length=1, max_length=80)]
    """The name at the registry."""


class ReceiptView(Struct, frozen=True, kw_only=True):
    """What proves to a registry that a package is used here."""

    hub: str
    """The hub's public key, in base64."""
    receipt: dict[str, Any]
    """The envelope."""
    registry: str
    name: str
    """PUBLISHER/NAME there."""
    version: str


class RegistriesController(Controller):
    """Packages elsewhere, and whom to believe about them."""

    path = "/v1"
    tags = ("registries",)

    @get("/registries", opt=RUNS, responses=PROBLEMS, summary="List registries")
    async def list(self, services: Hub) -> Page[RegistryView]:
        """Return the registries of the config, each asked just now."""
        return Page(items=[RegistryView(**msgspec.structs.asdict(place)) for place in await _market(services).places()])

    @get("/registries/search", opt=RUNS, responses=PROBLEMS, summary="Search the registries")
    async def search(
        self,
        services: Hub,
        q: Annotated[str, QueryParameter(max_length=200)] = "",
        kind: Annotated[str, QueryParameter(max_length=20)] = "",
        tag: Annotated[str, QueryParameter(max_length=60)] = "",
        sort: FromQuery[Sort] = "relevance",
        registry: Annotated[str, QueryParameter(max_length=500)] = "",
        cursor: Annotated[str, QueryParameter(max_length=500)] = "",
    ) -> FoundPage:
        """Return packages of all registries, or of the one that's named; what's said of them is unsigned."""
        found, following, faults = await _market(services).search(q, kind, tag, sort, registry, cursor)
        here = await _here(_installer(services))
        alone = next(iter(following.values())) if len(following) == 1 and (registry or not _several(services)) else None
        return FoundPage(
            items=[FoundView(**_found(url, summary, here)) for url, summary in found],
            next=alone,
            more=[] if alone else [*following],
            faults=[*faults.values()],
        )

    @get(
        "/registries/packages/{publisher:str}/{name:str}",
        opt=RUNS,
        responses=REFUSED,
        summary="Read a package elsewhere",
    )
    async def package(
        self,
        services: Hub,
        publisher: FromPath[str],
        name: FromPath[str],
        registry: Annotated[str, QueryParameter(max_length=500)] = "",
    ) -> OfferView:
        """Return what a registry tells of a package, what it would ask for, and whether its signatures are good."""
        offer = await _market(services).package(publisher, name, registry)
        return _offer(offer, await _here(_installer(services)))

    @get("/publishers", opt=RUNS, responses=PROBLEMS, summary="List publishers' keys")
    async def publishers(self, services: Hub) -> Page[SignerView]:
        """Return the keys that are pinned, by publisher."""
        return Page(items=[_signer(each) for each in await _publishers(services).all()])

    @put("/publishers/{name:str}/key", opt=RUNS, responses=PROBLEMS, summary="Trust a key")
    async def trust(self, services: Hub, name: FromPath[str], data: JSONBody[NewSigner]) -> SignerView:
        """Pin a publisher's key by your word, in place of the one that was."""
        return _signer(await _publishers(services).trust(name, data.key))

    @delete("/publishers/{name:str}/key", opt=RUNS, responses=PROBLEMS, summary="Forget a key")
    async def forget(self, services: Hub, name: FromPath[str]) -> None:
        """Forget a publisher's key: the next package of theirs pins one anew."""
        await _publishers(services).forget(name)

    @post(
        "/packages/{id:str}/receipt",
        status_code=200,
        opt=RUNS,
        responses=REFUSED,
        summary="Get a receipt",
    )
    async def receipt(self, services: Hub, id: FromPath[str], data: JSONBody[NewReceipt]) -> ReceiptView:
        """Return the hub's statement that it uses a package: with it an account of its registry may rate it."""
        package = await _installer(services).package(id)
        hub, envelope = _registries(services).receipt(package, data.account)
        origin = package.now.origin
        if origin is None:
            raise BadRequest("id", f"{id} isn't from a registry")
        return ReceiptView(
            hub=hub,
            receipt=msgspec.json.decode(envelope),
            registry=origin.registry,
            name=origin.name,
            version=package.now.version,
        )


def _installer(services: Services) -> Installer:
    if services.packages is None:
        raise NotFound("packages: this hub keeps none")
    return services.packages


def _registries(services: Services) -> Registries:
    registries = _installer(services).registries
    if registries is None:
        raise NotFound("registries: this hub asks none")
    return registries


def _publishers(services: Services) -> Publishers:
    return _registries(services).publishers


def _market(services: Services) -> Market:
    if services.market is None:
        raise NotFound("registries: this hub asks none")
    return services.market


def _several(services: Services) -> bool:
    return len(_registries(services).configs) > 1


async def _here(installer: Installer) -> dict[str, str]:
    """Return the versions that are installed from registries, by PUBLISHER/NAME."""
    return {
        package.now.origin.name: package.now.version for package in await installer.packages() if package.now.origin
    }


def _found(url: str, summary: Summary, here: dict[str, str]) -> dict[str, Any]:
    return {
        "registry": url,
        "publisher": summary.publisher,
        "name": summary.name,
        "kind": line(summary.kind),
        "description": line(summary.description),
        "tags": [*lines(summary.tags)],
        "latest": line(summary.latest),
        "updated_at": summary.updated_at,
        "downloads": summary.downloads,
        "installs": summary.installs,
        "rating": summary.rating,
        "installed": here.get(f"{summary.publisher}/{summary.name}", ""),
    }


def _offer(offer: Offer, here: dict[str, str]) -> OfferView:
    whole = offer.whole
    newest = next((each for each in whole.versions if each.version == whole.latest), Version(version=""))
    return OfferView(
        **_found(offer.registry, whole, here),
        license=line(newest.license or whole.license),
        readme_html=markdown(whole.readme[:README]),
        what=dict(KINDS).get(whole.kind, ""),  # type: ignore[call-overload]  # a stranger's word for its kind
        tools=[*lines(newest.tools)],
        permissions=[PermissionView(id=ask, meaning=meaning(ask), granted=False) for ask in lines(newest.asks)],
        notes=[*lines(newest.notes)],
        found=[*lines(newest.findings)],
        key=line(newest.key),
        signer=offer.signer,
        doubt=offer.doubt,
        versions=_versions(offer, whole.versions[:50]),
        opinions=[
            OpinionView(
                account=line(each.account),
                stars=max(1, min(each.stars, 5)),
                text=line(each.text),
                version=line(each.version),
                updated_at=each.updated_at,
            )
            for each in offer.opinions
        ],
    )


def _versions(offer: Offer, versions: Sequence[Version]) -> list[VersionView]:
    """Return versions, newest first, each with what it asks for beyond the one before it."""
    before = [*(frozenset(each.asks) for each in versions[1:]), None]
    return [_version(offer, each, earlier) for each, earlier in zip(versions, before, strict=True)]


def _version(offer: Offer, version: Version, before: frozenset[str] | None) -> VersionView:
    # What was taken away is told by the signed index where that's believed.
    indexed = offer.indexed.get(version.version)
    told = (version.yanked_reason or "no reason is told") if version.yanked else ""
    return VersionView(
        version=line(version.version),
        size=version.size,
        published_at=version.published_at,
        yanked=line(indexed.yanked if indexed else told),
        revoked=line(indexed.revoked) if indexed else "",
        key=line(version.key),
        added=sorted(lines([*(set(version.asks) - before)])) if before is not None else [],
        removed=sorted(lines([*(before - set(version.asks))])) if before is not None else [],
    )


def _signer(signer: Signer) -> SignerView:
    return SignerView(**msgspec.structs.asdict(signer))
