"""How often somebody may ask a registry, and that nobody is taken for somebody else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from hub.buckets import Quota
from hub.registry.limits import Limits, address_of, networks_of
from hub.registry.parts import Parts, opened
from hub.shelves import ShelfConfig, faults
from hub.testing import FakeClock
from hub.web.server import Server
from tests.apps import registry_over
from tests.unit.registry.conftest import PASSWORD, Client, signed_up

V1 = "/registry/v1"


@pytest.fixture
def config() -> ShelfConfig:
    """Of a registry that lets in few."""
    return ShelfConfig(
        listed_after_days=0,
        rate_after_days=0,
        reads_per_minute=6,
        writes_per_minute=4,
        sign_ins_per_minute=3,
        sign_ups_per_day=2,
        proxies=("10.0.0.0/8",),
    )


@pytest.fixture
async def from_afar(config: ShelfConfig, clock: FakeClock, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    """Asks through a proxy that's known."""
    async with opened(config, tmp_path / "other", "http://registry.test", clock, memory=64) as parts:
        app: Any = registry_over(parts)
        transport = ASGITransport(app, client=("10.1.2.3", 5000))
        async with AsyncClient(transport=transport, base_url="http://registry.test") as found:
            yield found


async def test_who_asks_too_often_is_told_when_to_come_again(client: Client, clock: FakeClock) -> None:
    answers = [await client.get(f"{V1}/publishers/nobody") for _ in range(7)]
    refused = answers[-1]

    assert [answer.status_code for answer in answers] == [404] * 6 + [429]
    assert refused.headers["content-type"] == "application/problem+json"
    assert "reads are limited to 6 a minute" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) >= 10
    assert answers[0].headers["ratelimit-policy"] == '"reads";q=6;w=60'
    assert answers[0].headers["ratelimit"] == '"reads";r=5;t=10'
    assert refused.headers["ratelimit"] == '"reads";r=0;t=60'

    await clock.advance(10)
    again = [(await client.get(f"{V1}/publishers/nobody")).status_code for _ in range(2)]
    assert again == [404, 429]


async def test_reading_takes_nothing_from_writing_and_accounts_are_opened_slowly(client: Client) -> None:
    for _ in range(7):
        await client.get(f"{V1}/publishers/nobody")

    for name in ("ann", "bob"):
        await signed_up(client, name)
    third = await client.post(f"{V1}/accounts", json={"name": "eve", "password": PASSWORD})

    assert third.status_code == 429
    assert "sign-ups are limited to 2 a day" in third.json()["detail"]


async def test_passwords_of_one_account_are_tried_slowly_wherever_they_come_from(from_afar: AsyncClient) -> None:
    tries = [
        await from_afar.post(
            f"{V1}/session",
            json={"name": "ann", "password": "wrong horse"},
            headers={"X-Forwarded-For": f"192.0.2.{number}"},
        )
        for number in range(4)
    ]

    assert [answer.status_code for answer in tries] == [403, 403, 403, 429]


async def test_an_account_that_comes_from_many_addresses_is_one(from_afar: AsyncClient) -> None:
    ann = await signed_up(from_afar, "ann")

    answers = [
        await from_afar.get(f"{V1}/me", headers={**ann, "X-Forwarded-For": f"192.0.2.{number}"}) for number in range(7)
    ]

    assert [answer.status_code for answer in answers] == [200] * 6 + [429]


async def test_addresses_behind_a_known_proxy_are_counted_each_for_itself(from_afar: AsyncClient) -> None:
    for number in range(9):
        answer = await from_afar.get(f"{V1}/publishers/no", headers={"X-Forwarded-For": f"192.0.2.{number}"})
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7", "203.0.113.9", " 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9", "unknown"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("local", ["203.0.113.9"], "local"),
    ],
)
def test_only_a_known_proxy_is_believed(peer: str, forwarded: list[str], found: str) -> None:
    assert address_of(peer, forwarded, networks_of(("10.0.0.0/8",))) == found


def test_a_proxy_that_is_no_address_is_told_at_the_start() -> None:
    assert [*faults(ShelfConfig(proxies=("10.0.0.1", "front.example")))] == [
        "registry.proxies: 'front.example' is no address and no network; write 10.0.0.2, or 10.0.0.0/8"
    ]


async def test_buckets_have_a_bound_and_fill_up_evenly(clock: FakeClock) -> None:
    limits = Limits(clock, {"reads": Quota(name="reads", most=60, seconds=60)}, many=1_000)
    for number in range(5_000):
        limits.take("reads", f"address:{number}")
    assert len(limits) == 1_000

    for _ in range(60):
        assert limits.take("reads", "one").allowed
    assert not limits.take("reads", "one").allowed
    for _ in range(200):
        await clock.advance(1)
        assert limits.take("reads", "one").allowed
        assert not limits.take("reads", "one").allowed


async def test_a_body_that_is_too_large_is_refused_before_anybody_looks_who_sends_it(client: Client) -> None:
    answer = await client.post(
        f"{V1}/tokens", content=b"x" * 1_100_000, headers={"Authorization": "Bearer ah_000000000000_" + "x" * 43}
    )

    assert answer.status_code == 413
    assert "1,048,576" in answer.json()["detail"]


async def test_a_registry_by_itself_is_told_of_no_proxy_but_the_configs(parts: Parts) -> None:
    server = Server(registry_over(parts), closing=asyncio.Event(), proxied=False)
    server.config.load()

    assert not isinstance(server.config.loaded_app, ProxyHeadersMiddleware)
