"""New streams out of the labelled ones' dialogues, by the recipe that the labelled ones were made with.

The recipe is in the data's README: two to six dialogues, at most four open at once, a person who mostly stays with
what they're at. Gaps between messages are drawn from the labelled streams.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from hub.evals.streams import Item
from hub.flow.evidence import content
from make.training.streams import Raw

COUNTS, SHARES = (2, 3, 4, 5, 6), (0.2, 0.3, 0.25, 0.15, 0.1)
MOST_OPEN = 4
STAYS, STARTS, TWINS, SHORT_STAYS = 0.65, 0.45, 0.45, 0.7
MISTAKES = 0.1
"""How many messages go astray in a history that is made to look like an erring router's."""


class Mixer:
    """Draws streams without end from the dialogues of some labelled streams of one source."""

    def __init__(self, labelled: Sequence[Raw], chance: random.Random) -> None:
        self._chance = chance
        self._dialogues: dict[str, list[tuple[str, str]]] = {}
        self._services: dict[str, set[str]] = {}
        self._gaps: dict[str, list[int]] = defaultdict(list)
        self._made = 0
        for stream in labelled:
            self._take_apart(stream)

    def streams(self) -> Iterator[Raw]:
        while True:
            yield self._stream()

    def _take_apart(self, stream: Raw) -> None:
        names = {task["task"]: task["dialogue"] for task in stream["tasks"]}
        said: dict[str, list[str]] = defaultdict(list)
        before = 0
        for message in stream["messages"]:
            said[names[message["gold_task"]]].append(message["text"])
            self._gaps[message.get("kind", "agent")].append(message["t"] - before)
            before = message["t"]
        for task in stream["tasks"]:
            words = said[task["dialogue"]]
            self._dialogues[task["dialogue"]] = list(zip(words[::2], words[1::2], strict=True))
            self._services[task["dialogue"]] = set(task["services"])

    def _pick(self) -> list[str]:
        chance = self._chance
        picked = chance.sample(list(self._dialogues), chance.choices(COUNTS, SHARES)[0])
        if chance.random() < TWINS:
            services = self._services[picked[0]]
            twins = [name for name, has in self._services.items() if has & services and name not in picked]
            picked[-1] = chance.choice(twins) if twins else picked[-1]
        chance.shuffle(picked)
        return picked

    def _stream(self) -> Raw:
        self._made += 1
        picked = self._pick()
        left = {name: list(self._dialogues[name]) for name in picked}
        waiting, numbers, messages = list(picked), dict[str, str](), list[dict[str, Any]]()
        now, current = 0, ""
        while any(left.values()):
            before, current = current, self._next(current, left, waiting)
            if current in waiting:
                waiting.remove(current)
                numbers[current] = f"T{len(numbers) + 1}"
                kind = "new"
            else:
                kind = "stay" if current == before else "switch"
            now += self._chance.choice(self._gaps[kind]) if messages else 0
            asked, answered = left[current].pop(0)
            about = {"gold_task": numbers[current]}
            messages.append({"i": len(messages), "t": now, "role": "user", "text": asked, "kind": kind, **about})
            now += self._chance.choice(self._gaps["agent"])
            messages.append({"i": len(messages), "t": now, "role": "agent", "text": answered, **about})
        return {"stream": f"mixed-{self._made}", "messages": messages}

    def _next(self, current: str, left: dict[str, list[tuple[str, str]]], waiting: list[str]) -> str:
        chance = self._chance
        stays = bool(current and left[current])
        others = [name for name, turns in left.items() if turns and name not in waiting and name != current]
        if stays and chance.random() < STAYS:
            return current
        may_start = waiting and len(others) + stays < MOST_OPEN
        if may_start and (not others or chance.random() < STARTS):
            chosen = waiting[0]
        elif others:
            chosen = chance.choice(others)
        else:
            return current
        if stays and not content(left[chosen][0][0]) and chance.random() < SHORT_STAYS:
            return current
        return chosen


def erring(item: Item, chance: random.Random) -> int:
    """Choose a place as a router does that now and then errs."""
    many = len(item.roster)
    if not many:
        return 0
    if not item.right:
        # What its task should have been was never founded: half of the time it is now.
        return many if chance.random() < 0.5 else 0
    if chance.random() >= MISTAKES:
        return item.right[0]
    wrong = [place for place in range(many + 1) if place not in item.right]
    return chance.choices(wrong, [0.5**place for place in wrong[:-1]] + [0.3 if wrong[-1] == many else 0.1])[0]
