"""[site]: what the web site is called and how it looks, for a hub that goes by a name of its own."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from hub.colours import fault_of
from hub.logos import Logo, LogoRefused, logo_of

LONGEST = 40


class SiteConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[site]: name, colours and logo; what's empty is AgentHost's."""

    name: str = ""
    accent: str = ""
    """As #0f766e; words of it have to be readable in light pages."""
    accent_dark: str = ""
    """For dark pages; empty: the nearest shade of `accent` that can be read there."""
    logo: str = ""
    """The path of an SVG, PNG or WebP file."""


def faults(site: SiteConfig) -> Iterator[str]:
    """Return what can't be used, a line for each, starting with its key path."""
    if fault := name_fault(site.name):
        yield f"site.name: {fault}"
    if site.accent and (fault := fault_of(site.accent)):
        yield f"site.accent: {fault}"
    if site.accent_dark and (fault := fault_of(site.accent_dark, dark=True)):
        yield f"site.accent_dark: {fault}"
    if site.accent_dark and not site.accent:
        yield "site.accent_dark: set without site.accent; give that for light pages, too"
    if site.logo:
        try:
            read_logo(site)
        except OSError:
            yield f"site.logo: {site.logo!r} can't be read; create it or mend its rights"
        except LogoRefused as error:
            yield f"site.logo: {site.logo!r} {error}"


def read_logo(site: SiteConfig) -> Logo | None:
    """Return the site's logo; raises OSError and LogoRefused."""
    return logo_of(Path(site.logo).expanduser().read_bytes()) if site.logo else None


def name_fault(name: str) -> str:
    """Return what keeps a name from standing on pages, and the way out; empty if nothing does."""
    if len(name) > LONGEST:
        return f"has {len(name)} characters, {LONGEST} are the most; shorten it"
    if not name.isprintable() or name != name.strip():
        return f"{name!r} has what can't be printed, or a blank at an end; write it plainly"
    return ""
