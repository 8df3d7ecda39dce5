"""What people say to a hub under test, each message with a mark by which its answer is found."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Collection

from hub.testing.server import MARK
from tests.faults.harness import World
from tests.faults.wire import Said

KINDS = (0, 1, 2, 3, 4)
ASKED = re.compile(r"May I call `post` for #(\d+) ")


class Load:
    """Says things in many chats, each of its own kind."""

    def __init__(self, world: World, dice: random.Random | None = None, kinds: Collection[int] = KINDS) -> None:
        """`kinds` are those of what's said; each chat has its own."""
        self._world = world
        self._chats = [chat for chat in range(len(world.chats)) if chat % len(KINDS) in kinds]
        self._dice = dice or random.Random(1)
        self._counts: Counter[int] = Counter()
        self._looked = 0
        self._told = 0
        self._answered: set[str] = set()
        self._approved: set[str] = set()
        self.said: dict[str, Said] = {}
        """Every message, by its mark."""

    def say(self, messages: int) -> None:
        """Say so many things, each in some chat."""
        for _ in range(messages):
            chat = self._dice.choice(self._chats)
            mark = self._mark(chat)
            self.said[mark] = self._say(chat, mark)

    def plan(self, when: str) -> None:
        """Have something noted at a time."""
        chat = next(chat for chat in self._chats if chat % len(KINDS) == 3)
        mark = self._mark(chat)
        self.said[mark] = self._world.platform.say(self._world.chats[chat], f"/schedule {when} note {mark}")

    def _mark(self, chat: int) -> str:
        self._counts[chat] += 1
        return f"m{chat}x{self._counts[chat]}"

    def _say(self, chat: int, mark: str) -> Said:
        say, name = self._world.platform.say, self._world.chats[chat]
        match chat % len(KINDS):
            case 0:  # a thread is a task
                return say(name, f"And {mark}?", thread="one")
            case 1:  # each an errand of its own, with an effect
                return say(name, f"note {mark}", thread=mark)
            case 2:  # the model says which task
                return say(name, f"What about {mark}?")
            case 3:  # an assignment that waits for its time
                return say(name, f"/schedule in {self._dice.randint(1, 4)}s note {mark}")
            case _:  # a call that waits for leave
                return say(name, f"post {mark}", thread=mark)

    async def give_leave(self) -> None:
        """Approve each call that's asked about, once, until cancelled."""
        platform = self._world.platform
        while True:
            for delivery in platform.deliveries[self._looked :]:
                found = ASKED.search(delivery.text) if delivery.role == "notice" else None
                if found and delivery.message not in self._approved:
                    self._approved.add(delivery.message)
                    platform.say(delivery.chat, f"/approve {found[1]}")
            self._looked = len(platform.deliveries)
            await asyncio.sleep(0.05)

    @property
    def unanswered(self) -> set[str]:
        """Marks that no agent's answer has."""
        deliveries = self._world.platform.deliveries
        for delivery in deliveries[self._told :]:
            if delivery.role == "agent":
                self._answered.update(MARK.findall(delivery.text))
        self._told = len(deliveries)
        return self.said.keys() - self._answered

    @property
    def effects(self) -> set[str]:
        """Marks that belong into the book, once each."""
        return {mark for mark, said in self.said.items() if re.search(r"\b(note|post) m", said.text)}
