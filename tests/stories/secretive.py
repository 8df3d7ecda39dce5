"""A hub in a process of its own whose config has a secret in each place that takes one."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.flow.people import OWNER_KEY, new_secret
from tests.stories.canaries import Aviary, fresh
from tests.stories.elsewhere import Elsewhere

PATIENCE = 600.0
"""Seconds for a hub to begin on a machine that has much else to do."""
SECRETS = ("waker", "model", "inurl", "decisions", "package", "hook", "xmpp", "client")


def configured(folder: Path, world: Elsewhere, birds: Aviary, level: str, form: str) -> tuple[Path, str]:
    """Write a config with a secret in each place that takes one; return it, and the owner's key."""
    at = world.url.removeprefix("http://")
    put = {name: birds.put(name, fresh(name)) for name in SECRETS}
    birds.put("the Telegram token", token := f"987654321:{fresh('telegram', 32)}")
    config = folder / "config.toml"
    config.write_text(f"""
[hub]
log = "{form}"
log_level = "{level}"
[waker]
token = "{put["waker"]}"
[llm]
backend = "remote"
model = "small"
url = "{world.url}/v1"
key = "{put["model"]}"
[[llm.fallback]]
model = "small"
url = "http://hub:{put["inurl"]}@{at}/v1"
[llm.decisions]
backend = "remote"
model = "small"
url = "{world.url}/v1"
key = "{put["decisions"]}"
[egress]
allow = ["{at}"]
[telemetry]
[[packages.secrets]]
name = "WEATHER_KEY"
value = "{put["package"]}"
[[bridges]]
kind = "telegram"
token = "{token}"
api_url = "{world.url}"
mode = "webhook"
webhook_url = "http://hub.example"
webhook_secret = "{put["hook"]}"
[[bridges]]
kind = "xmpp"
jid = "hub@localhost"
password = "{put["xmpp"]}"
host = "127.0.0.1"
port = {world.server_address[1]}
plaintext = true
[[sign_in.oidc]]
name = "work"
issuer = "{world.url}"
client_id = "agenthost"
client_secret = "{put["client"]}"
[registry]
serve = true
""")
    config.chmod(0o600)
    return config, birds.put("the owner's key", new_secret(OWNER_KEY)[1])


@contextmanager
def running(folder: Path, config: Path, owner: str, birds: Aviary) -> Iterator[str]:
    """Run a hub in a process of its own until the end of the block; its log is a file."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "hub", "run", "--config", str(config), "--data", str(folder / "data")]
    environ = {**os.environ, "AGENTHOST_OWNER_KEY": owner}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)], stdout=subprocess.PIPE, stderr=log, env=environ, text=True
        )
        assert process.stdout
        try:
            assert "signs you in" in process.stdout.readline()
            # It's printed to be used, by whoever began the hub: it stands in no log.
            birds.put("the link that was printed", process.stdout.readline().strip().partition("#")[2])
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE)
            process.stdout.close()
    assert process.returncode == 0
