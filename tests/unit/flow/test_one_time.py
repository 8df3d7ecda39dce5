"""Codes that are good once."""

from datetime import UTC, datetime, timedelta

import pyotp

from hub.flow.one_time import hash_of, new_recovery_codes, new_secret, step_of, uri_of
from hub.testing import NOON

RFC = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""RFC 6238's secret, whose codes it lists."""


def test_codes_are_those_of_rfc_6238() -> None:
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert step_of(RFC, code, datetime.fromtimestamp(seconds, UTC), 0) == seconds // 30


def test_a_clock_may_be_a_step_off_either_way_and_no_more() -> None:
    secret = new_secret()
    now = int(NOON.timestamp()) // 30
    for steps, fits in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = pyotp.TOTP(secret).generate_otp(now + steps)
        assert step_of(secret, code, NOON, 0) == (now + steps if fits else None)


def test_a_code_is_taken_only_if_it_is_newer_than_the_last_one() -> None:
    secret, later = new_secret(), NOON + timedelta(seconds=30)
    code = pyotp.TOTP(secret).at(NOON)
    used = step_of(secret, code, NOON, 0)
    assert used is not None
    assert step_of(secret, code, later, used) is None
    assert step_of(secret, pyotp.TOTP(secret).at(later), later, used) == used + 1


def test_a_code_may_be_written_with_spaces_and_what_is_none_is_wrong() -> None:
    code = pyotp.TOTP(RFC).at(NOON)
    assert step_of(RFC, f" {code[:3]} {code[3:]}", NOON, 0)
    for odd in ("", "abcdef", code[:5], code + "0", "\uff11" * 6, "\ud800"):
        assert step_of(RFC, odd, NOON, 0) is None


def test_an_app_reads_whose_secret_it_is_and_where() -> None:
    parsed = pyotp.parse_uri(uri_of(RFC, "ann@example.org", "AgentHost"))

    assert (parsed.secret, parsed.name, parsed.issuer) == (RFC, "ann@example.org", "AgentHost")


def test_ten_recovery_codes_are_random_and_found_however_they_are_written() -> None:
    codes = new_recovery_codes()

    assert len(set(codes)) == 10
    assert all(len(code) == 19 for code in codes)
    assert hash_of(codes[0]) == hash_of(codes[0].upper().replace("-", " ")) != hash_of(codes[1])
