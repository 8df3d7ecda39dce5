"""Each thing that an operator should know is told in a sentence with a way out, and nothing is told that's well."""

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from hub.config import AlertsConfig
from hub.flow.alerts import Alert, Facts, Name, alerts
from hub.ports import BridgeInfo, LLMInfo
from hub.records import Newer, PackageId, Standing
from hub.testing import NOON, a_webhook

READY = LLMInfo(model="tiny", state="ready", tokens_per_second=20.0)
WELL = Facts(now=NOON, model=READY, decisions=READY, bridges=[BridgeInfo(name="telegram")], free=1 << 40)
STANDING = Standing(
    package=PackageId("echo"),
    version="1.0.0",
    sha256="0" * 64,
    digest="1" * 64,
    registry="https://registry.example.org",
    newer=(Newer(version="1.1.0", since=NOON),),
    looked_at=NOON,
)
DAY = timedelta(days=1)


def told(**facts: Any) -> tuple[Alert, ...]:
    return alerts(replace(WELL, **facts), AlertsConfig())


def ago(**span: float) -> datetime:
    return NOON - timedelta(**span)


CASES: list[tuple[str, Name, str, dict[str, Any]]] = [
    ("a full disk", "disk", "fault", {"free": 10 << 20}),
    ("a disk that fills", "disk", "warn", {"free": 100 << 20}),
    ("damage", "database", "fault", {"damage": "row 7 is missing from an index"}),
    ("no model", "model", "fault", {"model": replace(READY, state="absent", detail="no file a.gguf")}),
    ("a broken model", "model", "fault", {"model": replace(READY, state="broken")}),
    ("a model that loads", "model", "warn", {"model": replace(READY, state="loading")}),
    ("no decisions", "decisions", "fault", {"decisions": replace(READY, state="broken")}),
    ("a slow model", "model-slow", "warn", {"model": replace(READY, tokens_per_second=0.5)}),
    ("a refused token", "bridge", "fault", {"bridges": [BridgeInfo(name="t", state="refused", detail="wrong token")]}),
    ("a platform away", "bridge", "warn", {"bridges": [BridgeInfo(name="t", state="waiting", since=ago(minutes=6))]}),
    ("a message that waits", "waiting", "fault", {"oldest": {"inbox": ago(minutes=6)}, "counts": {"inbox.ready": 2}}),
    ("a delivery that waits", "waiting", "fault", {"oldest": {"outbox": ago(hours=5)}}),
    ("dead letters", "dead-letters", "warn", {"counts": {"inbox.dead": 1}}),
    ("refused deliveries", "refused", "warn", {"counts": {"outbox.dead": 3}}),
    ("tasks overdue", "overdue", "warn", {"overdue": 2}),
    ("a clock that was set", "clock", "warn", {"clock_set_at": ago(hours=3)}),
    ("an old backup", "backup", "warn", {"backed_up_at": ago(days=8), "kept_since": ago(days=90)}),
    ("no backup", "backup", "warn", {"kept_since": ago(days=8)}),
    ("money nearly spent", "money", "warn", {"money_per_day": 1.0, "model": replace(READY, money_today=0.9)}),
    ("a package taken away", "package", "fault", {"standings": [replace(STANDING, revoked="It stole keys")]}),
    ("a package taken back", "package", "warn", {"standings": [replace(STANDING, yanked="It forgets.")]}),
    ("a registry rolled back", "registry", "warn", {"standings": [replace(STANDING, fault="old", doubtful=True)]}),
    ("a webhook that fails", "webhook", "warn", {"webhooks": [a_webhook(off_at=NOON, off_why="nobody answers")]}),
    ("money spent", "money", "fault", {"money_per_day": 1.0, "model": replace(READY, money_today=1.0)}),
]


@pytest.mark.parametrize(("name", "level", "facts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_it_is_told_in_a_sentence_with_a_way_out(name: Name, level: str, facts: dict[str, Any]) -> None:
    found = {alert.name: alert for alert in told(**facts)}

    assert found[name].level == level
    assert found[name].text.endswith(".")
    assert found[name].fix.endswith(".")


def test_every_alert_there_is_has_its_case() -> None:
    # That everything is paused isn't found but told: see test_pausing.py.
    assert {case[1] for case in CASES} | {"paused"} == set(get_args(Name))


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"bridges": [BridgeInfo(name="t", state="connecting", since=ago(minutes=1))]},
        {"oldest": {"inbox": ago(minutes=4)}, "counts": {"inbox.ready": 9, "inbox.held": 2}},
        {"kept_since": ago(days=2)},
        {"backed_up_at": ago(days=2), "kept_since": ago(days=90)},
        {"clock_set_at": ago(days=2)},
        {"money_per_day": 1.0, "model": replace(READY, money_today=0.5)},
        {"model": replace(READY, tokens_per_second=0.0)},
        {"free": None},
        {"standings": [STANDING, replace(STANDING, fault="nobody answers")]},
        {"webhooks": [a_webhook(), a_webhook(off_at=NOON)]},
    ],
)
def test_nothing_is_told_that_is_well(facts: dict[str, Any]) -> None:
    assert told(**facts) == ()


def test_one_model_for_both_is_told_of_once_and_the_worst_comes_first() -> None:
    broken = replace(READY, state="broken", detail="bad magic")
    found = told(model=broken, decisions=broken, overdue=1)

    assert [alert.name for alert in found] == ["model", "overdue"]
    assert "bad magic" in found[0].text


def test_what_nobody_wants_to_know_is_not_told() -> None:
    silent = AlertsConfig(backup_days=0, slow_tokens_per_second=0)
    facts = replace(WELL, kept_since=ago(days=900), model=replace(READY, tokens_per_second=0.1))

    assert alerts(facts, silent) == ()
