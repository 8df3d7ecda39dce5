"""What's kept is what the model's memory holds, and it's never another tenant's."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.llm.prefixes import SHORTEST, Kept, Prefixes, common


class FakeMemory:
    """The model's memory as a dict of lists."""

    def __init__(self, *, whole: bool = True) -> None:
        self.held: dict[int, list[int]] = {}
        self._whole = whole

    def evaluate(self, sequence: int, tokens: list[int]) -> None:
        self.held.setdefault(sequence, []).extend(tokens)

    def copy(self, source: int, target: int, upto: int) -> bool:
        assert not self.held.get(target), "the target is empty"
        self.held[target] = self.held[source][:upto]
        return self._whole

    def cut(self, sequence: int, start: int) -> bool:
        held = self.held.get(sequence, [])
        if self._whole or start == 0 or start >= len(held):
            self.held[sequence] = held[:start]
            return True
        self.held[sequence] = []
        return False


def turn(prefixes: Prefixes, memory: FakeMemory, tenant: str, tokens: list[int]) -> int:
    """Evaluate a prompt and keep it; return how many of its tokens were known."""
    kept = prefixes.take(tenant, tokens)
    assert kept
    known = len(kept.tokens)
    finish(memory, kept, tokens)
    prefixes.keep(kept, len(tokens))
    return known


def finish(memory: FakeMemory, kept: Kept, tokens: list[int]) -> None:
    new = tokens[len(kept.tokens) :]
    memory.evaluate(kept.number, new)
    kept.tokens += new


def test_a_longer_turn_evaluates_only_what_is_new() -> None:
    memory = FakeMemory()
    prefixes = Prefixes(memory, 4)
    system = list(range(100))

    assert turn(prefixes, memory, "a", system) == 0
    assert turn(prefixes, memory, "a", [*system, 7, 8, 9]) == 100
    assert turn(prefixes, memory, "a", [*system, 7, 8, 9]) == 102  # the last one is needed for what comes next


def test_two_chats_share_their_system_prompt_and_keep_what_is_their_own() -> None:
    memory = FakeMemory()
    prefixes = Prefixes(memory, 4)
    system = list(range(100))
    one, other = [*system, *range(200, 250)], [*system, *range(300, 350)]

    turn(prefixes, memory, "a", one)
    assert turn(prefixes, memory, "a", other) == 100
    assert turn(prefixes, memory, "a", [*one, 1]) == 150
    assert turn(prefixes, memory, "a", [*other, 1]) == 150


def test_nothing_is_shared_between_tenants() -> None:
    memory = FakeMemory()
    prefixes = Prefixes(memory, 4)
    tokens = list(range(100))

    turn(prefixes, memory, "a", tokens)
    assert turn(prefixes, memory, "b", tokens) == 0


def test_a_prefix_that_is_at_work_is_shared_too() -> None:
    memory = FakeMemory()
    prefixes = Prefixes(memory, 4)
    tokens = list(range(50))
    first = prefixes.take("a", tokens)
    assert first
    finish(memory, first, tokens)

    second = prefixes.take("a", [*tokens, 1, 2])

    assert second
    assert second is not first
    assert second.tokens == tokens


def test_when_all_sequences_are_at_work_there_is_none_to_take() -> None:
    prefixes = Prefixes(FakeMemory(), 2)
    assert prefixes.take("a", [1, 2, 3])
    assert prefixes.take("a", [4, 5, 6])
    assert prefixes.take("a", [7, 8, 9]) is None


def test_the_one_not_used_for_longest_is_forgotten_first() -> None:
    memory = FakeMemory()
    prefixes = Prefixes(memory, 3)
    old, new = list(range(100, 150)), list(range(200, 250))
    turn(prefixes, memory, "a", old)
    turn(prefixes, memory, "a", new)

    assert prefixes.evict()

    assert turn(prefixes, memory, "a", [*new, 1]) == 50
    assert turn(prefixes, memory, "a", [*old, 1]) == 0


def test_a_memory_that_cannot_forget_a_part_begins_anew() -> None:
    memory = FakeMemory(whole=False)
    prefixes = Prefixes(memory, 2)
    turn(prefixes, memory, "a", list(range(50)))

    assert turn(prefixes, memory, "a", [*range(45), 1, 2, 3]) == 0


def test_too_little_is_not_kept() -> None:
    memory = FakeMemory()
    prefixes = Prefixes(memory, 2)
    turn(prefixes, memory, "a", [1] * (SHORTEST - 1))

    assert not prefixes.evict()


tokens = st.lists(st.integers(0, 2), min_size=1, max_size=30)


@given(tokens, tokens)
def test_common_counts_what_two_lists_begin_with(first: list[int], second: list[int]) -> None:
    expected = 0
    while expected < min(len(first), len(second)) and first[expected] == second[expected]:
        expected += 1
    assert common(first, second) == expected


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), tokens, st.sampled_from(["keep", "drop", "hold", "evict"]), st.integers(0, 30)
        ),
        max_size=40,
    )
)
def test_what_is_kept_is_what_the_memory_holds(turns: list[tuple[str, list[int], str, int]]) -> None:
    memory = FakeMemory()
    prefixes = Prefixes(memory, 3)
    held: list[Kept] = []
    for tenant, wanted, then, upto in turns:
        kept = prefixes.take(tenant, wanted)
        if kept is None:
            prefixes.keep(held.pop(0), upto)
            continue
        assert kept.tenant == tenant
        assert len(kept.tokens) < len(wanted)
        assert kept.tokens == wanted[: len(kept.tokens)] == memory.held.get(kept.number, [])
        finish(memory, kept, wanted)
        match then:
            case "keep":
                prefixes.keep(kept, upto)
            case "drop":
                prefixes.drop(kept)
            case "evict":
                prefixes.keep(kept, upto)
                prefixes.evict()
            case _:
                held.append(kept)
        for other in held:
            assert memory.held[other.number] == other.tokens
