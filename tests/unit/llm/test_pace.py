"""Several threads are given up where others need the cores, and taken again when those are gone."""

from hub.llm.pace import PATIENCE, RETRY, TRIAL, Pace


class FakeThreads:
    def __init__(self) -> None:
        self.set: list[int] = []

    def threads(self, generation: int, batch: int) -> None:
        self.set.append(generation)


def test_many_slow_evaluations_in_a_row_leave_one_thread() -> None:
    threads = FakeThreads()
    pace = Pace(threads, 2, 2, speed=100.0)

    told = [pace.note(1, 0.05, now=0) for _ in range(PATIENCE + 5)]

    assert told.index(True) == PATIENCE - 1
    assert sum(told) == 1
    assert (threads.set, pace.threads) == ([1], 1)


def test_a_slow_evaluation_now_and_then_changes_nothing() -> None:
    threads = FakeThreads()
    pace = Pace(threads, 2, 2, speed=100.0)

    assert not any(pace.note(1, 0.05 if i % 10 else 0.01) for i in range(10 * PATIENCE))
    assert threads.set == []


def test_many_tokens_at_once_may_take_longer() -> None:
    pace = Pace(FakeThreads(), 2, 2, speed=100.0)

    assert not any(pace.note(64, 0.5) for _ in range(3 * PATIENCE))


def test_when_the_machine_is_quiet_again_more_threads_come_back() -> None:
    threads = FakeThreads()
    pace = Pace(threads, 2, 2, speed=100.0)
    for _ in range(PATIENCE):
        pace.note(1, 0.05, now=0)

    told = [pace.note(1, 0.011, now=RETRY - 1) for _ in range(20)]
    told += [pace.note(1, 0.006 if threads.set[-1] == 2 else 0.011, now=RETRY + 1) for _ in range(TRIAL + 2)]

    assert told[-1]
    assert sum(told) == 1
    assert pace.threads == 2


def test_on_a_machine_that_is_still_busy_a_trial_ends_with_its_first_slow_evaluation() -> None:
    threads = FakeThreads()
    pace = Pace(threads, 2, 2, speed=100.0)
    for _ in range(PATIENCE):
        pace.note(1, 0.05, now=0)

    slow = 0
    for second in range(600):
        tried = threads.set[-1] == 2
        slow += tried
        assert not pace.note(1, 0.2 if tried else 0.012, now=second)

    assert pace.threads == 1
    assert slow <= 5, "each try waits twice as long as the one before"


def test_measured_on_a_busy_machine_it_still_finds_out_that_more_pay() -> None:
    threads = FakeThreads()
    pace = Pace(threads, 1, 2, speed=40.0, now=0)

    for second in range(100):
        pace.note(1, 0.006 if threads.set[-1:] == [2] else 0.011, now=second)

    assert pace.threads == 2


def test_threads_that_somebody_wished_for_stay() -> None:
    threads = FakeThreads()
    pace = Pace(threads, 1, 1, speed=100.0)

    assert not any(pace.note(1, 5.0, now=second) for second in range(1000))
    assert threads.set == []
