"""Every sentence that ports.Voucher promises, over OpenID Connect and the fake."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import pytest

from hub.clock import SystemClock
from hub.errors import EgressError, NotAllowed
from hub.issuers import OidcConfig
from hub.oidc import Oidc
from hub.ports import Vouched, Voucher
from hub.testing import FakeVoucher
from tests.unit.issuer import CLIENT, SECRET, Issuer

ANN = Vouched(subject="ann-1", email="ann@example.org", email_verified=True, name="Ann")
BACK = "http://127.0.0.1:8080/sign-in/oidc/work"
STATE, NONCE, VERIFIER = "s" * 43, "n" * 43, "v" * 43


@dataclass
class Stage:
    """A provider, and the person in front of it."""

    voucher: Voucher
    say_yes: Callable[[str], str]
    """Takes where the browser was sent; returns the code that it brings back."""
    away: Voucher

    @property
    def given(self) -> dict[str, str]:
        return {"redirect": BACK, "nonce": NONCE, "verifier": VERIFIER, "issuer": self.voucher.issuer}

    async def code(self) -> str:
        url = await self.voucher.ask(redirect=BACK, state=STATE, nonce=NONCE, verifier=VERIFIER)
        return self.say_yes(url)


@pytest.fixture(params=["oidc", "fake"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "fake":
        fake, away = FakeVoucher(), FakeVoucher()
        away.away = True
        yield Stage(fake, fake.say_yes, away)
        return
    async with Issuer().served() as issuer:
        config = OidcConfig(name="work", issuer=issuer.url, client_id=CLIENT, client_secret=SECRET)
        nowhere = OidcConfig(name="away", issuer="http://127.0.0.1:9", client_id=CLIENT)

        def say_yes(url: str) -> str:
            return dict(parse_qsl(urlsplit(issuer.authorize(url)).query))["code"]

        yield Stage(Oidc(config, SystemClock()), say_yes, Oidc(nowhere, SystemClock()))


async def test_the_person_is_sent_to_the_provider_with_the_state_and_comes_back_as_who_they_are(stage: Stage) -> None:
    url = await stage.voucher.ask(redirect=BACK, state=STATE, nonce=NONCE, verifier=VERIFIER)

    assert url.startswith(stage.voucher.issuer)
    assert dict(parse_qsl(urlsplit(url).query))["state"] == STATE
    assert await stage.voucher.vouch(stage.say_yes(url), **stage.given) == ANN


@pytest.mark.parametrize(
    "other", [{"redirect": BACK + "x"}, {"nonce": "x"}, {"verifier": "x" * 43}, {"issuer": "https://evil.example"}]
)
async def test_an_answer_to_another_question_vouches_for_nobody(stage: Stage, other: dict[str, str]) -> None:
    with pytest.raises(NotAllowed, match="vouches for nobody"):
        await stage.voucher.vouch(await stage.code(), **{**stage.given, **other})


async def test_a_code_is_good_once_and_a_made_up_one_never(stage: Stage) -> None:
    code = await stage.code()
    assert await stage.voucher.vouch(code, **stage.given) == ANN

    for refused in (code, "made-up"):
        with pytest.raises(NotAllowed):
            await stage.voucher.vouch(refused, **stage.given)


async def test_a_provider_that_is_away_is_told(stage: Stage) -> None:
    with pytest.raises(EgressError, match="can't be reached"):
        await stage.away.ask(redirect=BACK, state=STATE, nonce=NONCE, verifier=VERIFIER)
    with pytest.raises(EgressError, match="can't be reached"):
        await stage.away.vouch("code", redirect=BACK, nonce=NONCE, verifier=VERIFIER)
