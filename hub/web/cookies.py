"""The hub's cookies: out of scripts' reach and of other sites', and over https out of every other host's as well."""

from typing import Literal

from litestar.datastructures import Cookie

from hub.config import Config

SESSION = "agenthost_session"
STEP = "agenthost_step"
"""How far somebody has come who's signing in."""
WAY = "agenthost_way"
"""Of whom a browser was sent to an identity provider."""
DEVICE = "agenthost_device"
"""Makes a browser known from which somebody signed in."""
LANGUAGE = "agenthost_language"
"""What the site is shown in, as somebody chose; scripts set it, too."""
HOST = "__Host-"
"""Browsers take a cookie with a name that begins so only from this very host, over https."""


def is_secure(config: Config) -> bool:
    """Say whether people reach the hub by https."""
    return config.hub.url.startswith("https://")


def name_of(config: Config, name: str) -> str:
    """Return what a cookie is really called."""
    return f"{HOST}{name}" if is_secure(config) else name


def a_cookie(
    config: Config, name: str, value: str, seconds: int, same_site: Literal["strict", "lax"] = "strict"
) -> Cookie:
    """Return a cookie to set; with no value it's to be forgotten."""
    return Cookie(
        key=name_of(config, name),
        value=value,
        max_age=seconds if value else 0,
        path="/",
        httponly=True,
        samesite=same_site,
        secure=is_secure(config),
    )


def language_cookie(config: Config, code: str) -> Cookie:
    """Return the cookie that says what the site is shown in. It's no secret: pages set it themselves."""
    return Cookie(key=LANGUAGE, value=code, max_age=365 * 24 * 3600, path="/", samesite="lax", secure=is_secure(config))
