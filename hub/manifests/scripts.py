"""Scripts: each a folder with script.toml and main.py, whose function `main` is one tool.

The program is read as text here and never imported: it only ever runs in Monty, in a process of its own.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hub.errors import ManifestError
from hub.manifests.permissions import Permissions, fault
from hub.manifests.plugins import PROGRAM_CHARACTERS, Plugin, Shown, ToolManifest
from hub.manifests.reading import Tags, common_faults, read, refuse, text

MANIFEST = "script.toml"
PROGRAM = "main.py"
FUNCTION = "main"
MISSING = f"a script is a folder with {MANIFEST} and {PROGRAM}"


class _Manifest(Struct, frozen=True, kw_only=True):
    name: str
    version: str
    description: str
    tags: Tags = ()
    words: Annotated[tuple[str, ...], Meta(min_length=1, max_length=50)]
    examples: Annotated[tuple[Shown, ...], Meta(min_length=1, max_length=6)]
    others: Annotated[tuple[str, ...], Meta(min_length=1, max_length=6)]
    effect: Literal["none", "idempotent", "keyed", "once"] = "none"
    permissions: Permissions = Permissions()


def load_script(folder: Path) -> Plugin:
    """Read a script from a folder that is called what the script is called; raises ManifestError.

    It's a plugin with one tool, called as the script is, with _ for hyphens.
    """
    path = folder / MANIFEST
    manifest = read(path, _Manifest, missing=MISSING)
    refuse(
        path,
        manifest,
        common_faults(manifest.name, manifest.version, manifest.description),
        folder.absolute().name,
    )
    if wrong := fault(manifest.permissions):
        raise ManifestError(f"{path}: permissions.{wrong}")
    program = text(folder / PROGRAM, MISSING)
    if len(program) > PROGRAM_CHARACTERS:
        raise ManifestError(f"{folder / PROGRAM}: {len(program)} characters; {PROGRAM_CHARACTERS} are the most")
    tool = ToolManifest(
        words=manifest.words, examples=manifest.examples, others=manifest.others, effect=manifest.effect
    )
    return Plugin(
        name=manifest.name,
        version=manifest.version,
        description=manifest.description,
        tools={manifest.name.replace("-", "_"): tool},
        permissions=manifest.permissions,
        program=program,
        path=str(folder / PROGRAM),
        function=FUNCTION,
    )


def load_scripts(folders: Iterable[Path]) -> dict[str, Plugin]:
    """Read every script below these folders, by name; one in a later folder takes the place of its namesake.

    A folder without script.toml is passed over; a folder that isn't there, or a broken script, raises ManifestError.
    """
    scripts = {}
    for folder in folders:
        if not folder.is_dir():
            raise ManifestError(f"{folder}: no such folder; create it or take it out of packages.folder")
        for path in sorted(folder.glob(f"*/{MANIFEST}")):
            script = load_script(path.parent)
            scripts[script.name] = script
    return scripts
