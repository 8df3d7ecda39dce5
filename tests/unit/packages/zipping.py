"""Packages as their authors would send them."""

import io
import zipfile

PLUGIN = """
name = "{name}"
version = "{version}"
description = "Says what it is."
{more}
[tools.{tool}]
words = ["{name}"]
examples = [{{ text = "Ask {name}.", arguments = {{}} }}]
others = ["Hello"]
"""
PROGRAM = '''
def {tool}() -> str:
    """Say which plugin and version this is."""
    return "{name} {version}"
'''
DATA = '[permissions]\nfs = "data"\n'


def zipped(files: dict[str, str]) -> bytes:
    """Return an archive: the same bytes whenever it's made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            # Not the time of now, as by default: the same files are to be the same bytes.
            entry = zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def a_plugin(name: str = "echo", version: str = "1.0.0", *, tool: str = "", more: str = "", program: str = "") -> bytes:
    """Return a plugin with one tool, called as the plugin unless another name is given."""
    told = {"name": name, "version": version, "tool": tool or name, "more": more}
    return zipped(
        {"plugin.toml": PLUGIN.format(**told), "plugin.py": program or PROGRAM.format(**told), "README.md": "Hi"}
    )


def an_agent(name: str = "cook", version: str = "1.0.0") -> bytes:
    """Return an agent."""
    manifest = f'name = "{name}"\nversion = "{version}"\ndescription = "Cooks."\ntools = ["clock"]\n'
    return zipped({f"{name}/agent.toml": manifest, f"{name}/prompt.md": "You cook."})
