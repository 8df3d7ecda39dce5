"""What an agent is told of a plugin's functions, read from the program without running it."""

import pytest

from hub.errors import ManifestError
from hub.manifests import Permissions, Plugin, Shown, ToolManifest
from hub.packages.signatures import signatures

TOOL = ToolManifest(words=("tea",), examples=(Shown(text="Make tea.", arguments={}),), others=("Hi",))
GOOD = '''
async def brew(kind: Literal["green", "black"], cups: int = 1, *, extras: list[str], key: str, hot: bool = True) -> str:
    """Brew some tea of a kind.

    More for people.
    """
'''


def plugin(program: str) -> Plugin:
    return Plugin(
        name="tea",
        version="1.0.0",
        description="Tea.",
        tools={"brew": TOOL},
        permissions=Permissions(),
        program=program,
        path="tea/plugin.py",
    )


def test_types_defaults_and_the_first_line_are_read() -> None:
    found = signatures(plugin(GOOD))["brew"]

    assert found.description == "Brew some tea of a kind."
    assert found.schema == {
        "type": "object",
        "properties": {
            "kind": {"enum": ["green", "black"]},
            "cups": {"type": "integer"},
            "extras": {"type": "array", "items": {"type": "string", "maxLength": 4000}, "maxItems": 100},
            "hot": {"type": "boolean"},
        },
        "required": ["kind", "extras"],
        "additionalProperties": False,
    }
    assert (found.waits, found.keyed) == (True, True)


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("def brew(:", "isn't Python"),
        ("def other(): ...", "brew: no such function; the manifest names it as a tool"),
        ("def brew() -> str: ...", "begin its docstring with one line of 11 to 119 characters"),
        ('def brew(*cups: int) -> str:\n    """Brew some tea."""', "name each one"),
        ('def brew(cups) -> str:\n    """Brew some tea."""', "cups has no type; annotate it"),
        ('def brew(cups: dict) -> str:\n    """Brew some tea."""', "an agent can't give a dict; use str"),
        ('def brew(cups: Literal[1]) -> str:\n    """Brew some tea."""', "an agent can't give a Literal"),
        ("(" * 10_000, "isn't Python"),
    ],
)
def test_a_fault_names_the_program_the_function_and_the_way_out(program: str, fault: str) -> None:
    with pytest.raises(ManifestError, match=fault) as caught:
        signatures(plugin(program))
    assert str(caught.value).startswith("tea/plugin.py: ")
