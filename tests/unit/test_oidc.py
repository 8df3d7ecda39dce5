"""OpenID Connect: an ID token is believed only if the provider signed it, for us, now, in answer to our question."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from hub.clock import SystemClock
from hub.errors import EgressError, NotAllowed
from hub.issuers import OidcConfig
from hub.oidc import Oidc
from hub.ports import Clock, Vouched
from hub.testing import FakeClock
from tests.unit.issuer import CLIENT, SECRET, Issuer, fresh_keys

BACK = "http://127.0.0.1:8080/sign-in/oidc/work"
STATE, NONCE, VERIFIER = "s" * 43, "n" * 43, "v" * 43


@asynccontextmanager
async def a_provider(clock: Clock | None = None, **options: Any) -> AsyncIterator[tuple[Oidc, Issuer]]:
    """Give a provider's stand-in, and our end."""
    clock = clock or SystemClock()
    async with Issuer(clock=clock).served() as issuer:
        given = {"name": "work", "issuer": issuer.url, "client_id": CLIENT, "client_secret": SECRET, **options}
        yield Oidc(OidcConfig(**given), clock), issuer


async def vouched(oidc: Oidc, issuer: Issuer) -> Vouched:
    """Go there and come back."""
    url = await oidc.ask(redirect=BACK, state=STATE, nonce=NONCE, verifier=VERIFIER)
    back = dict(parse_qsl(urlsplit(issuer.authorize(url)).query))
    return await oidc.vouch(back["code"], redirect=BACK, nonce=NONCE, verifier=VERIFIER, issuer=back.get("iss", ""))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_what_the_provider_signed_is_believed(algorithm: str) -> None:
    async with a_provider() as (oidc, issuer):
        issuer.algorithm = algorithm
        found = [await vouched(oidc, issuer) for _ in range(2)]

    assert found == [Vouched(subject="ann-1", email="ann@example.org", email_verified=True, name="Ann")] * 2
    assert issuer.asked.count("configuration") == issuer.asked.count("jwks") == 1, "they're remembered for a while"


async def test_an_algorithm_that_the_provider_does_not_use_is_not_believed() -> None:
    async with a_provider() as (oidc, issuer):
        issuer.metadata, issuer.algorithm = {"id_token_signing_alg_values_supported": ["RS256"]}, "ES256"
        with pytest.raises(NotAllowed):
            await vouched(oidc, issuer)


@pytest.mark.parametrize(
    "lie",
    ["other key", "none", "hs256 secret", "hs256 public", "no id token", "unknown kid", "garbage", "tampered"],
)
async def test_an_id_token_that_the_provider_did_not_sign_vouches_for_nobody(lie: str) -> None:
    async with a_provider() as (oidc, issuer):
        issuer.lie = lie
        issuer.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "ES256"]}
        with pytest.raises(NotAllowed, match="work: the identity provider vouches for nobody"):
            await vouched(oidc, issuer)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": ["another-client"]},
        {"aud": [CLIENT, "another-client"]},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
async def test_an_id_token_for_somebody_else_or_another_time_or_question_vouches_for_nobody(
    claims: dict[str, Any],
) -> None:
    async with a_provider() as (oidc, issuer):
        issuer.claims = claims
        with pytest.raises(NotAllowed, match="vouches for nobody"):
            await vouched(oidc, issuer)


async def test_a_token_for_several_is_for_us_if_it_says_so_and_a_clock_may_be_a_minute_off() -> None:
    clock = FakeClock()
    async with a_provider(clock) as (oidc, issuer):
        issuer.claims = {"aud": [CLIENT, "another-client"], "azp": CLIENT, "exp": int(clock.now().timestamp()) - 50}
        assert (await vouched(oidc, issuer)).subject == "ann-1"


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
        {"filler": "x" * (1 << 20)},
    ],
    ids=lambda metadata: next(iter(metadata)),
)
async def test_what_a_provider_tells_about_itself_is_held_against_what_it_must_be(metadata: dict[str, Any]) -> None:
    async with a_provider() as (oidc, issuer):
        issuer.metadata = metadata
        with pytest.raises(EgressError, match="work: the identity provider "):
            await vouched(oidc, issuer)


async def test_a_secret_is_proved_as_the_provider_takes_it_and_a_wrong_one_gets_nothing() -> None:
    async with a_provider(client_secret="another") as (oidc, issuer):
        with pytest.raises(NotAllowed, match="didn't take the code") as refused:
            await vouched(oidc, issuer)

    assert "another" not in str(refused.value)


async def test_a_provider_changes_its_keys_and_goes_on() -> None:
    """They're asked for again a minute after the last time, so that nobody has us ask without end."""
    clock = FakeClock()
    async with a_provider(clock) as (oidc, issuer):
        await vouched(oidc, issuer)
        issuer.keys = fresh_keys("2")
        with pytest.raises(NotAllowed):
            await vouched(oidc, issuer)
        await clock.advance(61)
        assert (await vouched(oidc, issuer)).subject == "ann-1"

    assert issuer.asked.count("jwks") == 2
