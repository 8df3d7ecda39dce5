"""Names of the lanes that entries wait in: what stands before the first colon says who works on it."""

from hub.records import Address, TaskId, TenantId


def chat(tenant: TenantId, address: Address) -> str:
    """Messages of a chat, waiting for the router in the order they came."""
    return f"chat:{tenant}:{address.bridge}:{address.chat}"


def commands(tenant: TenantId, address: Address) -> str:
    """Commands of a chat: beside its messages, so that they work at once."""
    return f"now:{tenant}:{address.bridge}:{address.chat}"


def task(id: TaskId) -> str:
    """Messages that wait for a turn of their task."""
    return f"task:{id}"


def out(tenant: TenantId, address: Address) -> str:
    """What's to be delivered to a chat."""
    return f"out:{tenant}:{address.bridge}:{address.chat}"


def progress(id: TaskId) -> str:
    """Where it's looked at how far a task is: in one place, so that two never say it at once."""
    return f"progress:{id}"


def task_of(lane: str) -> TaskId:
    """Return the task that a `task:` or `progress:` lane belongs to."""
    return TaskId(lane.partition(":")[2])


def bridge_of(lane: str) -> str:
    """Return the bridge that an `out:` lane (or another of a chat) belongs to."""
    return lane.split(":", 3)[2]
