"""Schedules in words."""

from datetime import UTC, datetime

import pytest

from hub.flow.cadence import in_words
from hub.records import Schedule


@pytest.mark.parametrize(
    ("crontab", "words"),
    [
        ("0 8 * * *", "every day at 08:00"),
        ("30 7 * * mon-fri", "every weekday at 07:30"),
        ("0 8 * * 1-5", "every weekday at 08:00"),
        ("0 10 * * sat,sun", "every Saturday and Sunday at 10:00"),
        ("30 18 * * mon,thu", "every Monday and Thursday at 18:30"),
        ("30 18 * * 0", "every Sunday at 18:30"),
        ("0 8,20 * * *", "every day at 08:00 and 20:00"),
        ("0 9 1 * *", "on the 1st of each month at 09:00"),
        ("0 9 22 * *", "on the 22nd of each month at 09:00"),
        ("0 9 last * *", "on the last day of each month at 09:00"),
        ("0 9 24 12 *", "every year on 24th December at 09:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * *", "every minute"),
        ("0 * * * *", "every hour"),
        ("30 * * * *", "every hour at 30 minutes past"),
        ("0 */2 * * *", "every 2 hours"),
        ("0 8 1-7 * mon", "by `0 8 1-7 * mon`"),
        ("0-10 8 * * *", "by `0-10 8 * * *`"),
    ],
)
def test_a_crontab_is_said_in_words_where_there_are_some(crontab: str, words: str) -> None:
    assert in_words(Schedule(cron=crontab), "UTC") == words


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (3600, "every hour"),
        (5400, "every 90 minutes"),
        (90, "every 90 seconds"),
        (2 * 86_400, "every 2 days at 07:00"),
        (14 * 86_400, "every 2 weeks on Monday at 07:00"),
    ],
)
def test_an_interval_is_said_in_its_own_unit_and_zone(every: float, words: str) -> None:
    start = datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert in_words(Schedule(every=every, start=start, zone="Europe/Berlin"), "UTC") == words


def test_an_end_is_told_in_the_schedules_zone() -> None:
    until = datetime(2026, 12, 4, 6, tzinfo=UTC)
    schedule = Schedule(cron="0 7 * * *", zone="Europe/Berlin", until=until)
    assert in_words(schedule, "UTC") == "every day at 07:00, until Fri 2026-12-04 07:00"
