"""New streams out of labelled ones' dialogues."""

import itertools
import random
from functools import partial

import msgspec

from hub.evals.streams import Stream
from make.training.mixing import MOST_OPEN, Mixer, erring
from make.training.streams import Raw, items


def labelled(dialogues: int) -> Raw:
    """A stream of dialogues of three exchanges each, one after the other."""
    messages: list[Raw] = []
    for number, turn in itertools.product(range(dialogues), range(3)):
        about = {"gold_task": f"T{number + 1}"}
        kind = ("new", "stay", "switch")[turn]
        t = 40 * len(messages)
        messages.append(
            {"i": len(messages), "t": t, "role": "user", "text": f"asking {number} {turn}", "kind": kind, **about}
        )
        messages.append({"i": len(messages), "t": t + 5, "role": "agent", "text": f"answer {number} {turn}", **about})
    tasks = [{"task": f"T{n + 1}", "dialogue": f"d{n}", "services": [f"s{n % 2}"]} for n in range(dialogues)]
    return {"stream": "labelled", "tasks": tasks, "messages": messages}


def drawn(count: int, seed: int = 1) -> list[Raw]:
    return list(itertools.islice(Mixer([labelled(9)], random.Random(seed)).streams(), count))


def test_each_dialogue_is_there_whole_and_in_order() -> None:
    for stream in drawn(50):
        texts = [message["text"] for message in stream["messages"]]
        numbers = {text.split()[1] for text in texts}

        assert 2 <= len(numbers) <= 6
        for number in numbers:
            mine = [text for text in texts if text.split()[1] == number]
            assert mine == [f"{word} {number} {turn}" for turn in range(3) for word in ("asking", "answer")]


def test_streams_can_be_replayed_and_no_more_than_four_tasks_are_open() -> None:
    for stream in drawn(50):
        msgspec.convert(stream, Stream)
        left = {message["gold_task"]: 6 for message in stream["messages"]}
        begun: set[str] = set()
        for message in stream["messages"]:
            begun.add(message["gold_task"])
            assert sum(left[task] > 0 for task in begun) <= MOST_OPEN
            left[message["gold_task"]] -= 1


def test_the_same_seed_draws_the_same_streams() -> None:
    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(5, seed=2)


def test_an_erring_history_is_mostly_right() -> None:
    chance = random.Random(1)

    places = [
        erring(item, chance) in item.right
        for stream in drawn(50)
        for item in items(stream, partial(erring, chance=chance))
        if item.right and item.roster
    ]

    assert 0.85 < sum(places) / len(places) < 0.95
