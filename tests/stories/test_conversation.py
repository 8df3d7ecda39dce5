"""A person's day with one chat: questions, several errands, corrections, commands."""

import asyncio

import pytest

from hub.config import LimitsConfig
from hub.errors import BadRequest, TooMany
from hub.records import HOME, OWNER, Ask, Done, Message
from hub.testing import Hang, ScriptedLLM
from tests.stories.day import CHAT, Day, overlap, until


async def test_a_plain_question_is_answered_and_done_with_one_call_of_the_model() -> None:
    async with Day(ScriptedLLM("Paris.")) as day:
        question = await day.says("Tell me the capital of France")

        assert await day.replies(question) == ["Paris."]
        assert question.state == "answered"
        assert question.route is not None
        assert question.route.rule == "first"
        task = await day.task(1)
        assert task.state == "completed"
        assert isinstance(task.verdict, Done)
        assert [asked.method for asked in day.llm.asked] == ["chat"]


async def test_what_a_tool_answers_whole_needs_no_model() -> None:
    async with Day(ScriptedLLM()) as day:
        sum_ = await day.says("What is 17*23?")
        assert await day.replies(sum_) == ["17*23 = 391"]
        assert day.llm.asked == []


async def test_an_errand_for_one_tool_is_a_task_of_its_own_beside_what_is_open() -> None:
    async with Day(ScriptedLLM("In Rome it's warm in May.")) as day:
        trip = await day.says("Tell me about a trip to Rome")
        errand = await day.says("What is 17*23?")

        assert errand.task != trip.task
        assert errand.route is not None
        assert errand.route.rule == "errand"
        assert await day.replies(errand) == ["17*23 = 391"]


async def test_where_a_task_awaits_an_answer_an_errand_is_weighed_like_any_message() -> None:
    async with Day(ScriptedLLM("Which two numbers?")) as day:
        await day.says("Multiply two numbers for me")
        answer = await day.says("What is 17*23?")

        assert answer.route is not None
        assert answer.route.rule != "errand"


async def test_each_of_several_wishes_that_wait_together_gets_its_own_tools() -> None:
    async with Day(ScriptedLLM("Party.", "Cake and hats.")) as day:
        task = (await day.says("Plan a party")).task
        said = ("Remember that my dog is called Rex", "Remember that my cat is called Tom", "with cake", "and hats")
        dog, cat, cake, hats = [await day.sends(text, wish=task) for text in said]
        await day.quiet()

        assert "Rex" in (await day.replies(dog))[0]
        assert "Tom" in (await day.replies(cat))[0]
        assert await day.replies(cake) == await day.replies(hats) == ["Cake and hats."], "these two wait together"


async def test_a_result_that_the_model_gets_wrong_is_added_to_its_answer() -> None:
    llm = ScriptedLLM("That's 409 shirts.", decisions=["calculate", "none"], fills=[{"expression": "17*23"}])
    async with Day(llm) as day:
        asked = await day.says("We have 17 boxes with 23 shirts each, so how many shirts are there?")
        assert await day.replies(asked) == ["That's 409 shirts.\n\n17*23 = 391"]


async def test_an_answer_that_ends_with_a_question_leaves_its_task_waiting_for_the_person() -> None:
    async with Day(ScriptedLLM("Sure. For how many people?")) as day:
        await day.says("Book a table")

        task = await day.task(1)
        assert task.state == "input-required"
        assert isinstance(task.verdict, Ask)
        assert task.verdict.question == "For how many people?"


async def test_two_errands_in_one_chat_never_see_each_other() -> None:
    llm = ScriptedLLM("How many guests?", "Which film?", "Twelve guests, noted.", scores=overlap)
    async with Day(llm) as day:
        await day.says("Plan the birthday party with guests and cake")
        await day.says("Find a film to watch", wish="new")
        twelve = await day.says("twelve guests and a cake at the birthday party")

        assert twelve.task == (await day.task(1)).id
        assert twelve.route is not None
        assert twelve.route.rule == "model"
        assert len(twelve.route.candidates) == 3
        assert sum(candidate.probability for candidate in twelve.route.candidates) == pytest.approx(1)
        assert "film" not in llm.prompts[2].lower()
        assert "birthday" not in llm.prompts[1].lower()


async def test_a_reply_goes_to_the_task_it_replies_to_without_asking_the_model() -> None:
    async with Day(ScriptedLLM("Party it is.", "Film it is.", "More cake.")) as day:
        party = await day.says("Plan a party")
        await day.says("Find a film", wish="new")
        (answer,) = await day.store.replies(party.id)
        more = await day.says("xyzzy", reply_to=answer)

        assert more.task == party.task
        assert more.route is not None
        assert more.route.rule == "reply"
        assert {asked.method for asked in day.llm.asked} == {"chat"}


async def test_a_route_too_close_to_call_is_asked_about_and_nothing_is_lost_meanwhile() -> None:
    limits = LimitsConfig(ask_below=1.0)
    async with Day(ScriptedLLM("Party.", "Film.", "The film, then."), limits=limits) as day:
        await day.says("Plan a party")
        await day.says("Find a film", wish="new")
        unclear = await day.says("make it later")

        assert unclear.state == "asking"
        (question,) = await day.store.replies(unclear.id)
        assert [choice.text for choice in question.choices] == ["Find a film", "Plan a party", "A new task"]
        await day.says("1")
        unclear = await day.now(unclear)
        assert unclear.state == "answered"
        assert unclear.task == (await day.task(2)).id
        assert unclear.route is not None
        assert unclear.route.rule == "asked"
        assert unclear.route.candidates


async def test_a_question_about_a_route_that_nobody_answers_is_settled_by_the_best_guess() -> None:
    limits = LimitsConfig(ask_below=1.0)
    async with Day(ScriptedLLM("Party.", "Film.", "Later."), limits=limits) as day:
        await day.says("Plan a party")
        await day.says("Find a film", wish="new")
        unclear = await day.says("make it later")
        assert unclear.state == "asking"

        await day.clock.advance(601)
        await day.hub.scheduler.tick()
        await day.quiet()

        unclear = await day.now(unclear)
        assert unclear.state == "answered"


async def test_a_button_pressed_twice_routes_once() -> None:
    limits = LimitsConfig(ask_below=1.0)
    async with Day(ScriptedLLM("Party.", "Film.", "Later."), limits=limits) as day:
        await day.says("Plan a party")
        await day.says("Find a film", wish="new")
        unclear = await day.says("make it later")
        (question,) = await day.store.replies(unclear.id)
        for _ in range(2):
            await day.hub.questions.choose(question, question.choices[-1].id, OWNER)
            await day.quiet()

        assert await day.store.last_number(HOME, OWNER) == 3
        with pytest.raises(BadRequest, match="isn't one of this message's choices"):
            await day.hub.questions.choose(question, "route/x/y", OWNER)


async def test_a_moved_message_is_answered_in_the_right_task_and_its_wrong_answer_is_gone() -> None:
    llm = ScriptedLLM("Party.", "Film.", "Wrong answer.", "Right answer.")
    async with Day(llm) as day:
        await day.says("Plan a party")
        await day.says("Find a film", wish="new")
        party, film = await day.task(1), await day.task(2)
        misplaced = await day.says("with ten guests", wish=film.id)
        await day.hub.corrections.move(misplaced, party.id)
        await day.quiet()

        assert await day.replies(misplaced) == ["Right answer."]
        assert "Wrong answer." not in await day.transcript(2)
        assert await day.transcript(1) == ["Plan a party", "Party.", "with ten guests", "Right answer."]
        (example,) = await day.store.corrections(HOME, 10)
        assert (example.wrong, example.right) == (film.id, party.id)


async def test_a_wrongly_founded_task_is_canceled_when_its_only_message_is_moved() -> None:
    async with Day(ScriptedLLM("Party.", "Huh?", "Ten guests.")) as day:
        await day.says("Plan a party")
        misplaced = await day.says("with ten guests", wish="new")
        await day.says("/move 1", reply_to=misplaced)

        assert (await day.task(2)).state == "canceled"
        assert (await day.now(misplaced)).task == (await day.task(1)).id
        assert await day.replies(misplaced) == ["Ten guests."]


async def test_a_message_that_comes_while_its_task_is_at_work_is_answered_after_it_and_others_beside_it() -> None:
    llm = ScriptedLLM(Hang("Thinking"), "Film.", "Now what?")
    async with Day(llm) as day:
        await day.sends("Plan a party")
        await day.working()
        await day.sends("Find a film", wish="new")
        film = await day.sends("only comedies", wish="new")
        await until(lambda: len(llm.prompts) == 3, "the other tasks wait for the first")
        await until(lambda: len(day.hub.turns.running) == 1, "they go on for ever")
        assert await day.replies(film)
        await day.hub.tasks.stop(await day.task(1))


async def test_stop_cuts_an_answer_off_and_keeps_what_was_said_so_far() -> None:
    async with Day(ScriptedLLM(Hang("Once upon a time"), "And they lived.")) as day:
        story = await day.sends("Tell me a story")
        await day.working()
        stop = await day.sends("stop")
        await day.quiet()

        assert (await day.now(story)).state == "stopped"
        assert await day.replies(story) == ["Once upon a time"]
        assert "Stopped #1" in (await day.replies(stop))[0]
        assert (await day.task(1)).state == "input-required"
        assert day.llm.cancelled == 1

        await day.says("/resume 1")
        assert (await day.now(story)).state == "answered"


async def test_commands_work_while_a_task_is_at_work() -> None:
    async with Day(ScriptedLLM(Hang("Hm"))) as day:
        await day.sends("Think hard")
        await day.working()
        tasks = await day.sends("/tasks")
        answers: list[str] = []
        for _ in range(200):
            answers = answers or await day.replies(tasks)
            await until(lambda: True, "")
        assert answers == ["#1 Think hard – working"]
        await day.says("/stop")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("/start", "Hello!"),
        ("/help", "/tasks"),
        ("/new", "/new TEXT"),
        ("/tasks", "#1 Plan a party – completed"),
        ("/task 1", "Goal: Plan a party"),
        ("/task 9", "no task 9"),
        ("/move 7", "no task 7"),
        ("/stop", "Nothing is at work"),
        ("/resume x", "needs a task's number"),
        ("/status", "scripted, ready"),
        ("/agent", "default"),
        ("/agent nobody", "no agent"),
        ("/model", "scripted"),
        ("/approve", "Nothing waits"),
        ("/deny", "Nothing waits"),
        ("/schedule someday dance", "in 20m TEXT"),
        ("/whoami", "Owner (owner)"),
        ("/pair", "Your code is"),
        ("/pair ABCDEFGH", "don't know that code"),
        ("/start ABCDEFGH", "don't know that code"),
        ("/approve ABCDEFGH", "no request has that code"),
        ("/deny ABCDEFGH", "no request has that code"),
        ("/unlink", "No account is linked"),
        ("/follow 1", "You'll hear of #1 Plan a party here"),
        ("/unfollow 1", "began here"),
        ("/move", "Which task is “Plan a party” about?"),
        ("/dance", "/help"),
        ("/tasks@agenthost_bot", "#1"),
    ],
)
async def test_every_command_answers(command: str, says: str) -> None:
    async with Day(ScriptedLLM("Party.")) as day:
        await day.says("Plan a party")
        asked = await day.says(command)

        assert asked.state == "answered"
        assert asked.task is None
        (answer,) = await day.replies(asked)
        assert says in answer


async def test_new_and_task_send_their_text_on_to_a_task() -> None:
    async with Day(ScriptedLLM("Party.", "Film.", "Ten.")) as day:
        await day.says("Plan a party")
        await day.says("/new find a film")
        ten = await day.says("/task 1 ten guests")

        assert (await day.task(2)).title == "find a film"
        assert ten.task == (await day.task(1)).id
        assert ten.text == "ten guests"
        assert await day.replies(ten) == ["Ten."]


async def test_the_same_message_twice_is_kept_and_answered_once() -> None:
    async with Day(ScriptedLLM("Once.")) as day:
        first = await day.sends("Hello", id="telegram-7")
        again = await day.sends("Hello", id="telegram-7")
        await day.quiet()

        assert again.id == first.id
        assert await day.replies(first) == ["Once."]


async def test_one_who_floods_is_told_once_and_keeps_nobody_waiting() -> None:
    async with Day(ScriptedLLM(*[Hang()] * 6, "Hello, Bob."), limits=LimitsConfig(waiting_per_person=7)) as day:
        for number in range(7):
            await day.sends(f"message {number}", wish="new")
        for _ in range(3):
            with pytest.raises(TooMany, match="wasn't kept"):
                await day.sends("one too many")
        await until(lambda: len(day.hub.turns.running) == 6, "the flooder's turns don't begin")
        bob = await day.sends_as("bob", "hello")
        await until_answered(day, bob)

        assert await day.replies(bob) == ["Hello, Bob."]
        said = await day.store.messages_of_chat(HOME, CHAT, limit=50)
        assert len([message for message in said if "I say this once" in message.text]) == 1
        for task in day.hub.turns.running:
            await day.hub.turns.stop(task)
        await day.hub.tasks.stop(await day.task(7))


async def test_without_a_model_a_message_is_kept_its_sender_told_once_and_answered_later() -> None:
    llm = ScriptedLLM("Here I am.", "Twice.")
    llm.go_down()
    async with Day(llm) as day:
        first = await day.sends("Are you there?")
        second = await day.sends("Hello?", wish="new")
        told: list[str] = []
        for _ in range(100):
            await until(lambda: True, "")
            said = await day.store.messages_of_chat(HOME, CHAT, limit=10)
            told = [message.text for message in said if message.role == "notice"]
        assert len(told) == 1
        assert "I've kept your message" in told[0]
        llm.come_up()
        await day.quiet()

        assert (await day.now(first)).state == "answered"
        assert (await day.now(second)).state == "answered"


async def until_answered(day: Day, message: Message) -> None:
    """Wait until a message is answered, whatever else goes on."""
    for beat in range(3_000):
        await asyncio.sleep(0 if beat < 500 else 0.002)
        if (await day.now(message)).state == "answered":
            return
    raise AssertionError(f"{message.text!r} isn't answered")


async def test_many_tasks_founded_at_once_are_numbered_one_after_another() -> None:
    async with Day(ScriptedLLM(lambda _: "Fine."), limits=LimitsConfig(waiting_per_person=50)) as day:
        for number in range(30):
            await day.sends(f"errand {number}", wish="new", chat=f"chat{number}")
        await day.quiet()
        assert await day.store.last_number(HOME, OWNER) == 30
        assert len({(await day.task(number)).title for number in range(1, 31)}) == 30


async def test_a_message_that_was_answered_with_a_mere_promise_leaves_its_task_open() -> None:
    async with Day(ScriptedLLM("I'll book it and let you know.")) as day:
        wish = await day.says("Please book a table for two")

        assert await day.replies(wish) == ["I'll book it and let you know."]
        task = await day.task(1)
        assert task.state == "input-required"
        assert isinstance(task.verdict, Ask)
        assert "promised" in task.verdict.why


async def test_an_answer_that_does_not_end_is_cut_off_and_said_so() -> None:
    async with Day(ScriptedLLM("la" * 40_000, "Fine.")) as day:
        song = await day.says("Sing")
        assert song.state == "failed"
        assert "doesn't end" in (await day.replies(song))[0]

        assert await day.replies(await day.says("How are you?", wish="new")) == ["Fine."]


async def test_half_letters_and_controls_of_a_model_are_not_kept() -> None:
    async with Day(ScriptedLLM("Hel\ud800lo\x00!")) as day:
        assert await day.replies(await day.says("Sing")) == ["Hel\N{REPLACEMENT CHARACTER}lo\N{REPLACEMENT CHARACTER}!"]
