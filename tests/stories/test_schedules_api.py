"""Schedules over HTTP: assigned in words or in full, changed, ended, and what became of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest

from hub.flow.people import OWNER_KEY, new_secret
from hub.records import OWNER
from hub.services import services_of
from hub.testing import NOON, ScriptedLLM
from tests.apps import app_over
from tests.stories.day import Day

YES = (0.9, 0.05, 0.05)


@asynccontextmanager
async def over_http(*answers: str) -> AsyncIterator[tuple[Day, httpx.AsyncClient]]:
    """Yield a day and a client of its owner."""
    async with Day(ScriptedLLM(*answers, decisions=[YES] * len(answers))) as day:
        _, secret = new_secret(OWNER_KEY)
        await day.hub.people.ensure_owner(secret)
        transport = httpx.ASGITransport(cast("Any", app_over(services_of(day.hub, "s"))))
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=headers) as client:
            yield day, client


@pytest.mark.parametrize(
    ("schedule", "words", "first"),
    [
        ("every weekday at 8", "every weekday at 08:00", "2026-11-23T08:00:00Z"),
        ("0 8 * * 1-5", "every weekday at 08:00", "2026-11-23T08:00:00Z"),
        ({"cron": "0 8 * * *", "zone": "Europe/Berlin"}, "every day at 08:00", "2026-11-23T07:00:00Z"),
        ({"when": "every day at 8", "zone": "Asia/Tokyo"}, "every day at 08:00", "2026-11-22T23:00:00Z"),
        ({"every": 5400, "missed": "skip", "jitter": 60}, "every 90 minutes", "2026-11-22T13:30:00Z"),
    ],
)
async def test_a_schedule_is_said_in_words_or_in_full_and_shown_as_both(schedule: Any, words: str, first: str) -> None:
    async with over_http() as (_, client):
        answer = await client.post("/v1/tasks", json={"text": "News", "schedule": schedule})
        assert answer.status_code == 201, answer.text
        shown = answer.json()["schedule"]
        assert (shown["words"], shown["next"][0], len(shown["next"])) == (words, first, 3)
        assert shown["missed"] == (schedule.get("missed", "once") if isinstance(schedule, dict) else "once")


@pytest.mark.parametrize(
    ("schedule", "field", "words"),
    [
        ("whenever", "schedule", "say when and what"),
        ("every day at 8 sing", "schedule", "says more than a time"),
        ("tomorrow at 8", "schedule", "send due_at"),
        ("every day at 8 or 9", "schedule", "may be 0 8 * * * or 0 9 * * *"),
        ("0 8 * *", "schedule", "say when and what"),
        ({}, "schedule", "needs one of when, cron and every"),
        ({"cron": "0 8 * * *", "every": 60}, "schedule", "needs one of when, cron and every"),
        ({"cron": "61 8 * * *"}, "schedule", "isn't a crontab"),
        ({"cron": "0 8 * * *", "zone": "Mars"}, "schedule.zone", "use a name like Europe/Berlin"),
        ({"when": "every day at 8", "zone": "Mars"}, "schedule.zone", "use a name like Europe/Berlin"),
        ({"every": 5}, "schedule.every", "60 (a minute)"),
        ({"every": 60, "jitter": 90}, "schedule.jitter", "less than every"),
        ({"cron": "0 8 * * *", "until": "2020-01-01T00:00:00Z"}, "schedule.until", "never comes"),
        ({"cron": "0 8 * * *", "missed": "some"}, "schedule.missed", "some"),
        ({"cron": "0 8 * * *", "tz": "UTC"}, "schedule.tz", "unknown"),
    ],
)
async def test_a_schedule_that_cannot_be_is_refused_with_key_value_and_way_out(
    schedule: Any, field: str, words: str
) -> None:
    async with over_http() as (_, client):
        answer = await client.post("/v1/tasks", json={"text": "News", "schedule": schedule})
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
        assert words in answer.json()["detail"]


async def test_a_schedule_is_changed_and_ended() -> None:
    async with over_http() as (day, client):
        await client.post("/v1/tasks", json={"text": "News", "schedule": "every weekday at 8"})
        changed = await client.put("/v1/tasks/1/schedule", json={"schedule": "every day at 18:30"})
        assert changed.status_code == 200, changed.text
        assert changed.json()["schedule"]["next"][0] == changed.json()["due_at"] == "2026-11-22T18:30:00Z"
        refused = await client.put("/v1/tasks/1/schedule", json={"schedule": {"every": 1}})
        assert (refused.status_code, refused.json()["field"]) == (400, "schedule.every")

        for _ in range(2):
            ended = await client.delete("/v1/tasks/1/schedule")
            assert (ended.status_code, ended.json()["schedule"], ended.json()["state"]) == (200, None, "completed")
        changes = await day.store.transitions((await day.task(1)).id, limit=9)
        assert [change.why for change in changes][:2] == ["comes no more", "comes every day at 18:30"]


async def test_a_conversation_has_no_schedule() -> None:
    async with over_http("Hello.") as (day, client):
        await day.says("Hello")
        refused = await client.put("/v1/tasks/1/schedule", json={"schedule": "every day at 8"})
        assert (refused.status_code, refused.json()["field"]) == (400, "task")


async def test_a_schedules_history_tells_its_runs_their_times_and_turns() -> None:
    async with over_http("Monday.", "Tuesday, another day.", "Wednesday, and so on.") as (day, client):
        await client.post("/v1/tasks", json={"text": "News", "schedule": "every day at 13:00"})
        for days in range(3):
            await day.clock.advance((NOON + timedelta(days=days, hours=1, minutes=5) - day.clock.now()).total_seconds())
            await day.hub.scheduler.tick()
            await day.quiet()
        first = (await client.get("/v1/tasks/1/runs?limit=2")).json()
        rest = (await client.get(f"/v1/tasks/1/runs?limit=2&cursor={first['next']}")).json()
        assert [(run["run_at"], run["turns"]) for run in (*first["items"], *rest["items"])] == [
            ("2026-11-24T13:00:00Z", [3]),
            ("2026-11-23T13:00:00Z", [2]),
            ("2026-11-22T13:00:00Z", [1]),
        ]
        assert rest["next"] is None
        assert first["items"][0]["began_at"] == "2026-11-24T13:05:00Z"


async def test_a_person_chooses_their_time_zone() -> None:
    async with over_http() as (day, client):
        assert (await client.get("/v1/whoami")).json()["timezone"] == "UTC"
        chosen = await client.put("/v1/whoami/timezone", json={"timezone": "Berlin"})
        assert chosen.json() == {"timezone": "Europe/Berlin"}
        assert (await client.get("/v1/whoami")).json()["timezone"] == "Europe/Berlin"
        task = (await client.post("/v1/tasks", json={"text": "News", "schedule": "every day at 8"})).json()
        assert task["schedule"]["next"][0] == "2026-11-23T07:00:00Z"
        wrong = await client.put("/v1/whoami/timezone", json={"timezone": "Atlantis"})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "timezone")
        assert (await day.task(1)).person == OWNER
