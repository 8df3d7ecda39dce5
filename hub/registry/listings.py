"""What's shown of a package as a whole follows from its versions: recomputed whenever any of them changes."""

from sqlalchemy import Connection, insert, select, update

from hub.errors import NotFound
from hub.registry import fulltext
from hub.registry.fulltext import Words
from hub.registry.shelf import hold
from hub.registry.tables import listings, places, stale, versions
from hub.releases import order, shard_of


def listed_changed(connection: Connection, publisher: str, name: str) -> None:
    """Bring a package's listing, its row in the full-text index and its shard of the signed index in line.

    To be called in each transaction that adds a version of it or changes one's state or whether it's yanked, that
    deletes the package; after the change, and before `note`. Raises NotFound.
    """
    # On PostgreSQL another transaction may change another version of it just now: the second one sees the first's.
    hold(connection, f"package:{publisher}/{name}")
    mine = (listings.c.publisher == publisher) & (listings.c.name == name)
    listing = connection.execute(select(listings.c.deleted).where(mine)).first()
    if listing is None:
        raise NotFound(f"{publisher}/{name}: there's no such package")
    version = "" if listing.deleted else _latest(connection, publisher, name)
    number = _place(connection, publisher, name)
    connection.execute(insert(stale).values(shard=shard_of(f"{publisher}/{name}")))
    if not version:
        connection.execute(update(listings).where(mine).values(latest=""))
        fulltext.forget(connection, number)
        return
    one = (versions.c.publisher == publisher) & (versions.c.name == name) & (versions.c.version == version)
    shown = connection.execute(
        select(
            versions.c.kind, versions.c.description, versions.c.tags, versions.c.readme, versions.c.published_at
        ).where(one)
    ).one()
    changed = {"latest": version, "kind": shown.kind, "description": shown.description, "tags": shown.tags}
    connection.execute(update(listings).where(mine).values(updated_at=shown.published_at, **changed))
    words = Words(
        publisher=publisher,
        name=name,
        kind=shown.kind,
        tags=shown.tags,
        description=shown.description,
        readme=shown.readme,
    )
    fulltext.put(connection, number, words)


def _latest(connection: Connection, publisher: str, name: str) -> str:
    """Return the newest version that's listed and wasn't yanked, by SemVer's order; empty if there's none."""
    offered = (
        select(versions.c.version)
        .where(versions.c.publisher == publisher, versions.c.name == name)
        .where(versions.c.state == "listed", versions.c.yanked_at.is_(None))
    )
    return max(connection.execute(offered).scalars(), key=order, default="")


def _place(connection: Connection, publisher: str, name: str) -> int:
    mine = select(places.c.id).where(places.c.publisher == publisher, places.c.name == name)
    if (number := connection.execute(mine).scalar()) is not None:
        return int(number)
    place = {"publisher": publisher, "name": name, "shard": shard_of(f"{publisher}/{name}")}
    return int(connection.execute(insert(places).values(place).returning(places.c.id)).scalar_one())
