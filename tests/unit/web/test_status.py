"""How the hub is, told over HTTP."""

from hub.flow import lanes
from hub.ports import Add, BridgeInfo
from hub.records import HOME, Address
from hub.testing import FakeBridge, a_message, a_task, an_entry
from tests.unit.web.world import a_world


async def test_health_is_for_everybody_and_readiness_names_what_is_in_the_way() -> None:
    world = await a_world()
    async with world.client("") as client:
        health, ready = await client.get("/healthz"), await client.get("/readyz")
        world.unready.append("the disk is full")
        unready, still = await client.get("/readyz"), await client.get("/healthz")

    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "boot": "boot1"})
    assert (unready.status_code, unready.json()) == (
        503,
        {"ready": False, "boot": "boot1", "reason": "the disk is full"},
    )
    assert unready.headers["retry-after"]
    assert still.status_code == 200


async def test_status_shows_models_queues_tasks_bridges_and_the_store() -> None:
    world = await a_world()
    message = a_message()
    await world.store.commit(Add(a_task(state="working")), Add(message), Add(an_entry(message)))
    async with world.client(await world.key_with("status:read")) as client:
        status = (await client.get("/v1/status")).json()

    assert status["llm"]["state"] == "ready"
    assert set(status["llm"]) >= {"model", "detail", "context", "sha256", "restarts", "tokens_per_second", "threads"}
    assert status["queues"] == {"inbox.ready": 1}
    assert status["tasks"] == {"working": 1}
    (bridge,) = status["bridges"]
    assert (bridge["name"], bridge["state"]) == ("http", "running")
    assert status["router"] == {"rule": "untrained", "model": "scripted"}
    assert status["store"] == {"path": "memory", "bytes": 0}


async def test_status_shows_each_bridge_with_what_waits_to_be_delivered_over_it() -> None:
    world = await a_world(bridges=[FakeBridge("telegram"), FakeBridge("xmpp")])
    message = a_message(address=Address(bridge="telegram", chat="4711:9"))
    waiting = an_entry(message, queue="outbox", lane=lanes.out(HOME, message.address))
    await world.store.commit(Add(message), Add(waiting))
    async with world.client() as client:
        bridges = (await client.get("/v1/status")).json()["bridges"]

    assert [(bridge["name"], bridge["waiting"]) for bridge in bridges] == [("http", 0), ("telegram", 1), ("xmpp", 0)]


async def test_a_bridge_that_is_down_leaves_the_hub_ready() -> None:
    bridge = FakeBridge("telegram")
    bridge.info = BridgeInfo(name="telegram", state="refused", detail="wrong token")
    world = await a_world(bridges=[bridge])
    async with world.client() as client:
        ready, status = await client.get("/readyz"), await client.get("/v1/status")

    assert ready.status_code == 200
    assert status.json()["bridges"][1]["state"] == "refused"


async def test_agents_are_listed_with_their_tools() -> None:
    world = await a_world()
    async with world.client() as client:
        agents = (await client.get("/v1/agents")).json()

    agent = {
        "name": "default",
        "version": "",
        "description": "Helps.",
        "model": "scripted",
        "tools": ["calculate"],
        "origin": "built in",
    }
    assert agents == {"items": [agent], "next": None}


async def test_a_dead_letter_is_shown_with_its_message_and_taken_up_again() -> None:
    world = await a_world()
    message = a_message(state="failed")
    entry = an_entry(message, state="dead", error="the hub died over it three times")
    await world.store.commit(Add(message), Add(entry))
    async with world.client() as client:
        (letter,) = (await client.get("/v1/dead")).json()["items"]
        retried = await client.post(f"/v1/dead/{entry.id}/retry")
        unknown = await client.post("/v1/dead/nothing/retry")

    assert (letter["entry"], letter["error"]) == (entry.id, "the hub died over it three times")
    assert letter["message"]["id"] == message.id
    assert (retried.status_code, retried.json()) == (202, {"entry": entry.id})
    assert world.echo.retried == [entry]
    assert unknown.status_code == 404


async def test_what_isnt_dead_isnt_taken_up_again() -> None:
    world = await a_world()
    message = a_message()
    entry = an_entry(message)
    await world.store.commit(Add(message), Add(entry))
    async with world.client() as client:
        answer = await client.post(f"/v1/dead/{entry.id}/retry")

    assert answer.status_code == 404


async def test_the_openapi_document_is_for_everybody_and_names_errors_and_keys() -> None:
    world = await a_world()
    async with world.client("") as client:
        document = (await client.get("/schema/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path.startswith("/v1") and operation["tags"] != ["openai"]:
                assert {"400", "401", "403", "404", "409", "413", "429", "500", "503"} <= set(operation["responses"])
                assert operation["responses"]["404"] == {"$ref": "#/components/responses/NotFound"}
    assert list(document["components"]["responses"]["NotFound"]["content"]) == ["application/problem+json"]
    assert {"/v1/messages", "/v1/tasks", "/v1/events", "/v1/keys", "/v1/status", "/healthz"} <= set(document["paths"])
