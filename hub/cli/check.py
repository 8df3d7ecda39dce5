"""`agenthost check`: tells every fault of the config, or what would run."""

import os
from collections import Counter
from pathlib import Path

import rich_click as click
from msgspec import Struct

import bridges
from hub.accounts import BridgeAccount, TelegramAccount, kind_of, name_of
from hub.cli.place import config_path
from hub.cli.words import print_json
from hub.config import Backend, Config, load, misgivings, models_folder
from hub.databases import shown
from hub.errors import ConfigError
from hub.packages.sandbox import Sandbox
from hub.reading import url_shown
from hub.weights.names import Repo
from hub.weights.shelf import find


class Checked(Struct, frozen=True, kw_only=True):
    """What was found, for `--json`."""

    config: str | None
    faults: list[str]
    runs: dict[str, str]


@click.command(name="check")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="The config file [config.toml, if there]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(config: Path | None, as_json: bool) -> None:
    """Tell every fault of the config, each with its key and line; exit status 1 if there's one.

    More is checked than a start needs: a model's file that's missing doesn't keep the hub from accepting messages, but
    from answering them.
    """
    found = check(config_path(config))
    if as_json:
        print_json(found)
    elif found.faults:
        for fault in found.faults:
            click.echo(fault, err=True)
        click.echo(f"{len(found.faults)} {'fault' if len(found.faults) == 1 else 'faults'}", err=True)
    else:
        for name, value in found.runs.items():
            click.echo(f"{name + ':':<10} {value}")
        click.echo("No faults.")
    raise SystemExit(1 if found.faults else 0)


def check(path: Path | None) -> Checked:
    """Return a config's faults, or what would run by it."""
    faults: list[str] = []
    runs: dict[str, str] = {}
    try:
        config = load(path, os.environ)
    except ConfigError as error:
        faults += error.faults
    else:
        faults += [*misgivings(config), *_unloadable(config)]
        runs = summary(config, path)
    return Checked(config=str(path) if path else None, faults=[located(fault, path) for fault in faults], runs=runs)


def summary(config: Config, path: Path | None) -> dict[str, str]:
    """Say what would run."""
    llm = config.llm
    fallbacks = {f"or else {number}": _model(each) for number, each in enumerate(llm.fallback, 1)}
    return {
        "config": str(path) if path else "none: everything has its default",
        "listens": f"http://{config.hub.host}:{config.hub.port}",
        "data": str(config.data),
        "store": shown(config.store, config.data),
        "model": _model(llm),
        **fallbacks,
        "decisions": _model(llm.decisions) if llm.decisions.backend else "the small model that comes along",
        "agent": config.agents.default,
        "sandbox": _sandbox(config),
        "bridges": ", ".join(map(_account, config.bridges)) or "none",
        "log": f"{config.hub.log}, {config.hub.log_level}",
    }


def _model(llm: Backend) -> str:
    if llm.backend == "remote":
        return f"{llm.model} at {url_shown(llm.url)}"
    repo = Repo.named(llm.model)
    if repo and not Path(llm.model).is_file():
        here = find(models_folder(os.environ), repo)
        return here.path if here else f"{llm.model}, fetched from the Hugging Face Hub when the hub starts"
    return llm.model or "the small one that comes along"


def _sandbox(config: Config) -> str:
    why_not = Sandbox(first_uid=config.packages.first_uid).why_not
    if not why_not:
        return "bubblewrap"
    runs = "run with all of the hub's rights" if config.packages.allow_unsandboxed else "don't run"
    return f"none, programs of packages {runs}: {why_not}"


def _account(account: BridgeAccount) -> str:
    if isinstance(account, TelegramAccount):
        return f"{name_of(account)} (Telegram bot {account.token.partition(':')[0]}, {account.mode})"
    return f"{name_of(account)} (XMPP {'component' if account.component else 'account'} {account.jid})"


def _unloadable(config: Config) -> list[str]:
    faults: list[str] = []
    for kind in sorted(set(map(kind_of, config.bridges))):
        try:
            bridges.load(kind)
        except ConfigError as error:
            faults += error.faults
    return faults


def located(fault: str, path: Path | None) -> str:
    """Add the config file's line to a fault, if its key stands there."""
    if path is None or not path.is_file() or "(from the environment" in fault:
        return fault
    line = line_of(path.read_text(encoding="utf-8", errors="replace"), fault.partition(":")[0])
    return f"{fault} ({path}, line {line})" if line else fault


def line_of(text: str, key_path: str) -> int:
    """Return the line of a TOML file where a key or section stands as `[section]` and `key = ...`; 0 if it doesn't.

    A key that's missing from one of several sections (`bridges[0].token`) is looked for at that section's head.
    """
    section, heads = "", Counter[str]()
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.split("#")[0].strip()
        if stripped.startswith("["):
            section = stripped.strip("[] ").replace(" ", "")
            if stripped.startswith("[["):
                heads[section] += 1
                section += f"[{heads[section] - 1}]"
            lines.setdefault(section, number)
        elif key := stripped.partition("=")[0].replace(" ", ""):
            lines.setdefault(f"{section}.{key}" if section else key, number)
    head = key_path.rpartition(".")[0]
    return lines.get(key_path) or (lines.get(head, 0) if head.endswith("]") else 0)
