"""Signatures as the standard has them: held against its own vector and its own library."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from hub.flow.webhook_signing import bytes_of, fresh_secret, is_signed, signed

# From the specification of Standard Webhooks.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_standards_own_example_is_signed_as_it_says() -> None:
    key = bytes_of(SECRET)
    assert key
    assert signed([key], ID, AT, BODY) == SIGNATURE


def test_the_standards_own_library_takes_what_is_signed_here() -> None:
    secret, at = fresh_secret(), int(datetime.now(UTC).timestamp())
    old, new = bytes_of(fresh_secret()), bytes_of(secret)
    assert old
    assert new
    headers = {
        "webhook-id": ID,
        "webhook-timestamp": str(at),
        "webhook-signature": signed([old, new], ID, at, BODY),
    }
    assert Webhook(secret).verify(BODY.decode(), headers) == {"test": 2432232314}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY.decode() + " ", headers)
    theirs = Webhook(secret).sign(ID, datetime.fromtimestamp(at, UTC), BODY.decode())
    assert is_signed(new, theirs, ID, at, BODY)


def test_one_signature_of_several_is_enough() -> None:
    key, other = bytes_of(SECRET), bytes_of(fresh_secret())
    assert key
    assert other
    both = signed([other, key], ID, AT, BODY)
    assert len(both.split(" ")) == 2
    assert is_signed(key, both, ID, AT, BODY)
    assert not is_signed(key, signed([other], ID, AT, BODY), ID, AT, BODY)
    assert not is_signed(key, both, ID, AT + 1, BODY)
    assert not is_signed(key, both, "other", AT, BODY)
    assert not is_signed(key, " ".join(["v1,x"] * 10 + [SIGNATURE]), ID, AT, BODY)


def test_a_fresh_secret_is_one_and_another_each_time() -> None:
    one, other = fresh_secret(), fresh_secret()
    assert one != other
    assert len(bytes_of(one) or b"") == 32


@pytest.mark.parametrize(
    "odd", ["", "whsec_", "whsec_!", "whsec_AAAA", "whsec_" + base64.b64encode(b"x" * 65).decode()]
)
def test_what_is_no_secret_has_no_bytes(odd: str) -> None:
    assert bytes_of(odd) is None
