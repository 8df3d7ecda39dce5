"""What people say to be let in, to let others in, and to be known by several accounts."""

from collections.abc import Awaitable, Callable, Mapping

from hub.errors import NotFound, PersonError
from hub.flow.codes import LENGTH, is_code
from hub.flow.leave import Leave
from hub.flow.pairing import Pairings
from hub.flow.said import Said
from hub.ports import Bridge, Store
from hub.records import Person

HELLO = (
    "Hello! Write to me as you would to a person: I keep every message, find out which of your tasks it's about, and"
    " answer. /help lists what else I know."
)
ALONE = "Write that to me alone, not in a group: it's about you only."


class Doors:
    """Obeys the commands about who's who."""

    def __init__(self, store: Store, pairings: Pairings, bridges: Mapping[str, Bridge], leave: Leave) -> None:
        self._store = store
        self._pairings = pairings
        self._bridges = bridges
        self._leave = leave

    @property
    def commands(self) -> dict[str, Callable[[Said], Awaitable[str]]]:
        """Return what it obeys, by name."""
        return {
            "start": self._start,
            "pair": self._pair,
            "unlink": self._unlink,
            "approve": self._approve,
            "deny": self._deny,
            "whoami": self._whoami,
        }

    async def _start(self, said: Said) -> str:
        return await self._pair(said) if is_code(said.rest) else HELLO

    async def _pair(self, said: Said) -> str:
        if said.message.author is not None:
            return ALONE
        if not said.rest:
            return await self._new_code(said)
        if await self._pairings.redeemed(said.message, said.rest):
            return f"This account is yours from now on, {(await self._author(said)).name}: I know you here as well."
        if (await self._author(said)).role == "owner":
            try:
                return await self._approve(said)
            except NotFound:
                pass
        person = await self._pairings.redeem_known(said.message, said.rest)
        if person is None:
            raise PersonError("I don't know that code, or its hour is over; /pair alone gives you a new one.")
        return f"This account is {person.name}'s from now on."

    async def _new_code(self, said: Said) -> str:
        code = await self._pairings.code_for(said.message.tenant, said.message.person)
        links = [bridge.info.invite.format(code=code) for bridge in self._bridges.values() if bridge.info.invite]
        text = f"Your code is {code}, good for an hour. Write `/pair {code}` to me from your other account."
        return "\n".join((text, *(f"Or open {link}" for link in links)))

    async def _unlink(self, said: Said) -> str:
        message = said.message
        if message.author is not None:
            return ALONE
        accounts = await self._pairings.accounts(message.tenant, message.person)
        if not said.rest:
            lines = [f"- `/unlink {link.bridge} {link.sender}`" for link in accounts]
            return "\n".join(lines) or "No account is linked to you."
        bridge, _, sender = said.rest.partition(" ")
        found = [link for link in accounts if link.bridge == bridge and sender.strip() in {"", link.sender}]
        if len(found) != 1:
            raise PersonError("Which account? `/unlink` alone lists yours.")
        await self._pairings.unlink(message.tenant, found[0].bridge, found[0].sender)
        return f"{found[0].sender} on {found[0].bridge} isn't yours any more."

    async def _approve(self, said: Said) -> str:
        if _about_call(said):
            return await self._leave.obey(said, approve=True)
        await self._check_owner(said)
        person = await self._pairings.approve(said.message.tenant, said.rest)
        return f"{person.name} is let in."

    async def _deny(self, said: Said) -> str:
        if _about_call(said):
            return await self._leave.obey(said, approve=False)
        await self._check_owner(said)
        pairing = await self._pairings.deny(said.message.tenant, said.rest)
        return f"{pairing.name or pairing.sender} isn't let in."

    async def _whoami(self, said: Said) -> str:
        message, author = said.message, await self._author(said)
        group = await self._store.person(message.tenant, message.person) if message.author else None
        where = f", in the group {group.name}" if group else ""
        return (
            f"You are {author.name} ({author.role}), writing from {message.address.bridge}, chat"
            f" {message.address.chat}{where}."
        )

    async def _author(self, said: Said) -> Person:
        message = said.message
        person = await self._store.person(message.tenant, message.author or message.person)
        if person is None:
            raise PersonError("I don't know you any more.")
        return person

    async def _check_owner(self, said: Said) -> None:
        if (await self._author(said)).role != "owner":
            raise PersonError("Only the owner of this hub lets people in.")


def _about_call(said: Said) -> bool:
    """Say whether it's a tool call that's approved or denied, the only one or a task's; codes have eight letters."""
    number = said.rest.lstrip("#")
    return not number or (number.isdecimal() and len(number) < LENGTH)
