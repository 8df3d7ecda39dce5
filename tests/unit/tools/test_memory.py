"""What's remembered is found again, once, and by nobody else."""

import pytest

from hub.errors import ToolError
from hub.records import PersonId, TenantId
from hub.store.documents import MemoryDocuments
from hub.testing import FakeClock
from hub.tools.memory import LONGEST, Recall, Remember
from tests.unit.tools.calls import use


@pytest.fixture
def tools() -> tuple[Remember, Recall]:
    documents = MemoryDocuments()
    return Remember(FakeClock(), documents), Recall(documents)


async def test_a_fact_is_found_by_its_words(tools: tuple[Remember, Recall]) -> None:
    remember, recall = tools
    assert await use(remember, fact="my dog is called Rex") == "I have noted: my dog is called Rex"
    await use(remember, key="2", fact="my sister's birthday is on 9 May")

    assert await use(recall, words="What is my dog called?") == "You told me: my dog is called Rex"
    assert await use(recall, words="sister birthdays") == "You told me: my sister's birthday is on 9 May"


async def test_the_newest_of_equal_finds_comes_first_and_few_are_shown(tools: tuple[Remember, Recall]) -> None:
    remember, recall = tools
    for number in range(8):
        await use(remember, key=str(number), fact=f"my dog likes ball {number}")

    found = (await use(recall, words="dog")).splitlines()

    assert found == [f"You told me: my dog likes ball {number}" for number in (7, 6, 5, 4, 3)]


async def test_a_call_made_again_keeps_its_fact_once(tools: tuple[Remember, Recall]) -> None:
    remember, recall = tools
    for _ in range(3):
        await use(remember, key="turn-1:1", fact="my dog is called Rex")
    await use(remember, key="turn-2:1", fact="My dog is called Rex")

    assert await use(recall, words="") == "You told me: my dog is called Rex"


@pytest.mark.parametrize(
    "other",
    [{"person": PersonId("bob")}, {"tenant": TenantId("acme")}, {"agent": "cook"}],
    ids=["person", "tenant", "agent"],
)
async def test_nobody_finds_what_another_told(tools: tuple[Remember, Recall], other: dict[str, str]) -> None:
    remember, recall = tools
    await use(remember, fact="my dog is called Rex")

    with pytest.raises(ToolError, match="Nothing is kept"):
        await use(recall, words="dog", **other)  # type: ignore[arg-type]  # one of three ids


async def test_owners_whose_names_run_together_are_kept_apart(tools: tuple[Remember, Recall]) -> None:
    remember, recall = tools
    await use(remember, agent="a/b", person=PersonId("c"), fact="my dog is called Rex")

    with pytest.raises(ToolError, match="Nothing is kept"):
        await use(recall, agent="a", person=PersonId("b/c"), words="dog")


async def test_nothing_and_too_much_are_refused(tools: tuple[Remember, Recall]) -> None:
    remember, recall = tools
    with pytest.raises(ToolError, match="no fact to keep"):
        await use(remember, fact="  ")
    with pytest.raises(ToolError, match=str(LONGEST)):
        await use(remember, fact="x" * (LONGEST + 1))
    with pytest.raises(ToolError, match="Nothing is kept about that"):
        await use(recall, words="cat")


async def test_a_full_memory_is_said() -> None:
    documents = MemoryDocuments(quota=300)
    remember = Remember(FakeClock(), documents)
    await use(remember, fact="x")

    with pytest.raises(ToolError, match="memory is full"):
        await use(remember, key="2", fact="y" * 400)


@pytest.mark.parametrize(
    ("message", "fact"),
    [
        ("Remember that my dog is called Rex", "my dog is called Rex"),
        ("please remember: I am allergic to nuts.", "I am allergic to nuts"),
        ("Don't forget that the bins go out on Monday!", "the bins go out on Monday"),
        ("Note down: the wifi password is sunflower42", "the wifi password is sunflower42"),
    ],
)
def test_what_is_plainly_to_be_kept_is_read(message: str, fact: str) -> None:
    assert Remember(FakeClock(), MemoryDocuments()).read(message) == {"fact": fact}


@pytest.mark.parametrize(
    "message", ["Remember that", "Do you remember Rex?", "Remember when we met?", "hello", "I like you"]
)
def test_what_is_not_plainly_to_be_kept_is_not_read(message: str) -> None:
    assert Remember(FakeClock(), MemoryDocuments()).read(message) is None


def test_a_question_about_what_belongs_to_the_person_is_read() -> None:
    recall = Recall(MemoryDocuments())

    assert recall.read("What is my dog called?") == {"words": "dog"}
    assert recall.read("what's the wifi password I gave you?") == {"words": "wifi password gave"}
    assert recall.read("How do I boil an egg?") is None


@pytest.mark.parametrize("message", ["hello", "Tell me a joke", "What is the capital of France?", "Thanks!"])
def test_neither_is_offered_for_plain_talk(message: str) -> None:
    assert not Remember(FakeClock(), MemoryDocuments()).fits(message)
    assert not Recall(MemoryDocuments()).fits(message)
