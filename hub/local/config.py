"""What a person lends, from the command line or a local.toml: folders and commands by their names."""

import re
import socket
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from hub.errors import ConfigError
from hub.lent import COMMANDS, FOLDERS, Command, Folder, Hello
from hub.local.commands import Runnable, command_of
from hub.local.folders import SUPPORTED

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
READ_ONLY = ":ro"


class FolderWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[folders.NAME]: a folder that's lent; without `write` to be read only."""

    path: str
    write: bool = False


class CommandWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[commands.NAME]: a command that's lent, run in a folder; without one, where agenthost local was started."""

    run: str
    folder: str = ""


class LocalToml(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A local.toml."""

    hub: str = ""
    key_file: str = ""
    name: str = ""
    audit: str = ""
    yes_read: bool = False
    folders: dict[str, FolderWish] = {}
    commands: dict[str, CommandWish] = {}


class LocalConfig(Struct, frozen=True, kw_only=True):
    """All that `agenthost local` needs."""

    hub: str
    key: str
    name: str
    audit: Path
    yes_read: bool
    folders: Mapping[str, FolderWish]
    commands: Mapping[str, Runnable]

    def hello(self) -> Hello:
        """Return what the hub is told of it: names, and how commands are written; no paths."""
        return Hello(
            computer=self.name,
            folders=tuple(Folder(name=name, writable=wish.write) for name, wish in self.folders.items()),
            commands=tuple(
                Command(name=name, words=command.shown[:400], takes=command.takes)
                for name, command in self.commands.items()
            ),
        )


def load(path: Path | None) -> LocalToml:
    """Read a local.toml; raises ConfigError."""
    if path is None:
        return LocalToml()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), LocalToml)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from None


def lent(
    toml: LocalToml,
    *,
    hub: str | None,
    key: str,
    name: str | None,
    folders: Iterable[str],
    commands: Iterable[str],
    audit: Path,
    yes_read: bool,
) -> LocalConfig:
    """Return what's lent, options over the file; raises ConfigError with a line for each fault."""
    if not SUPPORTED:
        raise ConfigError("agenthost local: needs Linux or macOS; on Windows, run it in WSL")
    shelves = {**toml.folders, **dict(map(_folder, folders))}
    wishes = {**toml.commands, **dict(map(_command, commands))}
    faults = [f"{kind}: at most {most} are lent; there are {len(lent)}" for kind, lent, most in (
        ("folders", shelves, FOLDERS), ("commands", wishes, COMMANDS)) if len(lent) > most]  # fmt: skip
    faults += [
        f"{each!r}: is used twice; a folder and a command need names of their own" for each in shelves if each in wishes
    ]
    faults += [
        f"{each!r}: a name has letters, digits, - and _, 32 at most"
        for each in (*shelves, *wishes)
        if not NAME.fullmatch(each)
    ]
    faults += [
        f"folders.{each}.path: there's no folder {wish.path}"
        for each, wish in shelves.items()
        if not _path(wish.path).is_dir()
    ]
    if not shelves and not wishes:
        faults.append(
            "nothing is lent: name a folder with --folder notes=PATH or a command with --command NAME='git status'"
        )
    runnable = dict[str, Runnable]()
    for each, wish in wishes.items():
        try:
            runnable[each] = command_of(each, wish.run, _place(each, wish, shelves))
        except ConfigError as error:
            faults += error.faults
    if not key:
        faults.append("--key-file: no key; make one by: agenthost keys create NAME --scopes local:lend")
    if faults:
        raise ConfigError(*faults)
    return LocalConfig(
        hub=hub or toml.hub or "http://127.0.0.1:8080",
        key=key,
        name=name or toml.name or _this_computer(),
        audit=Path(toml.audit).expanduser() if toml.audit else audit,
        yes_read=yes_read or toml.yes_read,
        folders=shelves,
        commands=runnable,
    )


def _folder(option: str) -> tuple[str, FolderWish]:
    """Read NAME=PATH[:ro]; on the command line a folder may be written to unless it says :ro."""
    name, found, path = option.partition("=")
    if not found or not path.removesuffix(READ_ONLY):
        raise ConfigError(f"--folder {option}: say it as NAME=PATH, or NAME=PATH:ro to have it read only")
    return name, FolderWish(path=path.removesuffix(READ_ONLY), write=not path.endswith(READ_ONLY))


def _command(option: str) -> tuple[str, CommandWish]:
    """Read NAME=WORDS or NAME@FOLDER=WORDS."""
    name, found, words = option.partition("=")
    if not found or not words.strip():
        raise ConfigError(f"--command {option}: say it as NAME='git status', or NAME@FOLDER='git status'")
    name, _, folder = name.partition("@")
    return name, CommandWish(run=words, folder=folder)


def _place(name: str, wish: CommandWish, shelves: Mapping[str, FolderWish]) -> Path:
    """Return where a command runs: in a lent folder by its name, in a path, or here."""
    place = _path(shelves[wish.folder].path if wish.folder in shelves else wish.folder or ".")
    if not place.is_dir():
        raise ConfigError(f"commands.{name}.folder: there's no folder {wish.folder!r}, neither lent nor as a path")
    return place


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _this_computer() -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", socket.gethostname().partition(".")[0]).strip("-")[:32]
    return name if NAME.fullmatch(name) else "computer"
