"""What `agenthost doctor` looks at on this machine: each check is a function that says what it found, and the fix."""

import importlib.util
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Literal

from msgspec import Struct

from hub.accounts import secret_file_of
from hub.cli import server
from hub.cli.folder import database, holder, opened
from hub.cli.place import OWNER_KEY
from hub.cli.words import size
from hub.config import MODEL_SHA256, Config, backends, embedded_model, misgivings, models_folder
from hub.databases import Server, database_of
from hub.errors import StartError
from hub.flow.alerts import LEAST_SPACE, LITTLE_SPACE, of_backup
from hub.packages.sandbox import Sandbox
from hub.reading import url_shown
from hub.store import migrations
from hub.store.backups import damage, last
from hub.tools.media import lacking
from hub.weights.names import Repo
from hub.weights.shelf import find

PATIENCE = timedelta(minutes=10)
"""A message that waits longer than this isn't just waiting for its turn."""
MODEL_SIZE = 98_362_432


class Finding(Struct, frozen=True, kw_only=True):
    """What a check found."""

    check: str
    state: Literal["ok", "warn", "fault"]
    text: str
    fix: str = ""


Check = Callable[[Config, Mapping[str, str]], Finding]


def python(config: Config, environ: Mapping[str, str], version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Is this Python new enough?"""
    told = ".".join(str(part) for part in version)
    if version < (3, 11):
        return fault("python", f"is {told}", "Install Python 3.11 or newer, then `make venv`.")
    return fine("python", told)


def model_paths(config: Config, environ: Mapping[str, str]) -> Finding:
    """Do the files and folders that the config names exist?"""
    found = misgivings(config)
    if found:
        return fault("config files", "; ".join(found), "Mend the path, or bring the file there.")
    return fine("config files", "what the config names is there")


def media(config: Config, environ: Mapping[str, str]) -> Finding:
    """Can the tools work that need a library and a model of their own?"""
    if lacks := lacking(config.tools):
        return warning(
            "tools", "; ".join(lacks), "Install it or bring the file there; until then the tool isn't offered."
        )
    return fine("tools", "what [tools] asks for is there")


def folder(config: Config, environ: Mapping[str, str]) -> Finding:
    """Can the data folder be written?"""
    data = config.data
    there = next(path for path in (data, *data.parents) if path.exists())
    if not there.is_dir():
        return fault("data folder", f"{there} isn't a folder", "Name another with --data or hub.data.")
    try:
        with tempfile.NamedTemporaryFile(dir=there) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        mend = f"Make {there} writable for this user (chown, chmod), or name another folder with --data or hub.data."
        return fault("data folder", f"{there} can't be written: {error.strerror}", mend)
    if not data.exists():
        return fine("data folder", f"{data} is made at the first start")
    if data.stat().st_mode & 0o077:
        return warning("data folder", f"others can look into {data}", f"chmod 700 {data}")
    return fine("data folder", str(data))


def space(config: Config, environ: Mapping[str, str]) -> Finding:
    """Is there room on the disk?"""
    there = next(path for path in (config.data, *config.data.parents) if path.exists())
    free = shutil.disk_usage(there).free
    text = f"{size(free)} free at {there}"
    if free < LEAST_SPACE:
        return fault("disk", text, "Make room: without it no message is accepted. What's kept already stays whole.")
    if free < LITTLE_SPACE:
        return warning("disk", text, "Make room soon.")
    return fine("disk", text)


def key_file(config: Config, environ: Mapping[str, str]) -> Finding:
    """Can only this user read the files with keys in them?"""
    named = [config.data / OWNER_KEY]
    files = [*(llm.key_file for _, llm in backends(config)), *map(secret_file_of, config.bridges)]
    named += [Path(file).expanduser() for file in files if file]
    lax = [str(path) for path in named if path.is_file() and path.stat().st_mode & 0o077]
    if lax:
        return fault("key files", f"others can read {', '.join(lax)}", f"chmod 600 {' '.join(lax)}")
    return fine("key files", "readable for you alone")


def clock(config: Config, environ: Mapping[str, str]) -> Finding:
    """Is the time now later than that of what's kept?"""
    kept = [path for path in (database(config), config.data / OWNER_KEY) if path.is_file()]
    newest = max((path.stat().st_mtime for path in kept), default=0.0)
    ahead = newest - time.time()
    if ahead > 60:
        mend = "Set the clock (`timedatectl set-ntp true`), then restart the hub."
        return fault("clock", f"what's kept was written {ahead / 60:.0f} minutes in the future", mend)
    return fine("clock", time.strftime("%Y-%m-%d %H:%M:%S %Z"))


def stored(config: Config, environ: Mapping[str, str]) -> Finding:
    """Is the database whole? Only while no hub works on it, for reading all of it takes time."""
    place = database_of(config.store, config.data)
    if isinstance(place, Server):
        return _server(place)
    path = place
    if not path.exists():
        return fine("database", "none yet: it's made at the first start")
    if revision := newer(path):
        mend = "Upgrade AgentHost, or restore a backup that this version made."
        return fault("database", f"{path} was written by a newer AgentHost (schema {revision})", mend)
    if holder(path):
        return fine("database", f"{path}: a hub has it open")
    if wrong := damage(path):
        mend = f"Keep a copy of {path}, then `agenthost restore BACKUP --data {config.data} --force`."
        return fault("database", f"{path} is damaged: {wrong}", mend)
    return fine("database", str(path))


def newer(path: Path) -> str:
    """Return a database's schema if this AgentHost doesn't know it, or nothing."""
    known = {each.name.partition("_")[0] for each in (Path(migrations.__file__).parent / "versions").glob("0*.py")}
    try:
        with opened(path) as connection:
            [revision] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError):
        return ""
    return "" if revision in known else str(revision)


def backup(config: Config, environ: Mapping[str, str]) -> Finding:
    """Is there a backup, and is it young enough?"""
    key = config.data / OWNER_KEY
    since = datetime.fromtimestamp(key.stat().st_mtime, UTC) if key.is_file() else None
    made_at, every = last(config.data), timedelta(days=config.alerts.backup_days)
    for alert in of_backup(made_at, since, datetime.now(UTC), every):
        return warning("backup", alert.text, alert.fix)
    return fine("backup", f"made on {made_at:%Y-%m-%d}" if made_at else "none yet, and nothing old to lose")


def _server(place: Server) -> Finding:
    try:
        found = server.ask(place)
    except StartError as error:
        what, _, mend = str(error).removeprefix("store.url: ").partition("; ")
        return fault("database", what, f"{mend[:1].upper()}{mend[1:]}." if mend else "See the server's log.")
    text = f"{place}: PostgreSQL {found.version}, {size(found.bytes)}, answers in {found.ms:.1f} ms"
    if found.known:
        return fine("database", text)
    return warning("database", f"{text}, schema {found.revision}", "A hub of this version upgrades it, if it's older.")


def llama(config: Config, environ: Mapping[str, str]) -> Finding:
    """Is llama.cpp there, if a model is to run on this machine?"""
    if config.llm.backend == "remote" and config.llm.decisions.backend != "llamacpp":
        return fine("llama.cpp", "isn't needed: the model is remote")
    if importlib.util.find_spec("llama_cpp"):
        return fine("llama.cpp", "installed")
    lacking = [name for name in ("gcc", "g++", "make") if not shutil.which(name, path=environ.get("PATH"))]
    mend = f"Install {', '.join(lacking)}, then `make venv`" if lacking else "`make venv` builds it"
    return fault("llama.cpp", "isn't installed", f'{mend}; or set [llm] backend = "remote", with url and model.')


def model(config: Config, environ: Mapping[str, str]) -> Finding:
    """Is the model's file there, and is it the right one?"""
    llm = config.llm
    if llm.backend == "remote":
        return fine("model", f"{llm.model} at {url_shown(llm.url)}")
    path = Path(llm.model).expanduser() if llm.model else embedded_model(environ)
    wanted = llm.sha256 or ("" if llm.model else MODEL_SHA256)
    mend = "Bring the file there again." if llm.model else f"Remove {path}, then `make venv` brings it again."
    repo = Repo.named(llm.model)
    if repo and not path.is_file():
        here = find(models_folder(environ), repo)
        if here is None:
            mend = f"`agenthost models pull {llm.model}`; or start the hub, which fetches it and keeps messages."
            return warning("model", f"{llm.model} isn't here yet", mend)
        path, wanted = Path(here.path), llm.sha256 or here.sha256
    return _file(path, wanted, mend, 0 if llm.model else MODEL_SIZE)


def _file(path: Path, wanted: str, mend: str, exact: int) -> Finding:
    """Look into a model's file, which has `exact` bytes if that's known."""
    if not path.is_file():
        return fault("model", f"{path} isn't there", mend)
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            return fault("model", f"{path} isn't a GGUF file", mend)
        if exact and path.stat().st_size != exact:
            return fault("model", f"{path} has {path.stat().st_size} bytes, not {exact}", mend)
        file.seek(0)
        if wanted and (found := file_digest(file, "sha256").hexdigest()) != wanted.lower():
            return fault("model", f"{path} isn't what it should be: its SHA-256 is {found}, not {wanted}", mend)
    return fine("model", f"{path}, {size(path.stat().st_size)}")


def sandbox(config: Config, environ: Mapping[str, str]) -> Finding:
    """Can programs of packages be confined?"""
    why_not = Sandbox(first_uid=config.packages.first_uid).why_not
    if not why_not:
        return fine("sandbox", "bubblewrap confines the programs of packages")
    if config.packages.allow_unsandboxed:
        text = f"programs of packages run with all of the hub's rights: {why_not}"
        return warning("sandbox", text, "Mend it, and take packages.allow_unsandboxed out of the config.")
    return warning(
        "sandbox", f"programs of packages don't run here: {why_not}", "Needed only for packages with programs."
    )


def queue(config: Config, environ: Mapping[str, str]) -> Finding:
    """Does a message wait longer than it should? Looked up in the database, so that a stuck hub can't hide it."""
    place = database_of(config.store, config.data)
    if isinstance(place, Path) and not place.exists():
        return fine("queues", "empty")
    try:
        count, oldest = _waiting(place)
    except (sqlite3.Error, StartError) as error:
        return warning("queues", f"can't be read: {error}", "Start the hub once: it brings the database up to date.")
    late = timedelta(seconds=time.time() - oldest / 1e6) if count and oldest else timedelta()
    if late > PATIENCE:
        text = f"{count} wait, the first since {late.total_seconds() / 60:.0f} minutes"
        mend = "Start the hub if it's down; else see the model's state, and the log of the hub."
        return fault("queues", text, mend)
    return fine("queues", f"{count} waiting")


def _waiting(place: Path | Server) -> tuple[int, int | None]:
    """Return how many entries are due, and since when the first; raises sqlite3.Error, StartError."""
    if isinstance(place, Server):
        found = server.ask(place)
        return found.waiting, found.oldest
    with opened(place) as connection:
        count, oldest = connection.execute(server.WAITING, {"now": time.time_ns() // 1000}).fetchone()
        return count, oldest


LOCAL: tuple[Check, ...] = (
    python,
    model_paths,
    media,
    folder,
    space,
    key_file,
    clock,
    stored,
    backup,
    queue,
    llama,
    model,
    sandbox,
)


def fine(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check=check, state="ok", text=text)


def warning(check: str, text: str, fix: str) -> Finding:
    """It works, but."""
    return Finding(check=check, state="warn", text=text, fix=fix)


def fault(check: str, text: str, fix: str) -> Finding:
    """It doesn't work."""
    return Finding(check=check, state="fault", text=text, fix=fix)
