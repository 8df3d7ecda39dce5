"""The keys that a person signs what they publish by: files of their own on this machine, which nobody is sent."""

import os
from pathlib import Path

import rich_click as click
from msgspec import Struct

from hub.cli.client import Trouble
from hub.cli.registries import Registry
from hub.errors import StatementError
from hub.statements import SigningKey, shown


class Me(Struct, frozen=True, kw_only=True):
    """Whose token it is, by the registry."""

    name: str
    publishers: tuple[str, ...]


class PublicKey(Struct, frozen=True, kw_only=True):
    """A publisher's key, as the registry has it."""

    id: str
    public: str
    state: str


class Publisher(Struct, frozen=True, kw_only=True):
    """A publisher, as the registry has it."""

    name: str
    keys: tuple[PublicKey, ...]

    @property
    def key(self) -> PublicKey | None:
        """The key that it signs by now."""
        return next((key for key in self.keys if key.state == "current"), None)


def keys_folder() -> Path:
    """Return the folder where a person's keys lie."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "agenthost" / "publishers"


def path_of(publisher: str, file: Path | None) -> Path:
    """Return where a publisher's private key lies."""
    return file or keys_folder() / f"{publisher}.key"


async def publisher_of(registry: Registry, wanted: str) -> Publisher:
    """Return the publisher that's meant; raises Trouble if it isn't clear which."""
    if not wanted:
        me = await registry.get("/me", Me)
        if len(me.publishers) != 1:
            names = ", ".join(me.publishers) or "none"
            raise Trouble(f"Say which of your publishers it is, with --publisher; you have {names}.")
        wanted = me.publishers[0]
    return await registry.get(f"/publishers/{wanted}", Publisher)


def key_of(publisher: Publisher, file: Path | None, *, lost: bool = False) -> SigningKey:
    """Return a publisher's private key, made in the person's own folder if there has been none.

    Raises Trouble, also where the registry knows a key and its file isn't here, unless it's said to be lost.
    """
    path = path_of(publisher.name, file)
    if publisher.key and not lost and not path.exists() and not _coming(path).exists():
        raise Trouble(
            f"{publisher.name} signs by the key {publisher.key.id}, and {path} isn't there: put its file there, or name"
            f" it with --key. If it's lost: agenthost keys publisher --publisher {publisher.name} --lost"
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _end_what_was_cut_off(publisher, path)
        fresh = not path.exists()
        key = SigningKey.kept(path)
    except StatementError as error:
        raise Trouble(str(error)) from None
    except OSError as error:
        raise Trouble(f"{path}: can't be read or made ({error.strerror}).") from None
    if fresh:
        click.echo(f"A key was made: {path}. Keep a copy: without it nobody can publish as {publisher.name}.", err=True)
    return key


async def known_to(registry: Registry, publisher: Publisher, key: SigningKey) -> None:
    """Make a publisher's first key known to the registry; raises Trouble if it knows another one."""
    if publisher.key is None:
        await registry.post(f"/publishers/{publisher.name}/keys", {"public": shown(key.public)}, type(None))
    elif publisher.key.id != key.id:
        raise Trouble(
            f"{publisher.name} signs by the key {publisher.key.id}, and yours is {key.id}: name its file with --key."
            f" If it's lost: agenthost keys publisher --publisher {publisher.name} --lost"
        )


def begun(path: Path) -> SigningKey:
    """Return the key that's to take the place of a file's, kept beside it until the registry knows it."""
    return SigningKey.kept(_coming(path))


def ended(path: Path, old: str) -> None:
    """Put the new key in the place of the old one, which is kept under its id."""
    if path.exists():
        path.rename(path.with_name(f"{path.name}.{old}"))
    _coming(path).rename(path)


def _coming(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _end_what_was_cut_off(publisher: Publisher, path: Path) -> None:
    """A new key that the registry knows already is put in its place, if a crash kept it from that."""
    if publisher.key and _coming(path).exists() and SigningKey.kept(_coming(path)).id == publisher.key.id:
        ended(path, SigningKey.kept(path).id if path.exists() else "")
