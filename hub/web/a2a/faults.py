"""What A2A calls errors: each with its code for JSON-RPC, its HTTP status, and its reason."""

from typing import Literal, NamedTuple

from msgspec import Struct, field

from hub.errors import NotAllowed, NotFound, PersonError, TooMany
from hub.web.problems import Busy

Reason = Literal[
    "TASK_NOT_FOUND",
    "TASK_NOT_CANCELABLE",
    "PUSH_NOTIFICATION_NOT_SUPPORTED",
    "UNSUPPORTED_OPERATION",
    "CONTENT_TYPE_NOT_SUPPORTED",
    "VERSION_NOT_SUPPORTED",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "INTERNAL_ERROR",
    "PARSE_ERROR",
]
INFO = "type.googleapis.com/google.rpc.ErrorInfo"
DOMAIN = "a2a-protocol.org"


class Kind(NamedTuple):
    """How one is told: a JSON-RPC code, an HTTP status, and gRPC's name for that."""

    code: int
    http: int
    status: str


KINDS: dict[Reason, Kind] = {
    "TASK_NOT_FOUND": Kind(-32001, 404, "NOT_FOUND"),
    "TASK_NOT_CANCELABLE": Kind(-32002, 400, "FAILED_PRECONDITION"),
    "PUSH_NOTIFICATION_NOT_SUPPORTED": Kind(-32003, 400, "FAILED_PRECONDITION"),
    "UNSUPPORTED_OPERATION": Kind(-32004, 400, "FAILED_PRECONDITION"),
    "CONTENT_TYPE_NOT_SUPPORTED": Kind(-32005, 400, "INVALID_ARGUMENT"),
    "VERSION_NOT_SUPPORTED": Kind(-32009, 400, "FAILED_PRECONDITION"),
    "INVALID_PARAMS": Kind(-32602, 400, "INVALID_ARGUMENT"),
    "INVALID_REQUEST": Kind(-32600, 400, "INVALID_ARGUMENT"),
    "METHOD_NOT_FOUND": Kind(-32601, 404, "NOT_FOUND"),
    "INTERNAL_ERROR": Kind(-32603, 500, "INTERNAL"),
    "PARSE_ERROR": Kind(-32700, 400, "INVALID_ARGUMENT"),
}


class Fault(PersonError):
    """Something that A2A has a name for."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Info(Struct, frozen=True, kw_only=True):
    """google.rpc.ErrorInfo: what clients know errors by."""

    type: str = field(name="@type", default=INFO)
    reason: Reason
    domain: str = DOMAIN
    metadata: dict[str, str] = {}


class RpcError(Struct, frozen=True, kw_only=True):
    """An error as JSON-RPC tells it."""

    code: int
    message: str
    data: list[Info]


class RestError(Struct, frozen=True, kw_only=True):
    """An error as HTTP+JSON tells it."""

    code: int
    status: str
    message: str
    details: list[Info]


def fault_of(error: PersonError) -> Fault:
    """Return an error of ours as one of A2A's; what HTTP itself has a word for is raised as it is."""
    match error:
        case Fault():
            return error
        case NotAllowed() | TooMany() | Busy():
            raise error
        case NotFound():
            return Fault("TASK_NOT_FOUND", str(error))
        case _:
            return Fault("INVALID_PARAMS", str(error))


def as_rpc(fault: Fault) -> RpcError:
    """Return a fault for JSON-RPC."""
    return RpcError(code=KINDS[fault.reason].code, message=str(fault), data=[Info(reason=fault.reason)])


def as_rest(fault: Fault) -> RestError:
    """Return a fault for HTTP+JSON."""
    kind = KINDS[fault.reason]
    return RestError(code=kind.http, status=kind.status, message=str(fault), details=[Info(reason=fault.reason)])
