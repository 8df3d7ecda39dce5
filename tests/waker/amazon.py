"""Amazon's EC2 as moto rebuilt it, and between it and us what moto has not: lost answers, slow boots, bills."""

import http.client
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import parse_qs, urlencode

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from hub.waker.providers.ec2 import Ec2Config
from tests.waker.served import Asked, Served

REGION = "eu-central-1"
IMAGE = "ami-0123456789abcdef0"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}
NOTHING = '<{0}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instancesSet/></{0}Response>'
REFUSED = "<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors></Response>"


class Amazon:
    """EC2 on the loopback; used as `with Amazon() as amazon`."""

    def __init__(self) -> None:
        self._moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._between = Served(self._pass_on)
        self.reset()

    def reset(self) -> None:
        """Behave well again, on the machine's own clock."""
        self.now: Callable[[], float] = time.monotonic
        self.asked: list[str] = []
        """Every action that came, in order."""
        self.lost: list[str] = []
        """Actions that are done, once each, and whose answer is lost."""
        self.dropped: list[str] = []
        """Actions that never arrive, once each."""
        self.refused: dict[str, tuple[int, str, str]] = {}
        """Actions that are refused, with status, code and message."""
        self.lies: set[str] = set()
        """Actions that are answered with yes and not done."""
        self.boots = 0.0
        """Seconds that a machine stays pending."""
        self.ends = 0.0
        """Seconds that a machine stays stopping."""
        self.fails: list[str] = []
        """Actions whose machine stops by itself again at once."""
        self.done: Callable[[str, bytes], None] = lambda action, user_data: None
        """Told of each action that was done, and what a machine is made with."""
        self.address = ""
        """The machines' private address, in place of the one that moto thinks up."""
        self.billed = 0.0
        """Seconds that Amazon would want money for, of machines that have stopped."""
        self._running_from: float | None = None
        self._stopped_at = 0.0

    @property
    def url(self) -> str:
        return self._between.url

    @property
    def config(self) -> Ec2Config:
        return Ec2Config(region=REGION, endpoint_url=self.url, image=IMAGE)

    def client(self) -> Any:
        """Return boto3's own client, past whatever is between."""
        host, port = self._moto.get_host_and_port()
        # What others do meanwhile is no business of a test's.
        return boto3.session.Session(region_name=REGION).client(
            "ec2", endpoint_url=f"http://{host}:{port}", config=Config(retries={"total_max_attempts": 1})
        )

    def machines(self, waker: str) -> list[dict[str, Any]]:
        """Return every machine with a waker's tag that isn't gone."""
        client = self.client()
        try:
            page = client.describe_instances(Filters=[{"Name": "tag:agenthost-waker", "Values": [waker]}])
        finally:
            client.close()
        machines = [each for group in page["Reservations"] for each in group["Instances"]]
        return [each for each in machines if each["State"]["Name"] not in {"terminated", "shutting-down"}]

    def runs(self) -> bool:
        """Say whether the machine has booted, by Amazon's bill."""
        return self._running_from is not None and self.now() >= self._running_from

    def user_data(self, id: str) -> bytes:
        """Return what a machine was made with, as Amazon keeps it."""
        client = self.client()
        try:
            value = client.describe_instance_attribute(InstanceId=id, Attribute="userData")["UserData"]["Value"]
        finally:
            client.close()
        return b64decode(value)

    def __enter__(self) -> Self:
        self._moto.start()
        self._between.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._between.stop()
        self._moto.stop()

    # --- what comes between

    def _pass_on(self, asked: Asked) -> tuple[int, bytes] | None:
        action = parse_qs(asked.body.decode())["Action"][0]
        path, headers, body = asked.path, asked.headers, asked.body
        self.asked.append(action)
        if action in self.dropped:
            self.dropped.remove(action)
            return None
        if action in self.refused:
            status, code, message = self.refused[action]
            return status, REFUSED.format(code, message).encode()
        if action in self.lies:
            return 200, NOTHING.format(action).encode()
        if action == "ModifyInstanceAttribute":
            body = _twice(body)
        status, answer = self._forward(path, headers, body)
        self._count(action, answer, status)
        if status == 200:
            self.done(action, b64decode(parse_qs(asked.body.decode()).get("UserData", [""])[0]))
        if action in self.fails and status == 200:
            ids = {f"InstanceId.{n}": id for n, id in enumerate(_ids(answer), 1)}
            self._forward(
                path, headers, urlencode({**ids, "Action": "StopInstances", "Version": "2016-11-15"}).encode()
            )
            self._running_from = None
        if action in self.lost:
            self.lost.remove(action)
            return None
        return status, self._aged(answer) if action == "DescribeInstances" else answer

    def _forward(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        host, port = self._moto.get_host_and_port()
        connection = http.client.HTTPConnection(host, port, timeout=30)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() not in {"host", "content-length"}}
            connection.request("POST", path, body, kept)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _count(self, action: str, answer: bytes, status: int) -> None:
        if status != 200:
            return
        if action in {"RunInstances", "StartInstances"} and self._running_from is None:
            self._running_from = self.now() + self.boots
        if action in {"StopInstances", "TerminateInstances"} and self._running_from is not None:
            self.billed += max(0.0, self.now() - self._running_from)
            self._running_from, self._stopped_at = None, self.now()

    def _aged(self, answer: bytes) -> bytes:
        text = answer.decode()
        if self.address:
            text = re.sub("<privateIpAddress>[^<]+<", f"<privateIpAddress>{self.address}<", text)
        if self._running_from is not None and self.now() < self._running_from:
            return _reworded(text, "16", "running", "0", "pending")
        if self._running_from is None and self.now() < self._stopped_at + self.ends:
            return _reworded(text, "80", "stopped", "64", "stopping")
        return text.encode()


def _ids(answer: bytes) -> list[str]:
    return re.findall("<instanceId>([^<]+)<", answer.decode())


def _reworded(text: str, code: str, word: str, other_code: str, other_word: str) -> bytes:
    pattern = rf"<code>{code}</code>(\s*)<name>{word}</name>"
    return re.sub(pattern, rf"<code>{other_code}</code>\1<name>{other_word}</name>", text).encode()


def _twice(body: bytes) -> bytes:
    """Return a change of user data as moto 5.2 reads it: it takes what it has decoded for what it should decode."""
    fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    fields["UserData.Value"] = b64encode(fields["UserData.Value"].encode()).decode()
    return urlencode(fields).encode()
