"""A schedule in words, as its person reads it."""

import re
from zoneinfo import ZoneInfo

from hub.flow.schedules import A_DAY
from hub.records import Schedule

DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November")
NUMBERED = ("sun", *DAYS)
_ENDINGS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
_STEPS = ((7 * A_DAY, "week"), (A_DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def in_words(schedule: Schedule, zone: str) -> str:
    """Return a schedule in words, as "every weekday at 08:00"; `zone` is where times are told that stand in it."""
    here = ZoneInfo(schedule.zone or zone)
    said = _cron(schedule.cron) if schedule.cron else _every(schedule, here)
    if schedule.until is not None:
        said += f", until {schedule.until.astimezone(here):%a %Y-%m-%d %H:%M}"
    return said


def _every(schedule: Schedule, here: ZoneInfo) -> str:
    length, unit = next(step for step in _STEPS if schedule.every % step[0] == 0 or step[0] == 1)
    number = schedule.every / length
    said = f"every {unit}" if number == 1 else f"every {number:g} {unit}s"
    if length < A_DAY or schedule.start is None:
        return said
    start = schedule.start.astimezone(here)
    return f"{said} on {start:%A} at {start:%H:%M}" if unit == "week" else f"{said} at {start:%H:%M}"


def _cron(crontab: str) -> str:
    """Say a crontab in words, or as it stands if it's an unusual one."""
    minute, hour, day, month, days = [*crontab.split(), *("",) * 5][:5]
    if [day, month, days] == ["*"] * 3 and (often := _often(minute, hour)):
        return often
    when, at = _when(day, month, days), _clock(minute, hour)
    return f"{when} at {at}" if when and at else f"by `{crontab}`"


def _often(minute: str, hour: str) -> str:
    if hour == "*":
        if minute in {"*", "*/1"}:
            return "every minute"
        if found := re.fullmatch(r"\*/(\d+)", minute):
            return f"every {found[1]} minutes"
        return f"every hour at {int(minute)} minutes past" if minute.isdecimal() and int(minute) else "every hour"
    found = re.fullmatch(r"\*/(\d+)", hour)
    return f"every {found[1]} hours" if found and minute == "0" else ""


def _when(day: str, month: str, days: str) -> str:
    if day == month == "*":
        return _on_days(days)
    if days != "*" or not (day.isdecimal() or day == "last"):
        return ""
    which = "last day" if day == "last" else f"{int(day)}{_ENDINGS.get(int(day), 'th')}"
    if month == "*":
        return f"on the {which} of each month"
    return f"every year on {which} {(*MONTHS, 'December')[int(month) - 1]}" if re.fullmatch(r"\d|1[0-2]", month) else ""


def _on_days(days: str) -> str:
    if days == "*":
        return "every day"
    if days.lower() in {"mon-fri", "1-5"}:
        return "every weekday"
    names = [NUMBERED[int(item)] if re.fullmatch("[0-7]", item) else item.lower() for item in days.split(",")]
    if set(names) == {"sat", "sun"}:
        return "every Saturday and Sunday"
    said = [DAYS.get(name, "") for name in names]
    return f"every {_listed(said)}" if all(said) else ""


def _clock(minute: str, hour: str) -> str:
    hours = hour.split(",")
    if not minute.isdecimal() or not all(one.isdecimal() for one in hours):
        return ""
    return _listed([f"{int(one):02}:{int(minute):02}" for one in hours])


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
