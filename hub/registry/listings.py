"""A package as it's listed: made anew from its versions whenever one of them changes."""

from sqlalchemy import Connection, select, update

from hub.packages.registry import order
from hub.registry.tables import listings, versions


def listed_changed(connection: Connection, publisher: str, name: str) -> None:
    """Set what a package is listed by, after its versions changed: in the transaction that changed them."""
    mine = (versions.c.publisher == publisher) & (versions.c.name == name) & (versions.c.state == "listed")
    found = connection.execute(select(versions.c.version).where(mine, versions.c.yanked_at.is_(None))).all()
    here = (listings.c.publisher == publisher) & (listings.c.name == name)
    if not found:
        connection.execute(update(listings).where(here).values(latest=""))
        return
    latest = max((row.version for row in found), key=order)
    row = connection.execute(select(versions).where(mine, versions.c.version == latest)).one()
    connection.execute(
        update(listings)
        .where(here)
        .values(
            latest=latest,
            kind=row.kind,
            description=row.description,
            tags=row.tags,
            updated_at=row.published_at,
        )
    )
