"""A hub on a machine of Amazon's EC2, known by its tags alone; boto3 is loaded when it's first asked."""

import asyncio
import importlib.util
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from hub.errors import StartError
from hub.sections import Port
from hub.waker.providers import Described, Found, Host, ProviderFault, State, Tag, Uncertain, chosen
from hub.waker.providers.cloudinit import rendered
from hub.waker.providers.pace import Pace

WAKER, HUB, MADE = "agenthost-waker", "agenthost-hub", "agenthost-made"
"""The tags' names; the last has when it was made, for Amazon's launch time is that of the last start."""
STATES: dict[str, State] = {
    "pending": "starting",
    "running": "running",
    "stopping": "stopping",
    "stopped": "stopped",
    "shutting-down": "stopping",
}
"""A machine in any other state is gone."""
LARGEST = 16 * 1024
"""Bytes of what a machine may be made with."""
NOTHING = b"#cloud-config\n"
"""What a machine was made with, once that's forgotten."""
ATTEMPTS = 3
SHOWN = 300


class Ec2Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[hubs.ec2]: which machine; who we are to Amazon comes from where its own tools have it."""

    region: str = ""
    profile: str = ""
    """Of ~/.aws; empty: as the environment says, else the role of the machine that the waker runs on."""
    address: Literal["private", "public", "config"] = "private"
    """Where the hub is asked; config: where its own section says."""
    port: Port = 8080
    """Where the hub listens there."""
    image: str = ""
    """What `agenthost deploy` makes it from; so are the next."""
    type: str = "t3.small"
    subnet: str = ""
    security_groups: tuple[str, ...] = ()
    key_name: str = ""
    endpoint_url: str = ""
    """Of a service that speaks EC2's language; empty: Amazon."""


class _StateWord(Struct, frozen=True, rename="pascal"):
    name: str


class _Reason(Struct, frozen=True, rename="pascal"):
    message: str = ""


class _Pair(Struct, frozen=True, rename="pascal"):
    key: str
    value: str


class _Instance(Struct, frozen=True, rename="pascal"):
    id: str = field(name="InstanceId")
    state: _StateWord
    launched: datetime = field(name="LaunchTime")
    tags: list[_Pair] = []
    reason: _Reason = _Reason(message="")
    private: str = field(name="PrivateIpAddress", default="")
    public: str = field(name="PublicIpAddress", default="")

    def tag(self, key: str) -> str:
        return next((pair.value for pair in self.tags if pair.key == key), "")


def faults(config: Ec2Config) -> Iterator[str]:
    """Yield what's wrong with the section, each line starting with its key path."""
    if not config.region:
        yield "ec2.region: missing; say where the machine is, as eu-central-1"


class Ec2Provider:
    """One hub's machine on EC2."""

    def __init__(self, config: Ec2Config, tag: Tag, now: Callable[[], float] = time.monotonic) -> None:
        """Raises StartError where Amazon's library isn't installed."""
        if importlib.util.find_spec("boto3") is None:
            raise StartError(
                "hubs.ec2: Amazon's library isn't installed; install it with: pip install 'agenthost[ec2]'"
            )
        self.place = f"ec2 {config.endpoint_url or config.region}"
        self._config = config
        self._tag = tag
        self._pace = Pace(now)
        self._made: Any = None
        self._making = threading.Lock()

    async def describe(self) -> Described:
        return await self._pace.described(self._look)

    async def start(self) -> None:
        async def do() -> None:
            machine = await self._machine()
            if machine.state.name not in {"pending", "running"}:
                await self._ask("start_instances", InstanceIds=[machine.id])

        await self._pace.ask("start", do)

    async def stop(self) -> None:
        async def do() -> None:
            machine = await self._mine()
            if machine is not None and machine.state.name in {"pending", "running"}:
                await self._ask("stop_instances", InstanceIds=[machine.id])

        await self._pace.ask("stop", do)

    async def close(self) -> None:
        if self._made is not None:
            await asyncio.to_thread(self._made.close)

    # --- creating, and finding what nobody owns

    async def create(self, host: Host) -> None:
        if not self._config.image:
            raise ProviderFault("hubs.ec2.image: missing; say what the machine is made from, as ami-0123456789abcdef0")
        wanted = self._wanted(host)
        await self._pace.ask("create", lambda: self._create(wanted))

    async def destroy(self) -> None:
        async def do() -> None:
            ids = [each.id for each in await self._tagged() if each.tag(HUB) == self._tag.hub]
            if ids:
                await self._ask("terminate_instances", InstanceIds=ids)

        await self._pace.ask("destroy", do)

    async def forget(self) -> None:
        machine = await self._machine()
        await self._ask("modify_instance_attribute", InstanceId=machine.id, UserData={"Value": NOTHING})

    async def found(self) -> tuple[Found, ...]:
        return tuple(map(_found, await self._tagged()))

    async def discard(self, id: str) -> None:
        try:
            await self._ask("terminate_instances", InstanceIds=[id])
        except ProviderFault as fault:
            if "InvalidInstanceID.NotFound" not in str(fault):
                raise

    # --- below

    async def _create(self, wanted: dict[str, Any]) -> None:
        # Amazon makes one machine for one token, however often it's asked; where that isn't kept, our tag is.
        token = uuid.uuid4().hex
        for attempt in range(ATTEMPTS):
            machine = await self._mine()
            if machine is not None and machine.state.name != "shutting-down":
                return
            try:
                await self._ask("run_instances", ClientToken=token, **wanted)
                return
            except Uncertain:
                if attempt == ATTEMPTS - 1:
                    raise

    def _wanted(self, host: Host) -> dict[str, Any]:
        config = self._config
        data = rendered(host)
        if len(data) > LARGEST:
            raise ProviderFault(
                f"what the machine is made with has {len(data)} bytes, packed, and EC2 takes {LARGEST}; "
                "put large files into the image"
            )
        pairs = {WAKER: self._tag.waker, HUB: self._tag.hub, MADE: f"{time.time():.3f}"}
        pairs["Name"] = f"agenthost-{self._tag.hub}"
        tags = [{"Key": key, "Value": value} for key, value in pairs.items()]
        wanted: dict[str, Any] = {
            "ImageId": config.image,
            "InstanceType": config.type,
            "MinCount": 1,
            "MaxCount": 1,
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
            "UserData": data,
            "InstanceInitiatedShutdownBehavior": "stop",
            # Of what it was made with it's told only in answer to a put, and nothing behind it (a container) is.
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        }
        wanted |= {"SubnetId": config.subnet} if config.subnet else {}
        wanted |= {"SecurityGroupIds": list(config.security_groups)} if config.security_groups else {}
        wanted |= {"KeyName": config.key_name} if config.key_name else {}
        return wanted

    async def _look(self) -> Described:
        machine = await self._mine()
        if machine is None:
            return Described(state="missing", detail=f"no machine at {self.place} is tagged {HUB}={self._tag.hub}")
        address = {"private": machine.private, "public": machine.public, "config": ""}[self._config.address]
        return Described(
            state=STATES[machine.state.name],
            url=f"http://{address}:{self._config.port}" if address else "",
            detail=f"{machine.id} {machine.reason.message}".strip(),
            billed=machine.state.name == "running",
        )

    async def _machine(self) -> _Instance:
        machine = await self._mine()
        if machine is None:
            raise ProviderFault(f"there's no machine; make it with: agenthost deploy {self._tag.hub}")
        return machine

    async def _mine(self) -> _Instance | None:
        """Return the hub's own machine; one that's being destroyed only if there's no other."""
        machines = {each.id: each for each in await self._tagged()}
        lasting = [_found(each) for each in machines.values() if each.state.name != "shutting-down"]
        own = chosen(lasting, self._tag.hub) or chosen([*map(_found, machines.values())], self._tag.hub)
        return machines[own.id] if own else None

    async def _tagged(self) -> list[_Instance]:
        filters = [
            {"Name": f"tag:{WAKER}", "Values": [self._tag.waker]},
            {"Name": "instance-state-name", "Values": list(STATES)},
        ]
        found: list[_Instance] = []
        rest: dict[str, str] = {}
        while True:
            page = await self._ask("describe_instances", Filters=filters, MaxResults=1000, **rest)
            groups = [msgspec.convert(group["Instances"], list[_Instance]) for group in page["Reservations"]]
            found += [each for group in groups for each in group]
            if not page.get("NextToken"):
                return found
            rest = {"NextToken": page["NextToken"]}

    async def _ask(self, what: str, **arguments: Any) -> Any:
        return await asyncio.to_thread(self._asked, what, arguments)

    def _asked(self, what: str, arguments: dict[str, Any]) -> Any:
        """Ask Amazon, in a thread of its own: its library blocks."""
        from botocore.exceptions import (  # noqa: PLC0415 - 1.5 s and 30 MB, for who has hubs on EC2
            BotoCoreError,
            ClientError,
            ConnectTimeoutError,
            EndpointConnectionError,
            HTTPClientError,
        )

        try:
            return getattr(self._client(), what)(**arguments)
        except ClientError as error:
            lost = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
            raise (Uncertain if lost else ProviderFault)(f"EC2: {error}"[:SHOWN]) from None
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise ProviderFault(f"EC2 can't be asked: {error}"[:SHOWN]) from None
        except HTTPClientError as error:
            raise Uncertain(f"EC2's answer was lost: {error}"[:SHOWN]) from None
        except BotoCoreError as error:
            raise ProviderFault(f"EC2 can't be asked: {error}"[:SHOWN]) from None

    def _client(self) -> Any:
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        with self._making:
            if self._made is None:
                session = boto3.session.Session(
                    profile_name=self._config.profile or None, region_name=self._config.region
                )
                # Whoever asks tries again: what's asked twice by the library itself can't be told from once.
                settings = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1})
                self._made = session.client("ec2", endpoint_url=self._config.endpoint_url or None, config=settings)
            return self._made


def _found(machine: _Instance) -> Found:
    return Found(
        id=machine.id,
        hub=machine.tag(HUB),
        state=STATES.get(machine.state.name, "missing"),
        born=float(machine.tag(MADE) or machine.launched.timestamp()),
    )
