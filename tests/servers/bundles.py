"""Servers that others published, packed as their users would pack them: with what they need, and a manifest."""

import io
import json
import os
import tempfile
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from py_compile import PycInvalidationMode, compile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from make.places import Places
from make.servers import servers_path

MODULES = servers_path(Places.of(os.environ)) / "node_modules"
RUNS = (".js", ".cjs", ".mjs", ".json")
"""Of a package from npm, what's needed when it runs."""
LARGEST = 10 * 1024 * 1024


def from_npm(package: str, entry: str, *arguments: str, config: dict[str, object] | None = None) -> bytes:
    """Return a bundle of a package from npm, with what it needs and no more."""
    files = {}
    for path in sorted(_needed(package)):
        for file in path.rglob("*"):
            inside = file.relative_to(path)
            if file.is_file() and file.suffix in RUNS and "node_modules" not in inside.parts:
                files[str(file.relative_to(MODULES.parent))] = file.read_bytes()
    program = f"${{__dirname}}/node_modules/{package}/{entry}"
    run: dict[str, object] = {"command": "node", "args": [program, *arguments], "env": {}}
    server: dict[str, object] = {"type": "node", "entry_point": f"node_modules/{package}/{entry}", "mcp_config": run}
    return packed(package, _version(MODULES / package), server, files, config)


def from_pypi(package: str, module: str, *arguments: str) -> bytes:
    """Return a bundle of a package from PyPI, with what it needs of this environment."""
    files: dict[str, bytes] = {}
    pure, above = io.BytesIO(), set[str]()
    with zipfile.ZipFile(pure, "w", zipfile.ZIP_DEFLATED) as archive:
        for found in _required(package):
            named = {str(path): Path(str(path.locate())) for path in found.files or () if ".." not in path.parts}
            if any(path.is_file() and path.stat().st_size > LARGEST for path in named.values()):
                continue  # More than a package's file may have; what's used here does without.
            compiled = any(path.endswith(".so") for path in named)
            for inside, path in named.items():
                if path.suffix == ".pyc" or not path.is_file():
                    continue
                # Compiled, as it would be where it may write: else every start compiles it all again.
                name, data = (f"{inside}c", _compiled(path)) if path.suffix == ".py" else (inside, path.read_bytes())
                if compiled:
                    files[f"lib/{name}"] = data
                else:
                    archive.writestr(name, data)
                    above |= {f"{folder}/" for folder in Path(inside).parents if folder != Path()}
        for folder in sorted(above):
            # Without it, Python sees no package there that several share.
            archive.writestr(folder, b"")
    # Python reads modules out of an archive, too: a package may have 2,000 files.
    files["pure.zip"] = pure.getvalue()
    env: dict[str, object] = {"PYTHONPATH": "${__dirname}/pure.zip:${__dirname}/lib"}
    run: dict[str, object] = {"command": "python", "args": ["-m", module, *arguments], "env": env}
    server: dict[str, object] = {"type": "python", "entry_point": "pure.zip", "mcp_config": run}
    return packed(package, distribution(package).version, server, files, None)


def _compiled(path: Path) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".pyc") as made:
        compile(str(path), cfile=made.name, doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        return Path(made.name).read_bytes()


def packed(
    name: str, version: str, server: dict[str, object], files: dict[str, bytes], config: dict[str, object] | None
) -> bytes:
    """Return files with a manifest as a zip file."""
    manifest = {
        "manifest_version": "0.3",
        "name": name,
        "version": version,
        "description": f"{name}, as published.",
        "author": {"name": "its authors"},
        "server": server,
        **({"user_config": config} if config else {}),
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {"manifest.json": json.dumps(manifest).encode(), **files}.items():
            archive.writestr(path, content)
    return data.getvalue()


def _needed(package: str, above: Path = MODULES) -> set[Path]:
    """Return the folders of a package and of all that it needs."""
    found: set[Path] = set()
    waiting = [above / package]
    while waiting:
        folder = waiting.pop()
        if folder in found:
            continue
        found.add(folder)
        manifest = json.loads((folder / "package.json").read_text())
        for name in manifest.get("dependencies", {}):
            # As Node looks for it: beside it, then further up.
            places = [place / "node_modules" / name for place in (folder, *folder.parents)]
            waiting.append(next(place for place in places if (place / "package.json").is_file()))
    return found


def _required(package: str) -> list[Distribution]:
    found: dict[str, Distribution] = {}
    waiting = [(package, frozenset[str]())]
    while waiting:
        name, extras = waiting.pop()
        name = canonicalize_name(name)
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for line in found[name].requires or ():
            need = Requirement(line)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                waiting.append((need.name, frozenset(need.extras)))
    return list(found.values())


def _version(folder: Path) -> str:
    """Return a version as we read it: theirs may have a zero before a number."""
    version = json.loads((folder / "package.json").read_text())["version"]
    return ".".join(str(int(part)) for part in version.split("."))
