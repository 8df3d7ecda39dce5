"""What a hub's operator should know now, in plain sentences, each with a way out.

One source for `agenthost doctor`, the status page, /v1/status and the metrics.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from hub.config import AlertsConfig
from hub.ports import BridgeInfo, LLMInfo
from hub.records import Standing, Webhook

Name = Literal[
    "paused",
    "disk",
    "model",
    "decisions",
    "model-slow",
    "bridge",
    "waiting",
    "dead-letters",
    "refused",
    "overdue",
    "clock",
    "backup",
    "database",
    "money",
    "package",
    "registry",
    "webhook",
]

LEAST_SPACE = 64 << 20
LITTLE_SPACE = 512 << 20
CONNECTING = timedelta(minutes=5)
"""A bridge may be away so long."""
OVERDUE = timedelta(minutes=10)
TOLD_FOR = timedelta(days=1)
"""That the clock was set is told so long."""
NEARLY = 0.8
"""Of the day's money."""
Subject = Literal["model", "decisions"]
SUBJECTS: Mapping[Subject, str] = {"model": "the model that answers", "decisions": "the model that decides"}


class Alert(Struct, frozen=True, kw_only=True):
    """Something that's wrong, or soon will be."""

    name: Name
    level: Literal["warn", "fault"]
    """warn: it works, but. fault: it doesn't work."""
    text: str
    fix: str
    about: str = ""
    """Which one, where there may be several: a bridge's name."""


class Facts(Struct, frozen=True, kw_only=True):
    """What's looked at."""

    now: datetime
    model: LLMInfo
    decisions: LLMInfo
    bridges: Sequence[BridgeInfo] = ()
    free: int | None = None
    """Bytes, where the data folder lies."""
    oldest: Mapping[str, datetime] = {}
    counts: Mapping[str, int] = {}
    overdue: int = 0
    """Tasks whose time came long ago and that nobody works on."""
    clock_set_at: datetime | None = None
    backed_up_at: datetime | None = None
    kept_since: datetime | None = None
    """Since when there's something to back up."""
    damage: str = ""
    """What the last look through the database found."""
    money_per_day: float = 0.0
    standings: Sequence[Standing] = ()
    """How what's installed from registries stands there."""
    webhooks: Sequence[Webhook] = ()
    """Those of the hub's own tenant."""


def alerts(facts: Facts, settings: AlertsConfig) -> tuple[Alert, ...]:
    """Return what's wrong, the worst first."""
    found = [
        *of_disk(facts.free),
        *of_damage(facts.damage),
        *of_model("model", facts.model),
        *(() if facts.decisions == facts.model else of_model("decisions", facts.decisions)),
        *_slow(facts.model, settings.slow_tokens_per_second),
        *(alert for info in facts.bridges for alert in of_bridge(info, facts.now)),
        *_waiting(facts, timedelta(minutes=settings.waiting_minutes)),
        *_counted(facts.counts, facts.overdue),
        *_clock(facts),
        *of_backup(facts.backed_up_at, facts.kept_since, facts.now, timedelta(days=settings.backup_days)),
        *_money(facts.model.money_today, facts.money_per_day),
        *of_packages(facts.standings),
        *_doubtful(facts.standings),
        *of_webhooks(facts.webhooks),
    ]
    return tuple(sorted(found, key=lambda alert: alert.level != "fault"))


def of_disk(free: int | None) -> Iterable[Alert]:
    """Is there room?"""
    if free is None or free >= LITTLE_SPACE:
        return ()
    text = f"Only {free >> 20} MiB are free where the data folder lies."
    if free < LEAST_SPACE:
        fix = "Make room: without it no message is accepted. What's kept already stays whole."
        return (Alert(name="disk", level="fault", text=text, fix=fix),)
    return (Alert(name="disk", level="warn", text=text, fix="Make room soon."),)


def of_damage(damage: str) -> Iterable[Alert]:
    """Is the database whole?"""
    if not damage:
        return ()
    fix = "Stop the hub, keep a copy of the data folder, then `agenthost restore BACKUP --force`."
    return (Alert(name="database", level="fault", text=f"The database is damaged: {damage}.", fix=fix),)


def of_model(name: Subject, info: LLMInfo) -> Iterable[Alert]:
    """Does a model answer?"""
    if info.state == "ready":
        return ()
    detail = f" ({info.detail})" if info.detail else ""
    who = f"{SUBJECTS[name][0].upper()}{SUBJECTS[name][1:]}, {info.model or 'of no name'},"
    if info.state in {"loading", "restarting"}:
        fix = "Wait a minute; messages are kept meanwhile. If it stays so, see the hub's log."
        return (Alert(name=name, level="warn", text=f"{who} is {info.state}{detail}.", fix=fix),)
    fix = "`agenthost doctor` looks for the reason; mend [llm] in the config. Messages are kept meanwhile."
    return (Alert(name=name, level="fault", text=f"{who} is {info.state}{detail}.", fix=fix),)


def of_bridge(info: BridgeInfo, now: datetime) -> Iterable[Alert]:
    """Is a bridge connected?"""
    if info.state == "running":
        return ()
    detail = f": {info.detail}" if info.detail else ""
    kept = "what's to be delivered is kept meanwhile."
    if info.state in {"refused", "stopped"}:
        text = f"The bridge {info.name} is {info.state}{detail}."
        fix = f"Mend the account {info.name} of [[bridges]]; {kept}"
        return (Alert(name="bridge", level="fault", text=text, fix=fix, about=info.name),)
    if info.since is not None and now - info.since < CONNECTING:
        return ()
    since = f" since {_time(info.since)}" if info.since else ""
    text = f"The bridge {info.name} hasn't been connected{since}{detail}."
    fix = f"See that its server can be reached from this machine; {kept}"
    return (Alert(name="bridge", level="warn", text=text, fix=fix, about=info.name),)


def of_backup(
    made_at: datetime | None, kept_since: datetime | None, now: datetime, every: timedelta
) -> Iterable[Alert]:
    """Is there a backup, and is it young enough? `every` of no length: nobody wants to know."""
    since = made_at or kept_since
    if not every or since is None or now - since <= every:
        return ()
    age = f"The last backup is {(now - since).days} days old." if made_at else "There's no backup yet."
    fix = "`agenthost backup FILE` makes one while the hub runs; let cron do it every night."
    return (Alert(name="backup", level="warn", text=age, fix=fix),)


def _slow(info: LLMInfo, least: float) -> Iterable[Alert]:
    if info.state != "ready" or not 0 < info.tokens_per_second < least:
        return ()
    text = f"The model {info.model} writes {info.tokens_per_second:.1f} tokens a second: an answer takes minutes."
    fix = (
        'Take a smaller one (`agenthost models list`), set llm.threads, or use a server with [llm] backend = "remote".'
    )
    return (Alert(name="model-slow", level="warn", text=text, fix=fix),)


def _waiting(facts: Facts, patience: timedelta) -> Iterable[Alert]:
    for queue, since in sorted(facts.oldest.items()):
        late = facts.now - since
        if late > patience:
            what = "to be delivered" if queue == "outbox" else "for an answer"
            count = facts.counts.get(f"{queue}.ready", 1)
            text = f"{_messages(count)} wait{'s' if count == 1 else ''} {what}, the first for {_span(late)}."
            fix = "See the models and bridges above, and the hub's log; nothing that was accepted is lost."
            yield Alert(name="waiting", level="fault", text=text, fix=fix, about=queue)


def _counted(counts: Mapping[str, int], overdue: int) -> Iterable[Alert]:
    if dead := counts.get("inbox.dead", 0):
        text = f"{_messages(dead)} couldn't be worked on and {'was' if dead == 1 else 'were'} given up."
        fix = "GET /v1/dead says why; POST /v1/dead/ENTRY/retry tries one again."
        yield Alert(name="dead-letters", level="warn", text=text, fix=fix)
    if refused := counts.get("outbox.dead", 0):
        text = f"{_messages(refused)} couldn't be delivered and {'was' if refused == 1 else 'were'} given up."
        fix = "GET /v1/dead says why (a chat that's gone, a bot that was blocked); /retry delivers one after all."
        yield Alert(name="refused", level="warn", text=text, fix=fix)
    if overdue:
        text = f"{overdue} task{'s' if overdue > 1 else ''} should have been gone on with more than 10 minutes ago."
        fix = "See the model's state and limits.tasks_at_once; what's due is done as soon as there's room."
        yield Alert(name="overdue", level="warn", text=text, fix=fix)


def _clock(facts: Facts) -> Iterable[Alert]:
    if facts.clock_set_at is None or not timedelta() <= facts.now - facts.clock_set_at < TOLD_FOR:
        return ()
    text = f"This machine's clock was set at {_time(facts.clock_set_at)} (or the machine slept)."
    fix = "`timedatectl set-ntp true` keeps it right; what waits for a span was set right with it."
    return (Alert(name="clock", level="warn", text=text, fix=fix),)


def _money(spent: float, limit: float) -> Iterable[Alert]:
    if not limit or spent < limit * NEARLY:
        return ()
    text = f"{spent:.4g} of the {limit:g} that remote models may cost today are spent."
    if spent >= limit:
        fix = "Messages wait until midnight, or raise limits.money_per_day."
        return (Alert(name="money", level="fault", text=text, fix=fix),)
    return (Alert(name="money", level="warn", text=text, fix="At the limit messages wait until midnight."),)


def of_packages(standings: Sequence[Standing]) -> Iterable[Alert]:
    """Was something that's installed taken away, or back?"""
    for standing in standings:
        what, ways = f"The package {standing.package} {standing.version}", f"`agenthost remove {standing.package}`"
        if standing.newer:
            ways = f"`agenthost packages update {standing.package}` brings {standing.newer[0].version}, or {ways}"
        if standing.revoked:
            text = f"{what} was taken away by its registry, and is switched off: {standing.revoked}"
            yield Alert(name="package", level="fault", text=_ended(text), fix=f"{ways}.", about=standing.package)
        elif standing.yanked:
            text = f"{what} was taken back by its publisher, and is used until you change that: {standing.yanked}"
            yield Alert(name="package", level="warn", text=_ended(text), fix=f"{ways}.", about=standing.package)


def of_webhooks(webhooks: Sequence[Webhook]) -> Iterable[Alert]:
    """Was one switched off because nothing could be delivered?"""
    for hook in webhooks:
        name = f"The webhook “{hook.description}”" if hook.description else f"The webhook {hook.id}"
        if hook.off_at is not None and hook.off_why:
            fix = "Mend its receiver, then switch it on again on the page Webhooks; what waits for it is kept."
            yield Alert(
                name="webhook", level="warn", text=_ended(f"{name} is off: {hook.off_why}"), fix=fix, about=hook.id
            )


def _doubtful(standings: Sequence[Standing]) -> Iterable[Alert]:
    faults = {standing.registry: standing.fault for standing in standings if standing.doubtful}
    for registry, fault in sorted(faults.items()):
        fix = "Nothing comes from there, and nobody knows what was taken back, until that's mended."
        yield Alert(name="registry", level="warn", text=_ended(fault), fix=fix, about=registry)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _span(late: timedelta) -> str:
    minutes = int(late.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{late.days} days"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
