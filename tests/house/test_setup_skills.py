"""The published skills in set-up: each folder with SKILL.md taken out of its wheel, and nothing else of it."""

import zipfile
from pathlib import Path

from make.skills import take_out


def test_skills_are_taken_out_of_wheels_and_nothing_else(tmp_path: Path) -> None:
    wheel = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("thing/skills/pdf/SKILL.md", "Hi")
        archive.writestr("thing/skills/pdf/references/a.md", "A")
        archive.writestr("thing/code.py", "import os")
        archive.writestr("thing/skills/../../evil/SKILL.md", "Hi")

    take_out([wheel], tmp_path / "out")

    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert found == ["thing/pdf/SKILL.md", "thing/pdf/references/a.md"]
