"""Litestar with what our endpoints use of it."""

from litestar import Litestar
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin


class Web(Litestar):
    """An application that knows msgspec's classes alone.

    Left to itself it loads pydantic and attrs, in case that an endpoint takes or gives one of theirs. None does, and
    a hub would start a tenth of a second later for it.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]
