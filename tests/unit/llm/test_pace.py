"""Several threads are given up where others need the cores."""

from hub.llm.pace import PATIENCE, Pace


class FakeThreads:
    def __init__(self) -> None:
        self.set: list[int] = []

    def threads(self, generation: int, batch: int) -> None:
        self.set.append(generation)


def test_many_slow_evaluations_in_a_row_leave_one_thread() -> None:
    threads = FakeThreads()
    pace = Pace(threads, 2, speed=100.0)

    told = [pace.note(1, 0.05) for _ in range(PATIENCE + 5)]

    assert told.index(True) == PATIENCE - 1
    assert sum(told) == 1
    assert (threads.set, pace.threads) == ([1], 1)


def test_a_slow_evaluation_now_and_then_changes_nothing() -> None:
    threads = FakeThreads()
    pace = Pace(threads, 2, speed=100.0)

    assert not any(pace.note(1, 0.05 if i % 10 else 0.01) for i in range(10 * PATIENCE))
    assert threads.set == []


def test_many_tokens_at_once_may_take_longer() -> None:
    pace = Pace(FakeThreads(), 2, speed=100.0)

    assert not any(pace.note(64, 0.5) for _ in range(3 * PATIENCE))
