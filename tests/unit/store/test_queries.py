"""No query reads more the longer the history is."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import pytest
from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.dialects import sqlite as dialect

from hub.records import (
    Brand,
    Embed,
    Entry,
    HostName,
    Inlet,
    Installation,
    Invitation,
    Key,
    Link,
    Login,
    Message,
    Package,
    Pairing,
    Passport,
    Pause,
    Person,
    Replay,
    Session,
    Task,
    TaskState,
    Tenant,
    Thread,
    Turn,
    Webhook,
    WebhookDelivery,
)
from hub.store import login_queries, people_queries, postgres_server, queries, sqlite, timeline_queries, webhook_queries
from hub.store.queries import Listing, Query, by
from hub.store.schema import bring_up_to_date
from hub.testing import NOON, an_address
from tests.postgres.server import Server

CHAT = an_address()
PARTIAL = {"entries_ready", "entries_begun", "entries_not_done", "tasks_told_of", "webhooks_on"}
"""Indexes of what's unsettled, at work or switched on alone: reading one through isn't reading the history."""


def tasks(
    *,
    states: tuple[TaskState, ...] = ("working",),
    person: bool = True,
    chat: bool = False,
    since: bool = False,
    before: bool = False,
    by: Literal["id", "updated_at"] = "id",
    split: bool | None = None,
) -> Query:
    listing = Listing(states=states, person=person, chat=chat, since=since, before=before, by=by, split=split)
    return queries.some_tasks(listing)


QUERIES: dict[str, Query] = {
    "tenant": by(Tenant, id="i"),
    "embed": by(Embed, id="i"),
    "brand": by(Brand, tenant="t"),
    "host name": by(HostName, name="n"),
    "host names": people_queries.host_names_of("t"),
    "embeds": people_queries.embeds_of("t", None, 5),
    "embeds_shown": people_queries.embeds_shown(5),
    "embeds after": people_queries.embeds_of("t", "a", 5),
    "tenants": people_queries.tenants_after(None, 5),
    "tenants after": people_queries.tenants_after("a", 5),
    "person": by(Person, tenant="t", id="i"),
    "person_by_external": by(Person, tenant="t", external="e"),
    "people": people_queries.people("t"),
    "link": by(Link, tenant="t", bridge="b", sender="s"),
    "key_by_hash": by(Key, hash="h"),
    "key": by(Key, tenant="t", id="i"),
    "keys": people_queries.api_keys("t"),
    "every_key": people_queries.every_key(NOON, 5),
    "every_link": people_queries.every_link(5),
    "message": by(Message, id="i"),
    "links": people_queries.links_of("t", "p"),
    "pairing": by(Pairing, tenant="t", id="i"),
    "pairing_by_hash": by(Pairing, tenant="t", hash="h"),
    "package": by(Package, tenant="t", id="i"),
    "packages": queries.packages_of("t"),
    "pairings": people_queries.newest_pairings("t", 5),
    "login": by(Login, tenant="t", person="p"),
    "logins_by_email": login_queries.logins_by_email("e", 5),
    "passport": by(Passport, tenant="t", issuer="i", subject="s"),
    "passports": login_queries.passports_of("t", "p"),
    "session": by(Session, id="i"),
    "sessions": login_queries.sessions_of("t", "p"),
    "invitation": by(Invitation, tenant="t", id="i"),
    "invitation_by_hash": by(Invitation, hash="h"),
    "invitations": login_queries.newest_invitations("t", 5),
    "forget_invitations": login_queries.old_invitations(NOON, 5),
    "newest ids": queries.newest_ids(),
    "forget_pairings": people_queries.old_pairings(NOON, 5),
    "message_by_external": queries.message_by_external("t", CHAT, "e"),
    "postings": queries.postings_of("m"),
    "copies": queries.copies_of("m"),
    "messages_of_task": queries.messages_of_task("t", 5, None, None),
    "messages_of_task before": queries.messages_of_task("t", 5, "b", None),
    "messages_of_task after": queries.messages_of_task("t", 5, None, "a"),
    "messages_of_task between": queries.messages_of_task("t", 5, "b", "a"),
    "messages_of_chat": queries.messages_of_chat("t", CHAT, 5, None),
    "messages_of_chat before": queries.messages_of_chat("t", CHAT, 5, "b"),
    "replies": queries.replies("m"),
    "task": by(Task, id="i"),
    "task_by_number": by(Task, tenant="t", person="p", number=1),
    "last_number": queries.last_number("t", "p"),
    "told_of": queries.told_of(5),
    "split_off": queries.split_off("t"),
    "transitions": queries.transitions_of("t", None, 5),
    "transitions before": queries.transitions_of("t", "b", 5),
    "tasks": tasks(states=()),
    "tasks of a tenant": tasks(person=False),
    "tasks before": tasks(before=True),
    "tasks of a chat": tasks(person=False, chat=True),
    "tasks of a person in a chat": tasks(chat=True),
    "tasks by change": tasks(by="updated_at"),
    "tasks of one's own": tasks(split=False),
    "tasks of one's own by change": tasks(split=False, by="updated_at"),
    "tasks that were split off": tasks(split=True),
    "tasks changed since": tasks(by="updated_at", since=True),
    "tasks changed since, by id": tasks(since=True),
    "thread": by(Thread, tenant="t", bridge="b", chat="c", thread="x"),
    "threads": queries.threads_of("t"),
    "follows": queries.follows_of("t"),
    "due_tasks": queries.due_tasks(NOON, 5),
    "dues": queries.dues(NOON, 5),
    "next_due": queries.next_dues(),
    "turn": by(Turn, id="i"),
    "turns": queries.turns_of("t", None, 5),
    "turns before": queries.turns_of("t", 3, 5),
    "turns after": queries.turns_of("t", None, 5, 3),
    "transitions after": queries.transitions_of("t", None, 5, "a"),
    "worked": timeline_queries.worked("t"),
    "corrections_of_task": timeline_queries.corrections_of_task("t", 5),
    "steps": queries.steps_of("t"),
    "installation": by(Installation, tenant="t", id="i"),
    "installations": queries.newest_installations("t", 5),
    "pins": queries.pins_of("t"),
    "pinned": queries.pinned("t"),
    "pause": by(Pause, id="i"),
    "pauses": queries.pauses_of_person("t", "p", ["asked", "approved"], 5),
    "pauses of a task": queries.pauses_of_task("t", ["asked"], 5),
    "expired_pauses": queries.expired_pauses(NOON, 5),
    "taints": queries.taints_of("t"),
    "entry": by(Entry, id="i"),
    "entry_of": queries.entry_of("inbox", "m"),
    "entries": queries.ready("l", 5),
    "held": queries.held(NOON, 5),
    "lanes": queries.lanes(NOON, 5),
    "begun": queries.begun(),
    "waiting": queries.waiting("t", "p"),
    "counts": queries.counts(),
    "with_file": queries.with_file("t", "p", "a" * 64),
    "with_files": queries.with_files("t", "p", 5, None),
    "with_files before": queries.with_files("t", "p", 5, "m"),
    "with_anybodys_file": queries.with_file("t", None, "a" * 64),
    "lengths": queries.lengths("outbox"),
    "dead": queries.dead("t", 5),
    "events": queries.events_after("t", "p", 0, 5),
    "events_since": queries.events_since(0, 5),
    "forget_events": queries.old_events(NOON, 5),
    "forget_replays": queries.old_replays(NOON, 5),
    "last_event": queries.last_seq(),
    "corrections": queries.corrections_of("t", 5),
    "replay": by(Replay, key="k", name="n"),
    "webhook": by(Webhook, tenant="t", id="i"),
    "webhooks": webhook_queries.webhooks_of("t"),
    "webhooks_on": webhook_queries.webhooks_on(),
    "webhook_cursors": webhook_queries.every_cursor(),
    "webhook_lanes": webhook_queries.lanes(),
    "webhook_delivery": by(WebhookDelivery, tenant="t", id="i"),
    "webhook_deliveries": webhook_queries.deliveries_of("t", "w", 5, None, None),
    "webhook_deliveries before": webhook_queries.deliveries_of("t", "w", 5, "d", None),
    "webhook_deliveries in a state": webhook_queries.deliveries_of("t", "w", 5, "d", "dead"),
    "webhook_deliveries_about": webhook_queries.deliveries_about("t", "p", 5),
    "webhook_waiting": webhook_queries.waiting_for("w", 5),
    "webhook_counts": webhook_queries.counted("w"),
    "forget_webhook_deliveries": webhook_queries.old_deliveries(NOON, 5),
    "inlet": by(Inlet, tenant="t", id="i"),
    "inlets": webhook_queries.inlets_of("t"),
    "inlets_on": webhook_queries.inlets_on(5),
    "inlet_by_hash": by(Inlet, hash="h"),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    database = tmp_path_factory.mktemp("queries") / "hub.db"
    bring_up_to_date(database)
    return sqlite.writing(database)


def plan(engine: Engine, query: Query) -> list[str]:
    """Return SQLite's own account of how it would answer."""
    compiled: Any = query.compile(dialect=dialect.dialect(), compile_kwargs={"render_postcompile": True})
    values = [compiled.params[name] for name in compiled.positiontup]
    plain = tuple(0 if isinstance(value, datetime) else value for value in values)
    with engine.connect() as connection:
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", plain)]


WHOLE = {"every_key", "every_link", "embeds_shown", "tenants", "webhook_cursors", "inlets_on"}
"""All of a small table is wanted."""


@pytest.mark.parametrize("name", sorted(QUERIES.keys() - WHOLE))
def test_a_query_is_answered_from_an_index(engine: Engine, name: str) -> None:
    steps = plan(engine, QUERIES[name])
    # "anon" is what a query has already gathered: at most `limit` rows for each state.
    scans = [step for step in steps if step.startswith("SCAN") and not step.startswith("SCAN anon")]
    assert [scan for scan in scans if not PARTIAL & set(scan.split())] == []
    assert any("INDEX" in step or "INTEGER PRIMARY KEY" in step for step in steps)


@pytest.fixture(scope="module")
def server(postgres: Server, template: str) -> Iterator[Engine]:
    with postgres.database(template) as url:
        engine = postgres_server.writing(make_url(url))
        yield engine
        engine.dispose()


GIVEN = {"tenant": "t", "person": "p", "bridge": "b", "chat": "c", "since": NOON, "before": "i", "limit": 5}


def explained(engine: Engine, query: Query) -> list[dict[str, Any]]:
    """Return the steps in which PostgreSQL would answer if it never chose to read a whole table."""
    asked = list[tuple[str, Any]]()

    def listen(_: Any, __: Any, statement: str, given: Any, *___: Any) -> None:
        asked.append((statement, given))

    with engine.connect() as connection:
        event.listen(engine, "before_cursor_execute", listen)
        connection.execute(query, GIVEN)
        event.remove(engine, "before_cursor_execute", listen)
        for setting in ("enable_seqscan", "enable_bitmapscan"):
            connection.execute(text(f"SET {setting} = off"))
        [[statement, given]] = asked
        found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given).scalar_one()
        connection.rollback()
    return list(_steps(found[0]["Plan"]))


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _steps(part)


@pytest.mark.parametrize("name", sorted(QUERIES.keys() - WHOLE))
def test_postgresql_answers_a_query_from_an_index_too(server: Engine, name: str) -> None:
    steps = explained(server, QUERIES[name])
    assert [step for step in steps if step["Node Type"] == "Seq Scan"] == []
    reads = [step for step in steps if "Index Name" in step]
    assert reads
    # An index without a condition is read from end to end; of those of due times alone the first is enough.
    whole = {step["Index Name"] for step in reads if "Index Cond" not in step}
    assert whole - PARTIAL - {"entries_ready_due", "tasks_due"} == set()


@pytest.mark.parametrize("name", ["messages_of_task", "messages_of_chat", "events", "entries", "turns", "tasks"])
def test_a_page_of_history_is_read_in_order_and_not_sorted(engine: Engine, name: str) -> None:
    gathered = [step for step in plan(engine, QUERIES[name]) if "TEMP B-TREE" in step]
    assert len(gathered) <= (6 if name == "tasks" else 0)


def test_every_query_that_a_store_is_asked_is_explained() -> None:
    made = {name for name, made in vars(queries).items() if callable(made) and made.__module__ == queries.__name__}
    assert made - {"of", "by", "_newest", "Listing"} == {
        "begun",
        "events_since",
        "copies_of",
        "corrections_of",
        "counts",
        "dead",
        "due_tasks",
        "dues",
        "entry_of",
        "expired_pauses",
        "newest_ids",
        "newest_installations",
        "pauses_of_person",
        "pauses_of_task",
        "pinned",
        "pins_of",
        "taints_of",
        "events_after",
        "follows_of",
        "held",
        "lanes",
        "last_number",
        "last_seq",
        "lengths",
        "message_by_external",
        "messages_of_chat",
        "messages_of_task",
        "next_dues",
        "old_events",
        "old_replays",
        "packages_of",
        "postings_of",
        "ready",
        "replies",
        "some_tasks",
        "split_off",
        "told_of",
        "transitions_of",
        "steps_of",
        "threads_of",
        "turns_of",
        "waiting",
        "with_file",
        "with_files",
    }


def test_every_query_of_people_is_explained() -> None:
    made = {
        name
        for name, made in vars(people_queries).items()
        if getattr(made, "__module__", "") == people_queries.__name__
    }
    assert made == {
        *("api_keys", "every_key", "every_link", "links_of", "newest_pairings", "old_pairings", "people"),
        *("embeds_of", "embeds_shown", "host_names_of", "tenants_after"),
    }


def test_every_query_of_signing_in_is_explained() -> None:
    made = {
        name for name, made in vars(login_queries).items() if getattr(made, "__module__", "") == login_queries.__name__
    }
    assert made == {"logins_by_email", "passports_of", "sessions_of", "newest_invitations", "old_invitations"}
