"""Every kind of secret that a hub takes, through every path at every log level: it's found nowhere afterwards.

A real hub in a process of its own, beside it a registry; what it asks outside repeats whatever it's told. Then its log
is looked through, its files, a dump of its databases, a backup, what its model was asked, each answer and each export.
At rest, in the data folder: owner.key is the owner's key; apps' secrets, webhooks' and inlets' are sealed by keys in
files beside the database (sign-in.key, webhooks.key), passwords are argon2id, codes scrypt, all else SHA-256 of 256
random bits.

Once at the most talkative and once at what hubs run with; AGENTHOST_CANARY_LEVELS=all for each level.
"""

import base64
import io
import os
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import httpx
import pyotp
import pytest

from tests.stories.canaries import Aviary, files, forms, fresh
from tests.stories.elsewhere import ANSWER, Elsewhere, elsewhere
from tests.stories.secretive import PATIENCE, configured, running

KEPT_OPENLY = ("owner.key",)
"""Files in the data folder that are a secret, for its user alone."""
LEVELS = [("debug", "json"), ("warning", "console")]
if os.environ.get("AGENTHOST_CANARY_LEVELS") == "all":
    LEVELS += [("info", "console"), ("error", "json")]


@dataclass
class Story:
    """A hub that runs, whom it asks, and what's looked for."""

    url: str
    folder: Path
    world: Elsewhere
    birds: Aviary
    owner: str
    config: Path
    bea: dict[str, str] = field(default_factory=dict)
    """The cookies of somebody who signs in by a password and an app."""

    def client(self, key: str | None = None) -> httpx.Client:
        """Return a client whose answers are all looked through at the end, but for what they're asked to show."""
        headers = {"Authorization": f"Bearer {self.owner if key is None else key}"} if key != "" else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)

    def refused(self, answer: httpx.Response, *, repeats: str = "") -> None:
        """Note an answer that must have been a no, and must say nothing of what came along.

        Only what nobody can tell from an address or a field's name may be said back to whoever sent it as such.
        """
        assert 400 <= answer.status_code < 500, (answer.request.url.path, answer.status_code, answer.text)
        said = answer.content.replace(repeats.encode(), b"") if repeats else answer.content
        self.birds.saw(f"the answer to {answer.request.method} {answer.request.url.path}", said)


@pytest.mark.parametrize(("level", "form"), LEVELS)
def test_no_secret_is_found_anywhere_afterwards(tmp_path: Path, level: str, form: str) -> None:
    with elsewhere() as world:
        birds = Aviary()
        config, owner = configured(tmp_path, world, birds, level, form)
        with running(tmp_path, config, owner, birds) as url:
            story = Story(url, tmp_path, world, birds, owner, config)
            for path in PATHS:
                path(story)
            # The level changes what's logged, and nothing of this.
            if level == "debug":
                shown(story)
                for command in ("check", "doctor", "status"):
                    birds.saw(f"agenthost {command}", agenthost(story, command, "--json"))
                birds.saw("agenthost backup", agenthost(story, "backup", str(tmp_path / "hub.zip")))
        birds.saw("the log", (tmp_path / "log").read_bytes())
        for where, data in files(tmp_path / "data", but=KEPT_OPENLY):
            birds.saw(f"data/{where}", data)
        for where, data in files(tmp_path, but=("config.toml", "log", *KEPT_OPENLY)):
            birds.saw(where, data)
        for prompt in world.prompts:
            birds.saw("a prompt", prompt)

    assert world.prompts
    assert world.told
    assert len(birds.birds) >= 40, sorted(birds.birds)
    seen = {where for where, data in birds.seen if data}
    assert {"a prompt", "data/hub.db as a dump", "a message's answer"} <= seen, sorted(seen)
    if level == "debug":
        assert {"hub.zip/hub.db", "GET /v1/people/me/export", "GET /v1/keys", "agenthost doctor"} <= seen, sorted(seen)
        assert (tmp_path / "log").stat().st_size > 1000
    assert not (flown := birds.flown()), "\n".join(flown)
    assert not (hashed := birds.hashed()), "\n".join(hashed)


# --- the command line


def agenthost(story: Story, *arguments: str) -> bytes:
    """Return all that a command prints; it may find faults, but not stumble."""
    command = [sys.executable, "-m", "hub", *arguments]
    if arguments[0] != "status":
        command += ["--config", str(story.config)]
    if arguments[0] in ("doctor", "backup"):
        command += ["--data", str(story.folder / "data")]
    environ = {**os.environ, "AGENTHOST_KEY": story.owner, "AGENTHOST_URL": story.url}
    done = subprocess.run(command, capture_output=True, check=False, env=environ, timeout=PATIENCE)
    assert b"Traceback" not in done.stderr
    assert b"No such option" not in done.stderr, done.stderr
    return done.stdout + done.stderr


# --- the paths


def say_things(story: Story) -> None:
    """Have the model answer, complain with all that it was sent, and be away."""
    with story.client() as owner:
        for status in (200, 401, 500, 200):
            story.world.status = status
            said = owner.post("/v1/messages?wait=20", json={"text": f"Hello {status}?"})
            assert said.status_code in (200, 202)
            story.birds.saw("a message's answer", said.content)
        assert ANSWER in owner.get("/v1/messages").text


def sign_in_by_a_link(story: Story) -> None:
    put = story.birds.put
    with story.client() as owner, story.client("") as browser:
        code = put("a sign-in code", owner.post("/v1/sign-in/links").json()["url"].partition("#")[2])
        assert browser.post("/v1/sign-in", json={"code": code}).status_code == 204
        put("a session", browser.cookies["agenthost_session"])
        story.refused(browser.post("/v1/sign-in", json={"code": f"{code}x"}))
        story.refused(browser.post("/v1/sign-in", json={"code": [code]}))
        story.refused(browser.post("/v1/sign-in", json={"kode": code}))
        story.refused(browser.post("/v1/sign-in", content=f'{{"code": "{code}'))


def be_invited_and_sign_in_by_name(story: Story) -> None:
    """Invitation, password, authenticator app, recovery codes, each also wrong and in wrong places."""
    put, birds = story.birds.put, story.birds
    password, other = (put(what, fresh("word")) for what in ("a password", "another password"))
    birds.weak |= {"a password": password, "another password": other}
    given = {"email": "bea@example.org", "name": "Bea", "password": password}
    with story.client() as owner, story.client("") as bea:
        code = put("an invitation", owner.post("/v1/invitations", json={}).json()["url"].partition("#")[2])
        assert bea.post("/v1/invitations/look", json={"code": code}).status_code == 200
        story.refused(bea.post("/v1/invitations/accept", json={**given, "code": code, "password": [password]}))
        assert bea.post("/v1/invitations/accept", json={**given, "code": code}).status_code == 200
        story.refused(bea.post("/v1/invitations/accept", json={**given, "code": code}))
        put("Bea's session", bea.cookies["agenthost_session"])
        bea.get("/v1/whoami")
        bea.headers["x-csrftoken"] = bea.cookies["csrftoken"]
        _set_up_an_app(story, bea, password)
        assert bea.put("/v1/account/password", json={"old": password, "new": other}).status_code < 300
    with story.client("") as stranger:
        signing = {"email": "bea@example.org", "password": other}
        story.refused(stranger.post("/v1/sign-in/password", json={**signing, "password": f"{password}x"}))
        story.refused(stranger.post("/v1/sign-in/password", json={"email": [password], "password": other}))
        story.refused(stranger.post("/v1/sign-in/password", json={password: other}), repeats=password)
        story.refused(stranger.post(f"/v1/sign-in/{password}", json=signing), repeats=password)
        assert stranger.post("/v1/sign-in/password", json=signing).json()["next"] == "code"
        put("how far somebody has come", stranger.cookies["agenthost_step"])
        story.refused(stranger.post("/v1/sign-in/code", json={"code": f"{birds.birds['recovery code 0']}x"}))
        assert stranger.post("/v1/sign-in/code", json={"code": birds.birds["recovery code 0"]}).status_code == 200
        put("what makes a browser known", stranger.cookies["agenthost_device"])
        put("Bea's later session", stranger.cookies["agenthost_session"])
        story.bea = dict(stranger.cookies)


def _set_up_an_app(story: Story, bea: httpx.Client, password: str) -> None:
    begun = bea.post("/v1/account/totp", headers={"Idempotency-Key": "app"}).json()
    secret = story.birds.put("an app's secret", begun["secret"])
    story.birds.raw["an app's secret"] = base64.b32decode(secret + "=" * (-len(secret) % 8))
    given = {"setting_up": begun["setting_up"], "password": password}
    story.refused(bea.post("/v1/account/totp/confirm", json={**given, "code": "000000", "password": f"{password}x"}))
    given["code"] = pyotp.TOTP(secret).now()
    story.birds.weak["a body with a password"] = bea.build_request("POST", "/", json=given).content.decode()
    confirmed = bea.post("/v1/account/totp/confirm", json=given, headers={"Idempotency-Key": "confirm"})
    assert confirmed.status_code == 200, confirmed.text
    for number, each in enumerate(confirmed.json()["recovery"]):
        story.birds.put(f"recovery code {number}", each)


def make_keys(story: Story) -> None:
    put = story.birds.put
    with story.client() as owner:
        once = {"Idempotency-Key": "key"}
        wish = {"name": "a program", "scopes": ["messages:read", "messages:write"]}
        made = owner.post("/v1/keys", json=wish, headers=once).json()
        put("an API key", made["key"])
        story.refused(owner.post("/v1/keys", json=wish, headers=once))
        rotated = owner.post(f"/v1/keys/{made['id']}/rotate", json={}).json()
        put("a rotated key", rotated["key"])
        tenant = owner.post("/v1/tenants", json={"name": "Bea & Co"}).json()
        put("a tenant's key", tenant["key"])
        put("a code that links an account", owner.post("/v1/pairings").json()["code"])
        for path in (f"/v1/keys/{rotated['key']}x", f"/v1/whoami?key={made['key']}", "/v1/nothing"):
            with story.client(made["key"] + "x") as thief:
                story.refused(thief.delete(path) if "/keys/" in path else thief.get(path))
        story.refused(owner.post("/v1/messages", json={"text": 1, "password": made["key"]}))
    with story.client("") as nobody:
        for scheme in ("Basic", "Token", "bearer", "Bearer x"):
            given = put(f"what was sent as {scheme}", fresh("auth"))
            story.refused(nobody.get("/v1/whoami", headers={"Authorization": f"{scheme} {given}"}))
        given = put("a token in an address", fresh("address"))
        story.refused(nobody.get(f"/v1/tasks?access_token={given}&token={given}"))
        story.refused(nobody.get(f"/v1/people/{given}/export"), repeats=given)


def let_systems_write_and_be_told(story: Story) -> None:
    put = story.birds.put
    with story.client() as owner, story.client("") as system:
        made = owner.post("/v1/hooks/in", json={"name": "builds", "source": "github"}).json()
        token = put("an inlet's token", made["url"].rpartition("/")[2])
        put("an inlet's secret", made["secret"])
        given = put("an inlet's own secret", fresh("inlet"))
        bearer = {"name": "alarms", "proof": "bearer", "secret": given}
        alarms = owner.post("/v1/hooks/in", json=bearer).json()["url"].rpartition("/")[2]
        story.refused(system.post(f"/in/{token}", json={"a": 1}, headers={"X-Hub-Signature-256": "sha256=0"}))
        story.refused(system.post(f"/in/{token}x", json={"a": 1}))
        story.refused(system.post(f"/in/{alarms}", json={"a": 1}, headers={"Authorization": f"Bearer {given}x"}))
        proved = {"Authorization": f"Bearer {given}"}
        assert system.post(f"/in/{alarms}", json={"a": 1}, headers=proved).status_code == 202
        put("where alarms write", alarms)
        for path in ("works", "fails"):
            wish = {"url": f"{story.world.url}/{path}", "events": ["message.accepted"]}
            hook = owner.post("/v1/webhooks", json=wish, headers={"Idempotency-Key": path}).json()
            put(f"what signs for one that {path}", hook["secret"])
            story.birds.saw("a webhook's test", owner.post(f"/v1/webhooks/{hook['webhook']['id']}/test").content)
            fresh_one = owner.post(f"/v1/webhooks/{hook['webhook']['id']}/secret", json={}).json()
            put(f"what signs later for one that {path}", fresh_one["secret"])
        for given in (story.birds.birds["hook"], f"{story.birds.birds['hook']}x", ""):
            hooked = system.post("/telegram/telegram", content=b"{", headers={TELEGRAM: given})
            assert hooked.status_code >= 400
            story.birds.saw("what Telegram is answered", hooked.content)


TELEGRAM = "X-Telegram-Bot-Api-Secret-Token"


def give_passes(story: Story) -> None:
    with story.client() as owner, story.client("") as guest:
        embed = owner.post("/v1/embeds", json={"name": "Shop", "origins": ["https://shop.example"]}).json()["id"]
        token = owner.post(f"/v1/embeds/{embed}/passes", json={"external": "c1"}).json()["token"]
        # How it begins says which algorithm it is, and is no secret.
        story.birds.put("a pass", token.rpartition(".")[2])
        given = {"Authorization": f"Bearer {token}"}
        assert guest.get(f"/embed/{embed}/messages", headers=given).status_code == 200
        story.refused(guest.get(f"/embed/{embed}/messages", headers={"Authorization": f"Bearer x{token}"}))
        story.refused(guest.get(f"/embed/{embed}/messages?pass={token}"))


def come_from_a_provider(story: Story) -> None:
    code = story.birds.put("a provider's code", fresh("code"))
    with story.client("") as browser:
        asked = browser.post("/v1/sign-in/oidc/work", json={}).json()["url"]
        state = httpx.URL(asked).params["state"]
        story.birds.put("a way to a provider", browser.cookies["agenthost_way"])
        back = browser.get("/sign-in/oidc/work", params={"code": code, "state": state})
        assert (back.status_code, back.headers["location"]) == (303, "/sign-in#!provider-said-no")
        story.birds.saw("a redirect", str(back.headers.multi_items()))


def publish(story: Story) -> None:
    """Beside the hub, a registry: an account, its session, its tokens."""
    put, birds = story.birds.put, story.birds
    password = put("a publisher's password", fresh("publisher"))
    birds.weak["a publisher's password"] = password
    with story.client("") as ann:
        given = {"name": "ann", "publisher": "ann", "email": "ann@example.org", "password": password}
        birds.weak["a publisher's sign-up"] = ann.build_request("POST", "/", json=given).content.decode()
        made = ann.post("/registry/v1/accounts", json=given, headers={"Idempotency-Key": "ann"})
        token = put("a publisher's session", made.json()["token"])
        story.refused(ann.post("/registry/v1/session", json={"name": "ann", "password": f"{password}x"}))
        story.refused(ann.post("/registry/v1/session", json={"name": "ann", "password": [password]}))
    with story.client(token) as ann:
        fresh_one = ann.post("/registry/v1/tokens", json={"name": "laptop", "scopes": []})
        if fresh_one.status_code == 201:
            put("a publisher's token", fresh_one.json()["token"])


PATHS = (
    sign_in_by_a_link,
    be_invited_and_sign_in_by_name,
    make_keys,
    let_systems_write_and_be_told,
    give_passes,
    come_from_a_provider,
    publish,
    say_things,
)


# --- what's shown afterwards


def shown(story: Story) -> None:
    """Read everything that the owner can read without saying which, and the exports; some come as zips."""
    with story.client() as owner:
        document = owner.get("/schema/openapi.json")
        story.birds.saw("the OpenAPI document", document.content)
        plain = [path for path, item in document.json()["paths"].items() if "get" in item and "{" not in path]
        assert len(plain) >= 20
        # Streams have no end.
        finite = sorted(path for path in plain if not path.endswith("/events"))
        for path in (*finite, "/metrics", "/healthz", "/readyz", "/"):
            answer = owner.get(path)
            assert answer.status_code < 500, (path, answer.text)
            story.birds.saw(f"GET {path}", answer.content)
        tasks = owner.get("/v1/tasks").json()["items"]
        for path in ("/v1/usage?format=csv", "/v1/audit/export", f"/v1/tasks/{tasks[0]['id']}/timeline?format=csv"):
            answer = owner.get(path)
            assert answer.status_code == 200, (path, answer.text)
            story.birds.saw(f"GET {path}", answer.content)
        _exported(story, "me", owner)
    with story.client("") as bea:
        bea.cookies.update(story.bea)
        assert bea.get("/v1/whoami").status_code == 200
        for path in ("/v1/whoami", "/v1/sessions", "/v1/account"):
            story.birds.saw(f"Bea's GET {path}", bea.get(path).content)
        _exported(story, "me", bea)


def _exported(story: Story, who: str, client: httpx.Client) -> None:
    """Note all that's kept of somebody: the zip, and what's in it."""
    export = client.get(f"/v1/people/{who}/export")
    assert export.status_code == 200, export.text
    story.birds.saw(f"GET /v1/people/{who}/export", export.content)
    with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
        assert archive.namelist()
        for name in archive.namelist():
            story.birds.saw(f"{name} of an export", archive.read(name))


# --- it would be found


@pytest.mark.parametrize("where", ["a log", "a zip", "a database"])
def test_a_secret_that_is_planted_is_found(tmp_path: Path, where: str) -> None:
    birds = Aviary()
    secret = birds.put("it", fresh("planted"))
    if where == "a log":
        (tmp_path / "log").write_text(f"GET /?token={secret}\n")
    elif where == "a zip":
        with zipfile.ZipFile(tmp_path / "hub.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.json", secret * 50)
    else:
        with closing(sqlite3.connect(tmp_path / "hub.db")) as database, database:
            database.execute("CREATE TABLE t (a BLOB)")
            database.execute("INSERT INTO t VALUES (?)", (secret,))
    for name, data in files(tmp_path):
        birds.saw(name, data)

    assert birds.flown()


@pytest.mark.parametrize("form", sorted(forms(fresh("form"))))
def test_a_secret_is_found_in_each_form(form: str) -> None:
    birds = Aviary()
    secret = birds.put("it", fresh("form", 32))
    birds.saw("somewhere", b"before " + forms(secret)[form] + b" after")

    assert [flown for flown in birds.flown() if form in flown]


def test_the_bytes_of_a_secret_that_is_shown_in_letters_are_found() -> None:
    octets = sha256(b"x").digest()
    for form in (octets, octets.hex().encode(), base64.b64encode(octets)):
        birds = Aviary(raw={"it": octets})
        birds.saw("a table", b"before " + form + b" after")
        assert birds.flown() == ["it (in bytes) in a table"]


def test_a_quick_hash_of_what_somebody_made_up_is_found() -> None:
    birds = Aviary(weak={"it": "blue tram"})
    birds.saw("a table", "c2ea6c5f4f9b78d84e71a3c0e8fe2a2f0a")
    assert birds.hashed() == []
    birds.saw("a table", sha256(b"blue tram").hexdigest())
    assert birds.hashed() == ["it (hashed) in a table"]
