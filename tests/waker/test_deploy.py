"""`agenthost deploy`: a machine with the hub's config and its secrets, a hub that answers, and nothing left behind."""

import json
import os
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from hub.__main__ import main
from hub.errors import ConfigError
from hub.waker.config import load
from hub.waker.luggage import THERE, packed
from hub.waker.providers import File, Host
from hub.waker.providers.cloudinit import HOME, UNIT, rendered
from tests.faults.harness import ROOT, free_port
from tests.waker.amazon import IMAGE, KEYS, REGION, Amazon
from tests.waker.cloudconfig import config_of, files_of

SHARED = "0123456789abcdef0123456789abcdef"
BOT = "1234:the-bots-secret-token"
HUB = """
[hub]
host = "0.0.0.0"
port = {port}

[llm]
backend = "remote"
url = "http://127.0.0.1:9/v1"
model = "m"
key_file = "{folder}/llm.key"

[[bridges]]
kind = "telegram"
token_file = "{folder}/telegram.token"
mode = "waker"
"""
WAKER = """
[waker]
name = "deploying"
data = "{folder}/waker"
port = {waker}

[[hubs]]
name = "{name}"
provider = "ec2"
token = "{token}"
idle_minutes = 0.02

[hubs.ec2]
region = "{region}"
endpoint_url = "{url}"
image = "{image}"
port = {port}

[hubs.deploy]
config = "{folder}/hub.toml"
setup = ["apt-get install -y bubblewrap"]
"""


class Guest:
    """What cloud-init and systemd do on a machine, in a folder of this one: the files, and a real hub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user_data = b""
        self._process: subprocess.Popen[bytes] | None = None

    def done(self, action: str, user_data: bytes) -> None:
        if action == "RunInstances":
            self.user_data = user_data
            self._install()
        if action in {"RunInstances", "StartInstances"}:
            self._run()
        if action in {"StopInstances", "TerminateInstances"}:
            self.end()

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    def _here(self, text: str) -> str:
        return text.replace(THERE, str(self.folder / "etc")).replace(HOME, str(self.folder / "home"))

    def _install(self) -> None:
        (self.folder / "etc").mkdir()
        (self.folder / "home").mkdir()
        for path, file in files_of(self.user_data).items():
            if path.startswith(THERE):
                target = Path(self._here(path))
                target.write_text(self._here(file.content.decode()))
                target.chmod(int(file.rights, 8))

    def _run(self) -> None:
        unit = files_of(self.user_data)[UNIT].content.decode()
        line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
        words = shlex.split(self._here(line.removeprefix("ExecStart=")))
        assert words[0] == "agenthost"
        with (self.folder / "hub.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hub", *words[1:]],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
            )


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with Amazon() as amazon:
        yield amazon


def written(
    folder: Path, url: str = "http://127.0.0.1:9", *, port: int = 8080, name: str = "hub", hub: str = HUB
) -> Path:
    """Write both configs and the secrets; return the waker's."""
    (folder / "telegram.token").write_text(BOT + "\n")
    (folder / "llm.key").write_text("the-models-key")
    (folder / "hub.toml").write_text(hub.format(folder=folder, port=port))
    path = folder / "waker.toml"
    settings = {"folder": folder, "url": url, "region": REGION, "image": IMAGE, "port": port, "name": name}
    settings["waker"] = free_port()
    path.write_text(WAKER.format(token=SHARED, **settings))
    return path


def host_of(folder: Path) -> Host:
    return packed(load(folder / "waker.toml", {}).hubs[0], 8080)


def test_a_machine_is_made_its_hub_answers_the_secrets_are_forgotten_and_it_is_destroyed(
    amazon: Amazon, tmp_path: Path
) -> None:
    port = free_port()
    config = written(tmp_path, amazon.url, port=port)
    machine = tmp_path / "machine"
    machine.mkdir()
    guest = Guest(machine)
    amazon.done, amazon.address = guest.done, "127.0.0.1"
    try:
        made = CliRunner().invoke(main, ["deploy", "--config", str(config), "--wait", "120"])
        log = (machine / "hub.log").read_text() if (machine / "hub.log").exists() else ""
        assert made.exit_code == 0, made.output + log
        assert f"hub is ready at http://127.0.0.1:{port}" in made.output
        for secret in (BOT, SHARED, "the-models-key", KEYS["AWS_SECRET_ACCESS_KEY"]):
            assert secret not in made.output
        [instance] = amazon.machines("deploying")
        assert instance["State"]["Name"] == "stopped"
        assert files_of(amazon.user_data(instance["InstanceId"])) == {}
        assert (machine / "home" / "data" / "owner.key").is_file(), "a real hub ran there"
        assert {file.stat().st_mode & 0o777 for file in (machine / "etc").iterdir()} == {0o600}

        slept = wakes_and_sleeps(config, tmp_path)
        assert slept == ("stopped", 1), "the waker started it to meet the hub, and stopped it when it idled"
        assert amazon.machines("deploying")[0]["State"]["Name"] == "stopped"

        kept = CliRunner().invoke(main, ["deploy", "--config", str(config), "--destroy"], input="n\n")
        assert kept.exit_code == 1
        assert len(amazon.machines("deploying")) == 1
        gone = CliRunner().invoke(main, ["deploy", "--config", str(config), "--destroy", "hub", "--yes"])
        assert (gone.exit_code, gone.output) == (0, "Destroyed: hub\n")
        assert amazon.machines("deploying") == []
    finally:
        guest.end()


def wakes_and_sleeps(config: Path, folder: Path) -> tuple[str, int]:
    """Run a real waker until its hub has been up and sleeps again; return its state and how often it was started."""
    port = load(config, {}).waker.port
    known = {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    with (folder / "waker.log").open("wb") as log:
        waker = subprocess.Popen(
            [sys.executable, "-m", "hub", "waker", "--config", str(config)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **known},
        )
    try:
        until = time.monotonic() + 180
        while True:
            assert time.monotonic() < until, (folder / "waker.log").read_text()[-3000:]
            time.sleep(0.5)
            with suppress(httpx.HTTPError, OSError):
                key = (folder / "waker" / "waker.key").read_text().strip()
                url = f"http://127.0.0.1:{port}/waker/status"
                answer = httpx.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=10)
                [hub] = answer.json()["items"]
                if hub["starts_this_hour"] and hub["state"] == "stopped":
                    assert hub["wake_seconds"] is not None
                    return hub["state"], hub["starts_this_hour"]
    finally:
        waker.terminate()
        waker.wait(timeout=60)


def test_a_hub_that_never_answers_is_told_of_with_what_it_costs(amazon: Amazon, tmp_path: Path) -> None:
    config = written(tmp_path, amazon.url, port=free_port())
    amazon.address = "127.0.0.1"
    made = CliRunner().invoke(main, ["deploy", "--config", str(config), "--wait", "3"])
    assert made.exit_code == 1
    assert "it didn't answer; a machine that runs costs money" in made.output
    assert "agenthost deploy --destroy hub" in made.output
    again = CliRunner().invoke(main, ["deploy", "--config", str(config), "--wait", "3"])
    assert "There's a machine already" in again.output
    assert len(amazon.machines("deploying")) == 1


# --- what a machine is made with


def test_secrets_travel_as_files_of_their_own_that_only_the_hub_reads(tmp_path: Path) -> None:
    written(tmp_path)
    data = rendered(host_of(tmp_path))
    files = files_of(data)
    hubs = {path: file for path, file in files.items() if path != UNIT}
    assert {(file.rights, file.owner, file.late) for file in hubs.values()} == {("0600", "agenthost:agenthost", True)}
    config = tomllib.loads(files[f"{THERE}/config.toml"].content.decode())
    assert files[config["bridges"][0]["token_file"]].content.decode().strip() == BOT
    assert files[config["llm"]["key_file"]].content == b"the-models-key"
    assert files[config["waker"]["token_file"]].content.decode() == SHARED
    unit = files[UNIT]
    assert unit.rights == "0644"
    commands = json.dumps(config_of(data)["runcmd"]) + unit.content.decode()
    for secret in (BOT, SHARED, "the-models-key"):
        assert secret not in commands


def test_what_sets_up_the_machine_comes_before_the_hub_is_started(tmp_path: Path) -> None:
    written(tmp_path)
    commands = config_of(rendered(host_of(tmp_path)))["runcmd"]
    assert commands.index("apt-get install -y bubblewrap") < commands.index(
        ["systemctl", "enable", "--now", "agenthost.service"]
    )


def test_a_command_reaches_systemd_word_for_word() -> None:
    host = Host(files=[File(path="/x", content=b"")], command=["run", 'a "b" $HOME 100% \\'])
    unit = files_of(rendered(host))[UNIT].content.decode()
    assert r'ExecStart="run" "a \"b\" $$HOME 100%% \\"' in unit


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('host = "0.0.0.0"', 'host = "127.0.0.1"'), "hub.host: nobody reaches 127.0.0.1 from outside"),
        (("port = {port}", "port = 9999"), "hub.port: it's 9999, and the waker asks at 8080"),
        (("telegram.token", "absent.token"), "bridges[0].token_file"),
        (("[hub]", "[hubb]"), "hubb: unknown key"),
    ],
)
def test_a_config_that_could_not_work_there_is_refused_before_anything_is_made(
    change: tuple[str, str], fault: str, tmp_path: Path
) -> None:
    written(tmp_path, hub=HUB.replace(*change))
    with pytest.raises(ConfigError) as refused:
        host_of(tmp_path)
    assert fault in str(refused.value)


def test_a_provider_that_makes_no_machines_is_named(tmp_path: Path) -> None:
    config = tmp_path / "waker.toml"
    config.write_text(f'[[hubs]]\ntoken = "{SHARED}"\ncommand = ["hub"]\n')
    made = CliRunner().invoke(main, ["deploy", "--config", str(config)])
    assert made.exit_code == 2
    assert "hubs.provider: 'process' makes no machines; ec2 and fly do" in made.output


def test_of_several_hubs_one_must_be_named(tmp_path: Path) -> None:
    config = tmp_path / "waker.toml"
    hub = f'[[hubs]]\ntoken = "{SHARED}"\ncommand = ["hub"]\n'
    config.write_text(hub + hub.replace("[[hubs]]", '[[hubs]]\nname = "two"'))
    for words, said in ((["deploy"], "say which of the hubs: hub, two"), (["deploy", "x"], "there's no hub 'x'")):
        made = CliRunner().invoke(main, [*words, "--config", str(config), "--destroy"])
        assert made.exit_code == 2
        assert said in made.output
