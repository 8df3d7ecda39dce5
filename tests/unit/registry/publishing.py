"""Puts versions into a registry, as an upload leaves them there: a real archive, a real statement, real rows."""

import base64
from datetime import timedelta
from hashlib import sha256

from msgspec.structs import replace
from sqlalchemy import Connection, insert, select, update

from hub.registry.parts import Parts
from hub.registry.records import Listing, PublisherKey, Version, VersionState
from hub.registry.shelf import values
from hub.registry.tables import accounts, archives, listings, publisher_keys, publishers, versions
from hub.releases import FETCH as FETCH_TYPE
from hub.releases import Fetch, Install, InstallPredicate, Release
from hub.statements import SigningKey, Subject, shown
from tests.unit.packages.zipping import PLUGIN, PROGRAM, zipped


def a_plugin(name: str, version: str, *, more: dict[str, str] | None = None) -> bytes:
    """Return a plugin as its author would pack it."""
    told = {"name": name, "version": version, "tool": name.replace("-", "_"), "more": ""}
    files = {"plugin.toml": PLUGIN.format(**told), "plugin.py": PROGRAM.format(**told), "README.md": f"# {name}\n"}
    return zipped({**files, **(more or {})})


async def published(
    parts: Parts,
    publisher: str = "ann",
    name: str = "echo",
    version: str = "1.0.0",
    *,
    state: VersionState = "listed",
    asks: tuple[str, ...] = (),
    archive: bytes = b"",
    key: SigningKey | None = None,
    reason: str = "",
) -> Version:
    """Keep a version of an account's publisher; each is a second newer than the one before."""
    archive = archive or a_plugin(name, version)
    key = key or SigningKey.fresh()
    now = parts.clock.now()

    def change(connection: Connection) -> Version:
        owner = connection.execute(select(publishers.c.account).where(publishers.c.name == publisher)).scalar_one()
        earlier = connection.execute(
            select(versions.c.version).where(versions.c.publisher == publisher, versions.c.name == name)
        ).all()
        release = Release.of(f"{publisher}/{name}", version, archive, asks, now)
        kept = Version(
            publisher=publisher,
            name=name,
            version=version,
            kind="plugin",
            sha256=sha256(archive).hexdigest(),
            size=len(archive),
            description="Says what it is.",
            readme=f"# {name} {version}\n",
            license="MIT",
            tools=(name,),
            asks=asks,
            notes=(),
            findings=(),
            envelope=key.seal(release).decode(),
            key=key.id,
            state=state,
            reason=reason,
            yanked_at=None,
            yanked="",
            account=owner,
            published_at=now + timedelta(seconds=len(earlier)),
        )
        _keep(connection, kept, archive, key, first=not earlier)
        return kept

    return await parts.shelf.write(change)


async def made_older(parts: Parts, name: str, by: timedelta) -> None:
    """Have an account be older than it is."""
    older = update(accounts).where(accounts.c.name == name).values(created_at=parts.clock.now() - by)
    await parts.shelf.write(lambda connection: connection.execute(older) and None)


async def put_in(parts: Parts, version: Version, state: VersionState, reason: str = "") -> None:
    """Put a version in another state."""
    same = (versions.c.publisher == version.publisher) & (versions.c.name == version.name)
    query = update(versions).where(same, versions.c.version == version.version).values(state=state, reason=reason)
    await parts.shelf.write(lambda connection: connection.execute(query) and None)


def fetching(parts: Parts, hub: SigningKey, version: Version, **changed: object) -> dict[str, str]:
    """Return the headers by which a hub proves that it fetches a version."""
    fetch = Fetch(registry=parts.url, sha256=version.sha256, time=parts.clock.now())
    sealed = hub.seal(replace(fetch, **changed), FETCH_TYPE)
    return {"AgentHost-Hub": shown(hub.public), "AgentHost-Fetch": base64.b64encode(sealed).decode()}


def receipt(parts: Parts, hub: SigningKey, version: Version, account: str, **changed: object) -> bytes:
    """Return a hub's receipt for an account."""
    now = parts.clock.now()
    told = InstallPredicate(version=version.version, account=account, enabled_at=now - timedelta(days=2), time=now)
    subject = Subject(name=f"{version.publisher}/{version.name}", digest={"sha256": version.sha256})
    return hub.seal(Install(subject=(subject,), predicate=replace(told, **changed)))


def _keep(connection: Connection, version: Version, archive: bytes, key: SigningKey, *, first: bool) -> None:
    at = version.published_at
    if not connection.execute(select(archives.c.sha256).where(archives.c.sha256 == version.sha256)).first():
        connection.execute(insert(archives).values(sha256=version.sha256, data=archive))
    connection.execute(insert(versions).values(values(version)))
    own = PublisherKey(
        publisher=version.publisher, id=key.id, public=shown(key.public), state="current", rotation="", created_at=at
    )
    if not connection.execute(
        select(publisher_keys.c.id).where(publisher_keys.c.publisher == own.publisher, publisher_keys.c.id == own.id)
    ).first():
        connection.execute(insert(publisher_keys).values(values(own)))
    latest = version.version if version.state == "listed" else ""
    if first:
        listing = Listing(
            publisher=version.publisher,
            name=version.name,
            kind=version.kind,
            description=version.description,
            tags=(),
            latest=latest,
            skeleton=version.name,
            created_at=at,
            updated_at=at,
            deleted=False,
            downloads=0,
            installs=0,
            stars=0,
            ratings=0,
        )
        connection.execute(insert(listings).values(values(listing)))
    elif latest:
        package = (listings.c.publisher == version.publisher) & (listings.c.name == version.name)
        connection.execute(update(listings).where(package).values(latest=latest, updated_at=at))
