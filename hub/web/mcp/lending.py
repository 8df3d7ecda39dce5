"""Agents' tools at /mcp: those that a key may have, and what becomes of a call."""

from collections.abc import Mapping

from bridges.http import convert
from hub.errors import NotFound
from hub.flow.direct import Lent, Outcome, Program
from hub.web.mcp.own import CHAT, OWN
from hub.web.problems import shown
from hub.web.programs import Visit, leave_words
from hub.web.wishes import agents_for

SCOPE = "messages:write"
"""Whoever may speak to an agent may have its tools called."""


async def lent_to(visit: Visit) -> Mapping[str, Lent]:
    """Return the tools of the agents that a key may wish for, by what they're called here."""
    if not visit.caller.may(SCOPE):
        return {}
    agents = [agent.name for agent in await agents_for(visit.services, visit.caller)]
    found: dict[str, Lent] = {}
    for lent in visit.services.business.direct.lent(agents):
        name = listed_name(lent.tool.name)
        if name not in OWN:
            found.setdefault(name, lent)
    return found


def listed_name(name: str) -> str:
    """Return a tool's name as all models' APIs take it: they know letters, digits, - and _, 64 at most."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "_" for letter in name)[:64]


async def call_lent(visit: Visit, name: str, arguments: Mapping[str, object]) -> Outcome:
    """Call one in the name of the key's person; raises PersonError."""
    lent = (await lent_to(visit)).get(name)
    if lent is None:
        raise NotFound(f"tool: there's no {shown(name)} that this key may call; tools/list lists them")
    caller = visit.caller
    by = Program(
        tenant=caller.tenant,
        person=caller.person,
        name=f"the key {caller.key.name!r}",
        address=convert.address(caller.person, CHAT),
    )
    return await visit.services.business.direct.call(by, lent, arguments)


def told(outcome: Outcome, base: str) -> str:
    """Return what came of a call, in words for a program's model."""
    if outcome.asked is None or outcome.task is None:
        return outcome.result
    number = outcome.task.number
    return (
        f"Not done yet. {leave_words(base, number)} Until {outcome.asked.expires_at.isoformat(timespec='minutes')}; "
        f"what came of it then is read by the tool task with {number}. Calling again changes nothing."
    )
