"""What people plan by saying when, look at, change and give up; each in their own time zone."""

import pytest

from hub.errors import StoreUnavailable
from hub.records import HOME, OWNER, Task, TaskId
from hub.store.memory import MemoryStore
from hub.testing import ScriptedLLM
from tests.stories.day import Day, until


async def answer(day: Day, text: str) -> str:
    """Say something to the hub and return what it answers."""
    return "\n".join(await day.replies(await day.says(text)))


async def test_what_is_understood_is_confirmed_with_its_next_time_and_a_button_to_cancel_it() -> None:
    async with Day(ScriptedLLM()) as day:
        said = await day.says("/schedule every weekday at 8 send me the news")
        [confirmed] = await day.store.replies(said.id)
        assert confirmed.text == (
            "#1 send me the news: every weekday at 08:00, next Mon 2026-11-23 08:00 UTC."
            " `/schedule change 1 WHEN` changes it."
        )
        [cancel] = confirmed.choices
        assert cancel.text == "Cancel it"
        assert await day.hub.questions.choose(confirmed, cancel.id, OWNER) == "#1 send me the news – canceled"
        assert (await day.task(1)).schedule is None
        assert await day.hub.questions.choose(confirmed, cancel.id, OWNER) == "#1 send me the news – canceled"


async def test_a_number_that_is_said_later_does_not_press_the_button() -> None:
    async with Day(ScriptedLLM("One what?")) as day:
        await day.says("/schedule every weekday at 8 send me the news")
        await day.says("1", wish="new")
        assert (await day.task(1)).schedule is not None


async def test_what_may_mean_two_times_is_asked_and_planned_as_it_is_chosen() -> None:
    async with Day(ScriptedLLM()) as day:
        said = await day.says("/schedule tomorrow at 8 or 9 call Ann")
        [asked] = await day.store.replies(said.id)
        assert [choice.text for choice in asked.choices] == ["Mon 2026-11-23 08:00 UTC", "Mon 2026-11-23 09:00 UTC"]
        assert await day.store.tasks(HOME, OWNER) == ()

        chosen = await day.says("2")
        assert (await day.replies(chosen))[0].startswith("#1 call Ann: due Mon 2026-11-23 09:00 UTC")
        assert len(await day.store.tasks(HOME, OWNER)) == 1


async def test_what_is_planned_is_listed_changed_and_given_up() -> None:
    async with Day(ScriptedLLM()) as day:
        assert "Nothing is planned" in await answer(day, "/schedule")
        await day.says("/schedule every weekday at 8 send me the news")
        await day.says("/schedule in 20 minutes check the oven")
        assert await answer(day, "/schedule") == (
            "- #2 check the oven – due Sun 2026-11-22 12:20 UTC\n"
            "- #1 send me the news – every weekday at 08:00, next Mon 2026-11-23 08:00 UTC\n"
            "`/schedule cancel N` ends one, `/schedule change N WHEN` moves it."
        )
        assert "- Comes every weekday at 08:00, next Mon 2026-11-23 08:00 UTC" in await answer(day, "/task 1")
        changed = await answer(day, "/schedule change 1 to every Monday and Thursday at 18:30")
        assert changed == "#1 send me the news: every Monday and Thursday at 18:30, next Mon 2026-11-23 18:30 UTC."
        assert "due Mon 2026-11-23 09:00" in await answer(day, "/schedule change 2 tomorrow at 9")
        assert "won't come any more" in await answer(day, "/schedule cancel 2")
        assert "#2" not in await answer(day, "/schedule list")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/schedule every weekday at 8", "what's to be done then"),
        ("/schedule soon call Ann", "say when and what"),
        ("/schedule weekly call mum", "leaves open on which day"),
        ("/schedule cancel 7", "There's no task 7"),
        ("/timezone Atlantis", "none is known for 'Atlantis'"),
    ],
)
async def test_what_is_not_understood_is_asked_for_in_words(text: str, words: str) -> None:
    async with Day(ScriptedLLM()) as day:
        assert words in await answer(day, text)


async def test_a_persons_times_are_those_of_the_zone_that_they_chose() -> None:
    async with Day(ScriptedLLM()) as day:
        assert await answer(day, "/timezone") == (
            "Sun 2026-11-22 12:00 UTC – the hub's. What's planned already keeps its zone."
        )
        await day.says("/schedule every day at 7 run")
        assert "Sun 2026-11-22 21:00 Asia/Tokyo – yours" in await answer(day, "/timezone Tokyo")
        assert "every day at 08:00, next Mon 2026-11-23 08:00 Asia/Tokyo" in await answer(
            day, "/schedule every day at 8 eat"
        )
        zones = [task.schedule.zone for number in (1, 2) if (task := await day.task(number)).schedule]
        assert zones == ["UTC", "Asia/Tokyo"], "a schedule keeps the zone that it was made in"
        assert "the hub's" in await answer(day, "/timezone hub")


class Deaf(MemoryStore):
    """A store of which a task is asked in vain, so many times."""

    in_vain = 0

    async def task(self, id: TaskId) -> Task | None:
        if self.in_vain:
            self.in_vain -= 1
            raise StoreUnavailable("the server is starting up")
        return await super().task(id)


async def test_a_command_that_the_store_was_away_for_is_obeyed_once_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Deaf()
    async with Day(ScriptedLLM(), store=store) as day:
        store.in_vain = 2
        said = await day.sends("/schedule in 2h call Ann")
        await until(lambda: store.in_vain < 2, "it isn't obeyed")
        assert await day.replies(said) == []
        await day.clock.advance(1)
        await day.quiet()

        assert await day.replies(said) == ["#1 call Ann: due Sun 2026-11-22 14:00 UTC."]
        assert "Traceback" not in caplog.text


async def test_a_lane_whose_store_was_away_is_looked_at_again_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Deaf()
    async with Day(ScriptedLLM("Hello."), store=store) as day:
        store.in_vain = 1
        said = await day.sends("Hi", wish="new")
        for _ in range(9):
            await day.clock.advance(1)
        await day.quiet()

        assert store.in_vain == 0
        assert await day.replies(said) == ["Hello."]
        assert "looked at again in 0.2 s" in caplog.text
        assert "Traceback" not in caplog.text
