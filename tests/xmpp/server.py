"""Debian's prosody with a config, accounts and a certificate of its own, in a folder that's thrown away."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

HOST = "localhost"
ROOMS = "rooms.localhost"
HUB = "hub.localhost"
SECRET = "component-secret"
PASSWORD = "hush-hush"
SHARED_BYTES = 3_000_000
CONFIG = """\
daemonize = false
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
certificates = "{folder}"
log = {{ {{ levels = {{ min = "{level}" }}, to = "file", filename = "{folder}/prosody.log" }} }}
modules_enabled = {{
    "roster", "saslauth", "tls", "disco", "carbons", "smacks", "mam", "offline", "ping", "presence", "message", "iq",
    "pep", "http_file_share", "blocklist",
}}
modules_disabled = {{ "s2s" }}
interfaces = {{ "127.0.0.1" }}
local_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
c2s_direct_tls_ports = {{ }}
component_ports = {{ {component} }}
http_ports = {{ {http} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{ }}
http_external_url = "http://127.0.0.1:{http}/"
authentication = "internal_plain"
allow_unencrypted_plain_auth = true
c2s_require_encryption = {encryption}
smacks_hibernation_time = {hibernation}
default_archive_policy = true
VirtualHost "localhost"
    ssl = {{ key = "{folder}/key.pem", certificate = "{folder}/cert.pem" }}
    http_host = "127.0.0.1"
    http_file_share_size_limit = {shared}
Component "{rooms}" "muc"
    modules_enabled = {{ "muc_mam" }}
    muc_log_by_default = true
    restrict_room_creation = false
Component "{hub}"
    component_secret = "{secret}"
"""


class Prosody:
    """A server that's started, stopped and started again over the same folder."""

    def __init__(self, folder: Path, *, encryption: bool = True, hibernation: int = 300) -> None:
        self.folder = folder
        self.port, self.component_port, self.http_port = (_free_port() for _ in range(3))
        self.certificate = folder / "cert.pem"
        self._process: subprocess.Popen[bytes] | None = None
        _certify(folder)
        (folder / "prosody.cfg.lua").write_text(
            CONFIG.format(
                folder=folder,
                c2s=self.port,
                component=self.component_port,
                http=self.http_port,
                rooms=ROOMS,
                hub=HUB,
                secret=SECRET,
                shared=SHARED_BYTES,
                hibernation=hibernation,
                encryption="true" if encryption else "false",
                level=os.environ.get("AGENTHOST_PROSODY_LOG", "info"),
            )
        )

    def start(self) -> None:
        """Start it, and return once it listens."""
        command = ["prosody", "--config", str(self.folder / "prosody.cfg.lua"), "-F"]
        with (self.folder / "prosody.out").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        until = time.monotonic() + 20
        while not _listens(self.port) or not _listens(self.component_port) or not _listens(self.http_port):
            assert self._process.poll() is None, (self.folder / "prosody.out").read_text()
            assert time.monotonic() < until, (self.folder / "prosody.log").read_text()
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, and return once it's gone."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(20)

    def add(self, user: str) -> str:
        """Make an account, and return its JID; its password is PASSWORD."""
        accounts = self.folder / "data" / HOST / "accounts"
        accounts.mkdir(parents=True, exist_ok=True)
        (accounts / f"{user}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        return f"{user}@{HOST}"

    @property
    def log(self) -> str:
        """What it logged."""
        return (self.folder / "prosody.log").read_text(errors="replace")


def needed(*programs: str) -> None:
    """Skip the test without a program, but never where CI promises it."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        words = f"no {' and no '.join(missing)}: install Debian's {' '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)


def _certify(folder: Path) -> None:
    subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST},DNS:{ROOMS},DNS:{HUB},IP:127.0.0.1"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(folder / "key.pem")]
    command = ["openssl", "req", "-x509", *key, "-out", str(folder / "cert.pem"), "-days", "30", *subject]
    subprocess.run(command, check=True, capture_output=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0
