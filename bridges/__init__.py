"""The hub's accounts on chat platforms: each kind's bridge, found by name and imported only when it's configured."""

from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

from hub.accounts import BridgeAccount
from hub.errors import ConfigError
from hub.ports import Bridge, Clock, Desk, Documents, Files

KINDS = {
    "telegram": ("bridges.telegram.late", "LateTelegramBridge"),
    "xmpp": ("bridges.xmpp.bridge", "XmppBridge"),
}
LATER = {"telegram": "aiogram"}
"""What a bridge reads only once it runs; whether it's there must be known before."""


class Build(Protocol):
    """Makes an account's bridge; it has no life before `run` or `probe`."""

    def __call__(
        self, account: BridgeAccount, *, files: Files, desk: Desk, documents: Documents, clock: Clock
    ) -> Bridge: ...


def load(kind: str) -> Build:
    """Return what makes bridges of a kind; raises ConfigError if a package that it stands on isn't installed."""
    module, name = KINDS[kind]
    try:
        if (later := LATER.get(kind)) and find_spec(later) is None:
            raise ModuleNotFoundError(name=later)
        return cast("Build", getattr(import_module(module), name))
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"bridges: kind {kind!r} needs the package {error.name}, which isn't installed; `make venv` installs what"
            " AgentHost needs, or leave that account out"
        ) from None
