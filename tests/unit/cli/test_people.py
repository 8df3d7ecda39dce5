"""`agenthost people`: what's kept of a person goes into a file, or goes for good."""

import json
import zipfile
from pathlib import Path

from click.testing import CliRunner

from hub.__main__ import load
from hub.ports import Add
from hub.records import HOME, PersonId
from hub.testing import a_message, a_person
from tests.unit.cli.conftest import Running

BEA = PersonId("bea")


def known(hub: Running) -> None:
    hub.do(hub.hub.store.commit(Add(a_person(id=BEA, name="Bea", role="member")), Add(a_message(person=BEA))))


def test_a_person_is_exported_into_a_file_that_only_you_can_read(hub: Running, tmp_path: Path) -> None:
    known(hub)
    target = tmp_path / "bea.zip"
    done = CliRunner().invoke(load("people"), ["export", "bea", str(target)], env=hub.environ)
    again = CliRunner().invoke(load("people"), ["export", "bea", str(target)], env=hub.environ)
    nobody = CliRunner().invoke(load("people"), ["export", "eve", str(tmp_path / "eve.zip")], env=hub.environ)

    assert done.exit_code == 0, done.output
    assert "messages.jsonl" in zipfile.ZipFile(target).namelist()
    assert target.stat().st_mode & 0o777 == 0o600
    assert (again.exit_code, "exists already" in again.output) == (1, True)
    assert (nobody.exit_code, list(tmp_path.iterdir())) == (1, [target])


def test_a_person_is_erased_only_if_one_is_sure(hub: Running) -> None:
    known(hub)
    unsure = CliRunner().invoke(load("people"), ["erase", "bea"], env=hub.environ, input="n\n")
    there = hub.do(hub.hub.store.person(HOME, BEA))
    sure = CliRunner().invoke(load("people"), ["erase", "bea", "--yes"], env=hub.environ)

    assert (unsure.exit_code, there is not None) == (1, True)
    assert sure.exit_code == 0, sure.output
    assert "Erased: Bea" in sure.output
    assert hub.do(hub.hub.store.messages_of_person(HOME, BEA, limit=1)) == ()


def test_people_are_listed(hub: Running) -> None:
    known(hub)
    listed = CliRunner().invoke(load("people"), ["list", "--json"], env=hub.environ)

    assert {person["id"] for person in json.loads(listed.stdout)["items"]} == {"owner", "bea"}
