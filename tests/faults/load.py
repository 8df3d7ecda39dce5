"""What people say to a hub under test, each message with a mark by which its answer is found."""

import random
from collections import Counter

from tests.faults.harness import World
from tests.faults.wire import Said


class Load:
    """Says things in many chats, each of its own kind."""

    def __init__(self, world: World, dice: random.Random | None = None) -> None:
        self._world = world
        self._dice = dice or random.Random(1)
        self._counts: Counter[int] = Counter()
        self.said: dict[str, Said] = {}
        """Every message, by its mark."""

    def say(self, messages: int) -> None:
        """Say so many things, each in some chat."""
        for _ in range(messages):
            chat = self._dice.randrange(len(self._world.chats))
            self._counts[chat] += 1
            mark = f"m{chat}x{self._counts[chat]}"
            self.said[mark] = self._say(chat, mark)

    def _say(self, chat: int, mark: str) -> Said:
        say, name = self._world.platform.say, self._world.chats[chat]
        match chat % 3:
            case 0:  # a thread is a task
                return say(name, f"And {mark}?", thread="one")
            case 1:  # each an errand of its own, with an effect
                return say(name, f"note {mark}", thread=mark)
            case _:  # the model says which task
                return say(name, f"What about {mark}?")
