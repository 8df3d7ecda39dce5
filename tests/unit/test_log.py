"""What's logged can be read, and no secret can."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest

from hub.log import HIDDEN, OWN, Redaction, about, configure

FORMS: tuple[Literal["console", "json"], ...] = ("console", "json")
CANARIES = (
    "ah_CanaryCanary-0123456789_abcdef",
    "in_CanaryCanaryCanaryCanaryCanaryCanaryCanary0",
    "whsec_CanaryCanaryCanary+/0=",
    "eyJhbGciOiJub25lIn0.CanaryCanary.canary",
    "123456789:AAcanary-canary_canaryCANARYcanary0123",
    'told canary/with "quotes" & ümlauts',
)
log = logging.getLogger("hub.tests")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for own in OWN:
        logging.getLogger(own).setLevel(logging.NOTSET)
    logging.captureWarnings(capture=False)


def lines(form: Literal["console", "json"], level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure(form, level, secrets=[CANARIES[-1]], stream=stream)
    return stream


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("canary", CANARIES)
def test_a_secret_is_hidden_in_messages_arguments_and_urls(form: Literal["console", "json"], canary: str) -> None:
    stream = lines(form)
    log.info("the key is " + canary)  # noqa: G003 - as careless code would
    log.info("the key is %s", canary)
    log.info("GET https://api.example/bot%s/getMe", canary)
    log.info("headers: %s", {"Authorization": "Bearer " + canary})
    assert stream.getvalue().count(HIDDEN) >= 4
    assert "anary" not in stream.getvalue()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("canary", CANARIES)
def test_a_secret_is_hidden_in_the_text_of_exceptions(form: Literal["console", "json"], canary: str) -> None:
    stream = lines(form)
    secret = canary
    try:
        try:
            raise ValueError(secret)
        except ValueError as cause:
            raise RuntimeError("refused: " + secret) from cause
    except RuntimeError:
        log.exception("failed")
    assert "RuntimeError" in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert "anary" not in stream.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_local_variables_stay_out_of_tracebacks(form: Literal["console", "json"]) -> None:
    stream = lines(form)
    said = "-".join(["what", "a", "person", "wrote"])
    try:
        raise RuntimeError("no", len(said))
    except RuntimeError:
        log.exception("failed")
    assert "what-a-person-wrote" not in stream.getvalue()


def test_a_secret_told_later_is_hidden_from_then_on() -> None:
    redaction = Redaction()
    assert redaction("pass: late-secret") == "pass: late-secret"
    redaction.hide("late-secret", "")
    assert redaction("pass: late-secret") == f"pass: {HIDDEN}"


def test_a_bearer_token_of_any_shape_is_hidden() -> None:
    assert Redaction()("authorization: bearer x.y.z, next") == f"authorization: bearer {HIDDEN} next"


@pytest.mark.parametrize("form", FORMS)
def test_who_and_password_in_an_address_are_hidden(form: Literal["console", "json"]) -> None:
    stream = lines(form)
    log.warning("%s can't be reached", "postgresql://hub:canary@db.example:5432/hub")
    log.warning("headers: %s", {"authorization": "Basic aHViOmNhbmFyeQ=="})

    assert "canary" not in stream.getvalue()
    assert "aHVi" not in stream.getvalue()
    assert "@db.example:5432/hub" in stream.getvalue()


@pytest.mark.parametrize("name", ["uvicorn.error", "aiosqlite", "slixmpp.xmlstream", "a.library.of.tomorrow"])
def test_of_libraries_only_warnings_are_told_at_the_most_talkative(name: str) -> None:
    stream = lines("json", "debug")
    logging.getLogger(name).debug("> TEXT what a person wrote")
    logging.getLogger(name).info("cookie: what a person wrote")
    logging.getLogger("hub.flow").debug("turn %s taken", "t1")

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["turn t1 taken"]


def test_ordinary_lines_are_left_alone() -> None:
    line = "2026-11-22T10:00:00Z turn 0193f00d:12 took 5 ms; ah_ is how keys begin"
    assert Redaction()(line) == line


def test_json_lines_carry_time_level_logger_and_event() -> None:
    stream = lines("json")
    log.warning("message %s kept", "0193")
    kept = json.loads(stream.getvalue())
    assert kept.pop("timestamp").endswith("Z")
    assert kept == {"event": "message 0193 kept", "level": "warning", "logger": "hub.tests", "message": "0193"}


def test_less_than_the_level_is_not_logged() -> None:
    stream = lines("console", "warning")
    log.info("quiet")
    assert stream.getvalue() == ""


def test_ids_are_fields_by_the_word_before_them() -> None:
    stream = lines("json")
    log.info("message %s to %s: 100%% given up, %d left, turn %s", "m1", "telegram", 3, "t1")
    kept = json.loads(stream.getvalue())
    assert (kept["message"], kept["turn"]) == ("m1", "t1")
    assert kept["event"] == "message m1 to telegram: 100% given up, 3 left, turn t1"


async def test_lines_say_what_they_are_about_also_those_of_what_is_begun_there() -> None:
    stream = lines("json")

    async def work() -> None:
        log.info("at work")

    with about(lane="task:1", task="1"):
        await asyncio.create_task(work())
        log.info("turn %s: done", "t1")
    log.info("elsewhere")
    within, last, elsewhere = map(json.loads, stream.getvalue().splitlines())
    assert (within["lane"], within["task"]) == ("task:1", "1")
    assert (last["task"], last["turn"]) == ("1", "t1")
    assert "lane" not in elsewhere
