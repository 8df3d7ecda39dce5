"""`agenthost tenants`, and keys with a fresh secret, against a real web."""

import json

from click.testing import CliRunner, Result

from hub.__main__ import load
from hub.records import TenantId
from tests.unit.cli.conftest import Running


def run(hub: Running, command: str, *args: str) -> Result:
    done: Result = CliRunner().invoke(load(command), list(args), env=hub.environ)
    return done


def test_tenants_are_made_listed_suspended_and_resumed(hub: Running) -> None:
    options = ("--messages", "100", "--money", "2.5", "--agent", "default")
    made = json.loads(run(hub, "tenants", "create", "Bea & Co", *options, "--json").stdout)
    shown = run(hub, "tenants", "create", "Plain")
    listed = run(hub, "tenants", "list")
    as_json = json.loads(run(hub, "tenants", "list", "--json").stdout)["items"]
    suspended = run(hub, "tenants", "suspend", made["id"])
    state = {each["id"]: each for each in json.loads(run(hub, "tenants", "list", "--json").stdout)["items"]}
    resumed = json.loads(run(hub, "tenants", "resume", made["id"], "--json").stdout)
    unknown = run(hub, "tenants", "suspend", "nobody")

    assert made["key"].startswith("ah_")
    assert hub.do(hub.hub.people.whose(made["key"])) is not None
    assert shown.stdout.startswith("ah_")
    assert "messages 100, money 2.5" in " ".join(listed.stdout.split())
    assert {each["name"] for each in as_json} == {"Home", "Bea & Co", "Plain"}
    assert suspended.output.strip() == "Suspended: Bea & Co"
    assert state[made["id"]]["suspended_at"]
    assert resumed["suspended_at"] is None
    assert (unknown.exit_code, "nobody" in unknown.output) == (1, True)
    tenant = hub.do(hub.hub.store.tenant(TenantId(made["id"])))
    assert tenant
    assert (tenant.quotas.messages, tenant.quotas.tokens, tenant.agents) == (100, None, ("default",))


def test_a_key_is_rotated_and_the_listing_says_when_it_was_used(hub: Running) -> None:
    made = json.loads(run(hub, "keys", "create", "reader", "--scopes", "messages:read", "--json").stdout)
    fresh = json.loads(run(hub, "keys", "rotate", made["id"], "--overlap", "2h", "--json").stdout)
    both = [hub.do(hub.hub.people.whose(secret)) for secret in (made["key"], fresh["key"])]
    ended = run(hub, "keys", "rotate", made["id"], "--overlap", "0")
    wrong = run(hub, "keys", "rotate", made["id"], "--overlap", "soon")
    keys = {key["id"]: key for key in json.loads(run(hub, "keys", "list", "--json").stdout)["items"]}
    listed = run(hub, "keys", "list")

    assert fresh["id"] == made["id"]
    assert [key.id for key in both if key] == [made["id"]] * 2
    assert ended.stdout.startswith(f"ah_{made['id']}_")
    assert hub.do(hub.hub.people.whose(fresh["key"])) is None
    assert (wrong.exit_code, "--overlap: 'soon'" in wrong.output) == (2, True)
    assert keys[made["id"]]["last_used"] == hub.hub.clock.now().date().isoformat()
    assert "used" in listed.stdout
