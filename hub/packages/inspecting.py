"""An archive -> what's in it and what it asks for: as a hub reads it, but by the rules for publishing, and unrun.

Nothing of this machine goes into it: no setting, no secret, no sandbox. Whoever publishes and whoever takes it in read
the same.
"""

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from hub.errors import ManifestError
from hub.manifests import load_plugin, load_script, load_skill, name_in, skills_strictly
from hub.manifests import plugins as plugin_manifests
from hub.manifests import scripts as script_manifests
from hub.manifests import skills as skill_manifests
from hub.manifests.servers import BUNDLE, server_name
from hub.manifests.servers import MANIFEST as SERVER
from hub.packages.agents import Agents
from hub.packages.archive import Entry, unpacked, write
from hub.packages.kinds import Readable, Sheet, kind_of
from hub.packages.plugins import located
from hub.packages.plugins import sheet_of as plugin_sheet
from hub.packages.servers import loaded
from hub.packages.servers import sheet_of as server_sheet
from hub.packages.skills import Skills
from hub.records import PackageKind

README = 100_000
"""Characters of what's shown of a package at length."""
LINE = 100
"""Characters of a licence's name."""
TAGS, TAG = 10, 30
"""The most tags, and characters of one."""
READMES = ("README.md", "readme.md", "Readme.md", "README.txt", "README")
LICENSES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "LICENCE.md", "LICENCE.txt", "COPYING")


class Inspected(Struct, frozen=True, kw_only=True):
    """What an archive holds."""

    sheet: Sheet
    entries: tuple[Entry, ...]
    readme: str = ""
    """Its README, or a skill's own instructions, as Markdown."""
    license: str = ""
    """In few words, as "MIT License"; empty: it doesn't say."""
    tags: tuple[str, ...] = ()
    """Words that it's to be found by."""


class Read:
    """A kind of package that's only read."""

    def __init__(
        self,
        kind: PackageKind,
        manifest: str,
        name: Callable[[bytes], str],
        sheet: Callable[[Path], Sheet],
        others: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self.manifest = manifest
        self.others = others
        self.name = name
        self.sheet = sheet


def _server(folder: Path) -> Sheet:
    server = loaded(folder)
    return server_sheet(server, server.tools)


KINDS: tuple[Readable, ...] = (
    Read(
        "plugin",
        plugin_manifests.MANIFEST,
        name_in,
        lambda folder: plugin_sheet(located(folder, load_plugin), "plugin"),
    ),
    Read(
        "script",
        script_manifests.MANIFEST,
        name_in,
        lambda folder: plugin_sheet(located(folder, load_script), "script"),
    ),
    Read("server", SERVER, server_name, _server, (BUNDLE,)),
    Agents(),
    Skills(),
)
"""As in `hub.packages.every`, and servers, but for reading alone."""


def inspected(archive: bytes) -> Inspected:
    """Return what an archive holds; raises ManifestError for what its author has to mend. Blocks."""
    with laid_out(archive) as (found, _):
        return found


@contextmanager
def laid_out(archive: bytes) -> Iterator[tuple[Inspected, Path]]:
    """Return what an archive holds, and a folder with its files that's gone afterwards; see `inspected`."""
    entries = unpacked(archive)
    kind, manifest = kind_of(entries, KINDS)
    with TemporaryDirectory(prefix="agenthost-", ignore_cleanup_errors=True) as around:
        try:
            folder = Path(around) / (kind.name(manifest.data) or "package")
            folder.mkdir(mode=0o700)
            write(entries, folder, durably=False)
            sheet = kind.sheet(folder)
            _check_skill(kind.kind, folder)
            found = _told(sheet, entries, manifest, folder)
        except RecursionError:
            raise ManifestError(f"{manifest.path}: is nested too deeply; make it plainer") from None
        yield found, folder


def _check_skill(kind: PackageKind, folder: Path) -> None:
    """Raise ManifestError for a skill that a hub can load, but that isn't to be published as it is."""
    faults = skills_strictly.faults(folder) if kind == "skill" else ()
    if faults:
        raise ManifestError(f"{skill_manifests.MANIFEST}: {faults[0].removeprefix(f'{skill_manifests.MANIFEST}: ')}")


def _told(sheet: Sheet, entries: tuple[Entry, ...], manifest: Entry, folder: Path) -> Inspected:
    files = {entry.path: entry for entry in entries}
    readme = next((_text(files[name]) for name in READMES if name in files), "")
    license = next((_first_line(_text(files[name])) for name in LICENSES if name in files), "")
    tags: tuple[str, ...] = ()
    if sheet.kind == "skill":
        skill = load_skill(folder)
        readme, license = readme or skill.body, skill.license or license
        tags = _skill_tags(_text(manifest))
    elif manifest.path == BUNDLE:
        bundle = json.loads(manifest.data)
        license = told if isinstance(told := bundle.get("license"), str) else license
        words = bundle.get("keywords")
        tags = _tags(words if isinstance(words, list) else [])
    else:
        tags = _tags(list(tomllib.loads(manifest.data.decode()).get("tags", ())))
    return Inspected(
        sheet=sheet, entries=entries, readme=readme[:README], license=" ".join(license.split())[:LINE], tags=tags
    )


def _skill_tags(text: str) -> tuple[str, ...]:
    keys = skill_manifests.tree(text.split("---", 2)[1], strictly=True)
    metadata = keys.get("metadata") if isinstance(keys, dict) else None
    words = metadata.get("tags", "") if isinstance(metadata, dict) else ""
    return _tags(words.split(",") if isinstance(words, str) else words if isinstance(words, list) else [])


def _tags(words: list[object] | list[str] | list[skill_manifests.Tree]) -> tuple[str, ...]:
    plain = [" ".join(word.lower().split()) for word in words if isinstance(word, str)]
    return tuple(dict.fromkeys(word for word in plain if 0 < len(word) <= TAG))[:TAGS]


def _text(entry: Entry) -> str:
    return entry.data[: README * 4].decode("utf-8", "replace").removeprefix("\ufeff")


def _first_line(text: str) -> str:
    return next((line.strip(" #*=-") for line in text.splitlines() if line.strip(" #*=-")), "")
