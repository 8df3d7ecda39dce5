"""Every port has one suite that all its implementations pass, the fake among them."""

import ast
import re

from tests.house.tree import ROOT, classes, files

# An ability that only some implementations of a port have is claimed in that port's suite.
ABILITIES = {
    "News": "feed",
    "Vetting": "egress",
    "Scoring": "llm",
    "Matching": "llm",
    "Reading": "tool",
    "Quoting": "tool",
    "Exemplary": "tool",
    "Material": "tool",
    "Retrying": "tool",
    "Foreign": "tool",
    "Outward": "tool",
    "Packaged": "tool",
    "Patient": "tool",
    "Pausing": "tool",
    "Parcels": "errands",
    "Naming": "tool",
    "Findable": "tool",
    "Lengthy": "tool",
    "Asking": "tool",
    "Filing": "tool",
    "ForAssignments": "tool",
    "OfTask": "tool",
    "Timely": "tool",
    "Resting": "tool",
    "Tracking": "tool",
    "Parting": "tool",
    "Personal": "tool",
    "Outlining": "errands",
    "Splits": "errands",
    "Drafting": "bridge",
    "Typing": "bridge",
    "Retracting": "bridge",
    "Editing": "bridge",
    "Threading": "bridge",
    "Hooked": "bridge",
    "Relayed": "bridge",
    "Probing": "bridge",
}
# Ports that need no suite, each with its reason.
WITHOUT: dict[str, str] = {
    "Clock": "one method that returns the time: there's nothing to promise beyond its type",
}


def test_every_port_has_a_contract_suite() -> None:
    without = [name for name in ports() if name not in WITHOUT and name not in ABILITIES and not suite(snake(name))]

    assert [f"{name}: tests/contracts/test_{snake(name)}.py is missing" for name in without] == []


def test_every_ability_is_claimed_in_its_ports_suite() -> None:
    unclaimed = [
        f"{ability}: not in test_{port}.py" for ability, port in ABILITIES.items() if ability not in suite(port)
    ]

    assert unclaimed == []


def test_exceptions_name_ports_that_exist() -> None:
    assert set() == (ABILITIES.keys() | WITHOUT.keys()) - set(ports())


def ports() -> list[str]:
    room = ROOT / "hub" / "ports"
    modules = files(room) if room.is_dir() else [room.with_suffix(".py")]
    found = [node for path in modules if path.suffix == ".py" for node in classes(path)]
    return [node.name for node in found if any(is_protocol(base) for base in node.bases)]


def is_protocol(base: ast.expr) -> bool:
    return isinstance(base, ast.Name) and base.id == "Protocol"


def suite(port: str) -> str:
    file = ROOT / "tests" / "contracts" / f"test_{port}.py"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
