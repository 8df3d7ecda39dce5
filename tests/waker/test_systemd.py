"""A hub as a systemd unit, by a stand-in for systemctl: what it's called with, and what each state means."""

from pathlib import Path

import pytest

from hub.waker.providers import ProviderFault, State
from hub.waker.providers.systemd import SystemdConfig, SystemdProvider, faults
from tests.waker.units import Units


@pytest.fixture
def units(tmp_path: Path) -> Units:
    return Units(tmp_path)


@pytest.fixture
def systemd(units: Units) -> SystemdProvider:
    return SystemdProvider(SystemdConfig(unit="agenthost.service", systemctl=str(units.program)))


async def test_a_unit_is_started_and_stopped_however_often_that_is_asked(
    units: Units, systemd: SystemdProvider
) -> None:
    assert (await systemd.describe()).state == "stopped"
    for _ in range(2):
        await systemd.start()
        assert (await systemd.describe()).state == "running"
    for _ in range(2):
        await systemd.stop()
        assert (await systemd.describe()).state == "stopped"
    assert units.asked[1] == "--no-pager --no-ask-password --no-block start -- agenthost.service"
    assert units.asked[-2] == "--no-pager --no-ask-password --no-block stop -- agenthost.service"


async def test_a_users_unit_is_asked_of_the_users_systemd(units: Units) -> None:
    config = SystemdConfig(unit="agenthost.service", user=True, systemctl=str(units.program))
    await SystemdProvider(config).describe()
    assert units.asked[0].startswith("--user ")


@pytest.mark.parametrize(
    ("active", "sub", "more", "state", "detail"),
    [
        ("active", "running", {}, "running", ""),
        ("reloading", "reload", {}, "running", ""),
        ("activating", "start", {}, "starting", ""),
        ("activating", "auto-restart", {"Result": "signal", "ExecMainStatus": "9"}, "starting", "it failed by signal"),
        ("deactivating", "stop-sigterm", {}, "stopping", ""),
        ("inactive", "dead", {}, "stopped", ""),
        ("inactive", "dead", {"Job": "4711"}, "starting", ""),
        ("inactive", "dead", {"LoadState": "not-found"}, "missing", "there's no unit agenthost.service"),
        ("inactive", "dead", {"LoadState": "masked"}, "stopped", "its unit is masked"),
        ("inactive", "dead", {"LoadState": "bad-setting"}, "stopped", "its unit is bad-setting"),
        ("failed", "failed", {"Result": "exit-code", "ExecMainStatus": "78"}, "stopped", "it failed by exit-code"),
        ("failed", "failed", {"Result": "oom-kill", "ExecMainStatus": "9"}, "stopped", "it failed by oom-kill, with 9"),
        ("failed", "failed", {"Result": "start-limit-hit"}, "stopped", "it failed by start-limit-hit"),
        ("failed", "failed", {"Result": "timeout"}, "stopped", "it failed by timeout"),
    ],
)
async def test_every_state_of_a_unit_is_understood(
    units: Units, systemd: SystemdProvider, active: str, sub: str, more: dict[str, str], state: State, detail: str
) -> None:
    units.be(ActiveState=active, SubState=sub, **more)
    found = await systemd.describe()
    assert found.state == state
    assert found.detail.startswith(detail)
    assert bool(found.detail) == bool(detail)


async def test_a_state_that_nobody_knows_is_no_reason_to_do_anything(units: Units, systemd: SystemdProvider) -> None:
    units.be(ActiveState="hibernating")
    with pytest.raises(ProviderFault, match=r"agenthost\.service: .* 'hibernating'"):
        await systemd.describe()


async def test_what_ends_at_once_is_stopped_with_what_it_ended_with(units: Units, systemd: SystemdProvider) -> None:
    units.be(EndsAtOnce="78")
    await systemd.start()
    found = await systemd.describe()
    assert (found.state, found.detail) == ("stopped", "it failed by exit-code, with 78")


async def test_a_refusal_is_told_in_systemds_words(units: Units, systemd: SystemdProvider) -> None:
    units.be(Refuses="Failed to start agenthost.service: Interactive authentication required.")
    for ask in (systemd.start, systemd.stop):
        with pytest.raises(ProviderFault, match=r"ended with 1: .*Interactive authentication required"):
            await ask()


async def test_a_unit_that_is_not_there_cannot_be_started(units: Units, systemd: SystemdProvider) -> None:
    units.be(LoadState="not-found")
    with pytest.raises(ProviderFault, match=r"Unit agenthost\.service not found"):
        await systemd.start()
    await systemd.stop()


async def test_yes_is_not_believed(units: Units, systemd: SystemdProvider) -> None:
    units.be(Lies="yes")
    await systemd.start()
    assert (await systemd.describe()).state == "stopped"


async def test_without_systemctl_the_fault_says_so() -> None:
    provider = SystemdProvider(SystemdConfig(unit="agenthost.service", systemctl="/no/systemctl"))
    with pytest.raises(ProviderFault, match="/no/systemctl: can't be run"):
        await provider.describe()


@pytest.mark.parametrize(
    ("unit", "good"),
    [
        ("agenthost.service", True),
        ("agenthost@one-1.service", True),
        ("", False),
        ("agenthost", False),
        ("-H.service", False),
        ("a b.service", False),
        ("../x.service", False),
    ],
)
def test_a_units_name_is_looked_at_before_it_is_used(unit: str, good: bool) -> None:
    found = list(faults(SystemdConfig(unit=unit)))
    assert found == [] if good else "systemd.unit: name the unit" in found[0]
