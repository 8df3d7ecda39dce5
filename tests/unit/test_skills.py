"""Skills are read as they were published, and judged for publishing as the format's reference validator judges them."""

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from skills_ref.errors import ParseError
from skills_ref.parser import parse_frontmatter
from skills_ref.validator import validate, validate_metadata

from hub.errors import ManifestError
from hub.manifests import load_skill
from hub.manifests.skills import Flaw, plain_name, read_skill, tree
from hub.manifests.skills_strictly import faults, faults_in
from make.places import Places
from make.skills import skills_path

PUBLISHED = skills_path(Places.of(os.environ))
FOLDERS = sorted(path.parent for path in PUBLISHED.glob("*/*/SKILL.md"))
LEAST = 140
MUTATED = 1_000


def skill_md(*lines: str, body: str = "Do it.") -> str:
    return "\n".join(("---", *lines, "---", body))


# --- as published


def test_published_skills_are_here() -> None:
    if not FOLDERS and not os.environ.get("CI"):
        pytest.skip("they weren't fetched: make test does")

    assert len(FOLDERS) >= LEAST
    assert len({folder.parent.name for folder in FOLDERS}) == 3


def test_every_published_skill_loads_unchanged() -> None:
    for folder in FOLDERS:
        skill = load_skill(folder)

        assert skill.name
        assert skill.description
        assert skill.body


def test_every_published_skill_gets_the_verdict_of_the_reference_validator() -> None:
    different = [folder.name for folder in FOLDERS if bool(faults(folder)) != bool(validate(folder))]

    assert different == []


PIECES = st.sampled_from(
    (
        *(
            "name: pdf\n",
            "name:\n",
            "description: x\n",
            "description: a: b\n",
            "description: >\n  a\n  b\n",
            "a: b: c\n",
        ),
        *("metadata:\n  a: b\n", "metadata:\n  - a\n  - b: c\n", "metadata: {a: b}\n", "allowed-tools: [a, b]\n"),
        *(
            "compatibility:\n  - a\n",
            "x: &a y\n",
            "z: *a\n",
            "q: !!str 5\n",
            "# c\n",
            "\n",
            "  ",
            "\t",
            "? ",
            "- ",
            ": ",
        ),
        *('"', "'", "{", "}", "[", "]", "&", "*", "!", "|", ">", "%", "@", "`", "<<: x\n", "...\n", "%YAML 1.1\n"),
        *(
            "yes: no\n",
            "2026-01-01: 1:30\n",
            "metadata:\n  a:\n    b: c\n  d:\n      e: f\n",
            "  k: v\n",
            "é",
            "\\",
            "-",
        ),
    )
)
SEEDS = st.sampled_from(
    (
        skill_md("name: pdf", "description: x"),
        skill_md("name: pdf", "description: x", "metadata:", "  version: 1.0", "  a: b"),
        skill_md("name: pdf", "description: >-", "  long text", "  more: text", "license: MIT", "allowed-tools: Read"),
    )
)


@settings(max_examples=MUTATED, deadline=None, suppress_health_check=list(HealthCheck))
@given(SEEDS, st.lists(st.tuples(st.integers(4, 60), PIECES, st.booleans()), min_size=1, max_size=3))
def test_mutated_skills_get_the_verdict_of_the_reference_validator(
    seed: str, pieces: list[tuple[int, str, bool]]
) -> None:
    for place, piece, whole_line in pieces:
        at = seed.rfind("\n", 0, place) + 1 if whole_line else place
        seed = f"{seed[:at]}{piece}{seed[at:]}"
    ours = faults_in(seed, "pdf")

    # A key without a name is YAML 1.2's only, and nobody means it.
    assert bool(ours) == bool(by_reference(seed)) or "found ':'" in ours[0]


def by_reference(content: str) -> list[str]:
    try:
        metadata, _ = parse_frontmatter(content)
        return list(validate_metadata(metadata, Path("/skills/pdf")))
    except ParseError as error:
        return [str(error)]
    except AttributeError as error:
        # The reference breaks on a few broken texts.
        return [repr(error)]


# --- leniently


def test_a_value_with_a_colon_is_read_as_if_in_quotes() -> None:
    skill = read_skill(skill_md("name: pdf", "description: Fills forms: use it for PDFs, it's good"))

    assert skill.description == "Fills forms: use it for PDFs, it's good"
    assert "in quotes" in skill.odd[0]


def test_keys_of_its_own_and_a_name_that_no_package_has_are_told() -> None:
    skill = read_skill(skill_md("name: PDF Forms", "description: x", "homepage: y"))

    assert skill.name == "pdf-forms"
    assert "its name is 'PDF Forms', here it's called pdf-forms" in skill.odd
    assert "has keys of its own: homepage" in skill.odd


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("pdf-forms", "pdf-forms"),
        ("channel_message", "channel-message"),
        ("3d-print", "skill-3d-print"),
        ("", "skill"),
        ("../../etc", "etc"),
        ("a" * 90, "a" * 64),
        ("技能", "skill-99aea2f9"),
    ],
)
def test_a_skill_has_a_name_that_a_package_can_have(written: str, name: str) -> None:
    assert plain_name(written) == name


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        (["metadata:", "  version: 1.2.3"], "1.2.3"),
        (["metadata:", '  version: "1.0"'], "1.0.0"),
        (["version: v2"], "2.0.0"),
        (["metadata:", "  version: 2026-01-01"], "0.0.0+"),
        ([], "0.0.0+"),
    ],
)
def test_its_version_is_its_metadata_s_or_made_of_its_text(lines: list[str], version: str) -> None:
    assert read_skill(skill_md("name: pdf", "description: x", *lines)).version.startswith(version)


@pytest.mark.parametrize(
    "value", ["yes", "1:30", "2026-01-01", "2026-13-45 99:99", "0x1F", "1e999", "~", "null", "!!python/name:os.system"]
)
def test_no_text_becomes_anything_else(value: str) -> None:
    read = read_skill(skill_md(f"name: {value}", "description: x", f"license: {value}"))

    assert read.license in (value, "")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("# Hi", "must begin with front matter"),
        ("---\nname: x\ndescription: y\n", "has no end"),
        (skill_md("name: x"), "description: must be set"),
        (skill_md("name: x", "description: ''"), "description: must be set"),
        (skill_md("name: x", "description:", "  - y"), "description: must be set"),
        (skill_md("- name"), "isn't a list of keys and values"),
        (skill_md("description: x", "a: &a x", "b: [*a]"), "has an alias"),
        (skill_md("description: x", "[" * 50), "isn't YAML"),
        (skill_md("description: x", "k: " + "[" * 50 + "]" * 50), "within each other"),
        (skill_md("description: x", *(f"k{n}: v" for n in range(1_500))), "values"),
        (skill_md("description: x" + "y" * 30_000), "are the most"),
        (skill_md("description: x", body="y" * 200_001), "are the most"),
        (skill_md("description: \x07"), "isn't YAML"),
        (skill_md('description: "\\U99999999"'), "isn't YAML"),
    ],
)
def test_what_leaves_nothing_to_use_is_refused_in_words(content: str, told: str) -> None:
    with pytest.raises(Flaw, match=told):
        read_skill(content)


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    bomb += [f"{b}: &{b} [{', '.join(['*' + a] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    began = time.monotonic()

    with pytest.raises(Flaw, match="alias"):
        read_skill(skill_md("name: x", "description: y", *bomb))

    assert time.monotonic() - began < 20, "unfolded, it never ends"


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=300))
def test_no_front_matter_does_more_than_be_refused(front: str) -> None:
    for strictly in (True, False):
        with suppress(Flaw):
            tree(front, strictly=strictly)


def test_a_fault_names_the_file_from_the_skill_s_own_folder(tmp_path: Path) -> None:
    (tmp_path / "pdf").mkdir()
    (tmp_path / "pdf" / "SKILL.md").write_text("no front matter", encoding="utf-8")

    with pytest.raises(ManifestError, match=r"SKILL\.md: must begin with front matter"):
        load_skill(tmp_path / "pdf")


def test_what_readers_end_lines_at_differently_is_refused_for_publishing() -> None:
    assert "U+2028" in faults_in(skill_md("name: pdf", "description: a\u2028b"), "pdf")[0]
