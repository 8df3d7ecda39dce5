"""What the hub has without installing it: what ships with it, and what lies in the operator's own folders."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from hub.errors import ManifestError
from hub.packages.kinds import Kind, Sheet

Origin = Literal["shipped", "folder"]


class Own(Struct, frozen=True, kw_only=True):
    """Something of the hub's own, as its manifest tells it."""

    sheet: Sheet
    origin: Origin


def found(kinds: Iterable[Kind], folders: Mapping[Origin, Iterable[Path]]) -> tuple[Own, ...]:
    """Return what lies below these folders, by kind and name; one in a later folder takes the place of its namesake.

    Blocks. What can't be read is left out: the hub says so when it starts.
    """
    known: dict[tuple[str, str], Own] = {}
    for kind in kinds:
        for origin, roots in folders.items():
            for path in (path for root in roots for path in sorted(root.glob(f"*/{kind.manifest}"))):
                try:
                    sheet = kind.sheet(path.parent)
                except ManifestError:
                    continue
                known[sheet.kind, sheet.name] = Own(sheet=sheet, origin=origin)
    return tuple(known[key] for key in sorted(known))
