"""The hub says by itself what's wrong: in its status, in its metrics, and to its owner, once."""

from msgspec.structs import replace

from hub.config import AlertsConfig
from hub.packages.standings import Standings
from hub.ports import Add, BridgeInfo, LLMInfo
from hub.records import HOME, OWNER, PackageId, Provenance, Standing
from hub.testing import NOON, FakeBridge, ScriptedLLM, a_link, a_message, a_package
from tests.stories.day import Day


class Broken(ScriptedLLM):
    """A model whose file is damaged, until it's mended."""

    mended = False

    @property
    def info(self) -> LLMInfo:
        """See LLM."""
        return super().info if self.mended else replace(super().info, state="broken", detail="its file is damaged")


def a_day(llm: ScriptedLLM, *bridges: FakeBridge) -> Day:
    by_name = {bridge.name: bridge for bridge in bridges}
    return Day(llm, bridges=by_name, linked=False, alerts=AlertsConfig(tell_owner=True))


async def test_what_waits_too_long_is_in_the_alerts_and_in_the_metrics() -> None:
    async with Day(ScriptedLLM("Hi!")) as day:
        message = a_message()
        await day.store.commit(Add(message), day.hub.spool.put("inbox", "elsewhere", message, day.clock.now()))
        await day.clock.advance(6 * 60)
        (alert,) = await day.hub.watch.health.look()
        metrics = [metric for part in await day.hub.watch.metrics() for metric in part.collect()]

    assert (alert.name, alert.text) == ("waiting", "1 message waits for an answer, the first for 6 minutes.")
    (told,) = (metric for metric in metrics if metric.name == "agenthost_alerts")
    assert [(sample.labels, sample.value) for sample in told.samples] == [({"name": "waiting", "level": "fault"}, 1.0)]


async def test_a_clock_that_is_set_is_told_of_for_a_day() -> None:
    async with Day(ScriptedLLM("Hi!")) as day:
        day.hub.watch.health.clock_set()
        first = await day.hub.watch.health.look()
        await day.clock.advance(25 * 3600)

        assert [alert.name for alert in first] == ["clock"]
        assert await day.hub.watch.health.look() == ()


async def test_the_owner_is_told_once_in_the_chat_they_linked_last_and_again_when_it_comes_back() -> None:
    llm, bridge, other = Broken("Hi!"), FakeBridge("fake"), FakeBridge("other")
    day = a_day(llm, bridge, other)
    async with day:
        links = [a_link(bridge=name, chat="ann") for name in ("fake", "other")]
        await day.store.commit(*(Add(replace(link, created_at=day.clock.now())) for link in links))
        herald = day.hub.watch.herald
        await herald.look()
        await day.quiet()
        assert other.texts == [], "what passes within a minute isn't told"

        for _ in range(3):
            await herald.look()
            await day.quiet()
        assert len(other.texts) == 1
        assert "its file is damaged" in other.texts[0]
        assert bridge.texts == []

        llm.mended = True
        await herald.look()
        llm.mended = False
        await herald.look()
        await herald.look()
        await day.quiet()
        assert len(other.texts) == 2


async def test_that_a_bridge_is_down_is_told_over_another_one() -> None:
    bridge, other = FakeBridge("fake"), FakeBridge("other")
    other.info = BridgeInfo(name="other", state="refused", detail="wrong token")
    day = a_day(ScriptedLLM("Hi!"), bridge, other)
    async with day:
        await day.store.commit(*(Add(a_link(bridge=name, chat="ann")) for name in ("fake", "other")))
        herald = day.hub.watch.herald
        await herald.look()
        await herald.look()
        await day.quiet()

    assert ["wrong token" in text for text in bridge.texts] == [True]


async def test_without_a_linked_chat_it_stands_on_the_web() -> None:
    day = a_day(Broken("Hi!"))
    async with day:
        herald = day.hub.watch.herald
        await herald.look()
        await herald.look()
        (told,) = await day.store.messages_of_person(HOME, OWNER, limit=10)

    assert (told.role, told.address.bridge, told.address.chat) == ("notice", "http", "owner/main")


async def test_nobody_is_told_unless_the_config_says_so() -> None:
    async with Day(Broken("Hi!")) as day:
        for _ in range(3):
            await day.hub.watch.herald.look()
        assert await day.store.messages_of_person(HOME, OWNER, limit=10) == ()


async def test_that_a_package_was_taken_away_is_told_in_any_case() -> None:
    origin = Provenance(registry="https://registry.example.org", name="ann/echo", sha256="0" * 64, key="1" * 16)
    standing = Standing(
        package=PackageId("echo"),
        version="1.0.0",
        sha256=origin.sha256,
        digest="2" * 64,
        registry=origin.registry,
        revoked="It stole keys.",
        looked_at=NOON,
    )
    async with Day(ScriptedLLM("Hi!")) as day:
        package = a_package()
        package = replace(package, id=standing.package, now=replace(package.now, origin=origin))
        await day.store.commit(Add(package))
        await Standings(day.documents).keep(standing)
        for _ in range(3):
            await day.hub.watch.herald.look()
        (told,) = await day.store.messages_of_person(HOME, OWNER, limit=10)

    assert "echo 1.0.0 was taken away by its registry, and is switched off: It stole keys." in told.text
    assert "agenthost remove echo" in told.text
