"""What a machine's first boot does, as cloud-init reads it: files with our secrets, and a service that runs the hub."""

import gzip
from base64 import b64encode
from collections.abc import Sequence

import msgspec

from hub.waker.providers import Host

USER = "agenthost"
HOME = "/var/lib/agenthost"
UNIT = "/etc/systemd/system/agenthost.service"
SERVICE = """[Unit]
Description=AgentHost
After=network-online.target
Wants=network-online.target

[Service]
User={user}
WorkingDirectory={home}
ExecStart={command}
Restart=always
RestartSec=1
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict
ReadWritePaths={home}
# What the machine was made with is for its own root, not for the hub and its tools.
IPAddressDeny=169.254.169.254 fd00:ec2::254

[Install]
WantedBy=multi-user.target
"""


def rendered(host: Host) -> bytes:
    """Return a cloud-config, packed; JSON is YAML too.

    Files are written once the hub's user is there, and are theirs alone (0600).
    """
    service = SERVICE.format(user=USER, home=HOME, command=_words(host.command))
    files = [
        {
            "path": file.path,
            "content": b64encode(file.content).decode(),
            "encoding": "b64",
            "owner": f"{USER}:{USER}",
            "permissions": "0600",
            "defer": True,
        }
        for file in host.files
    ]
    unit = {"path": UNIT, "content": service, "owner": "root:root", "permissions": "0644"}
    config = {
        "users": ["default", {"name": USER, "system": True, "homedir": HOME, "shell": "/usr/sbin/nologin"}],
        "write_files": [*files, unit],
        "runcmd": [
            ["install", "-d", "-m", "0700", "-o", USER, "-g", USER, HOME],
            *host.setup,
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "agenthost.service"],
        ],
    }
    return gzip.compress(b"#cloud-config\n" + msgspec.json.encode(config), mtime=0)


def _words(command: Sequence[str]) -> str:
    """Return a command as a unit has it."""
    escaped = (word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") for word in command)
    return " ".join(f'"{word.replace("$", "$$")}"' for word in escaped)
