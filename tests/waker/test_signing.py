"""A signature is good for one request, for five minutes, once."""

import pytest

from hub.signing import REMEMBERED, WINDOW, Checker, sign

TOKEN = "k" * 32
NOW = 1_790_000_000.0


def test_what_the_tokens_holder_signed_is_taken_once() -> None:
    checker, signature = Checker(TOKEN), sign(TOKEN, "POST", "/v1/waker/drain", b"{}", NOW)
    assert checker.good(signature, "POST", "/v1/waker/drain", b"{}", NOW + 1)
    assert not checker.good(signature, "POST", "/v1/waker/drain", b"{}", NOW + 2)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/a", b"x"), ("POST", "/b", b"x"), ("POST", "/a?b=1", b"x"), ("POST", "/a", b"y"), ("POST", "/a", b"")],
)
def test_it_is_for_that_very_request(method: str, path: str, body: bytes) -> None:
    assert not Checker(TOKEN).good(sign(TOKEN, "POST", "/a", b"x", NOW), method, path, body, NOW)


@pytest.mark.parametrize("off", [-WINDOW - 2, WINDOW + 2])
def test_it_is_for_minutes_only(off: float) -> None:
    assert not Checker(TOKEN).good(sign(TOKEN, "GET", "/a", b"", NOW), "GET", "/a", b"", NOW + off)


def test_presence_is_not_validity() -> None:
    checker = Checker(TOKEN)
    forged = sign("x" * 32, "GET", "/a", b"", NOW)
    for signature in ("", "t=1", forged, forged.replace("v=", "v=0"), sign(TOKEN, "GET", "/a", b"", NOW) + " ", "é"):
        assert not checker.good(signature, "GET", "/a", b"", NOW)
    assert not Checker("").good(sign("", "GET", "/a", b"", NOW), "GET", "/a", b"", NOW)


def test_a_flood_makes_it_forget_no_signature_that_could_be_used_again() -> None:
    checker, first = Checker(TOKEN), sign(TOKEN, "GET", "/a", b"", NOW)
    assert checker.good(first, "GET", "/a", b"", NOW)
    for _ in range(REMEMBERED + 10):
        checker.good(sign(TOKEN, "GET", "/a", b"", NOW), "GET", "/a", b"", NOW)
    assert not checker.good(first, "GET", "/a", b"", NOW + 1)
    later = NOW + 3 * WINDOW
    assert checker.good(sign(TOKEN, "GET", "/a", b"", later), "GET", "/a", b"", later)
