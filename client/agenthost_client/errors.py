"""What can go wrong between a program and its hub, by what's to be done about it.

AgentHostError
├─ Unreachable          nobody answers, or the connection broke: a hub that's away, a wrong address
├─ NotUnderstood        something else answered than a hub of this version
├─ NotAnsweredYet       it's kept, but the answer takes longer than was waited for
└─ Refused              the hub says no, and why
   ├─ BadRequest        400, 422: a field can't be used
   ├─ Unauthorized      401: no good key
   ├─ Forbidden         403: the key may not do that
   ├─ NotFound          404: no such thing, or none that this key may see
   ├─ Conflict          409: used, decided or changed already
   ├─ TooLarge          413
   ├─ TooMany           429: come again after `retry_after` seconds
   ├─ HubFault          500: a fault of the hub; `detail` has an id that stands in its log
   └─ NotNow            502, 503, 504: not kept; come again after `retry_after` seconds
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct


class AgentHostError(Exception):
    """Anything that went wrong between this program and its hub."""


class Unreachable(AgentHostError):
    """Nobody answers, or the connection broke, and trying again didn't help."""


class NotUnderstood(AgentHostError):
    """What answered isn't a hub, or one of another version."""


class NotAnsweredYet(AgentHostError):
    """What was said is kept, but there's no answer within the time: read it later, by `id`."""

    def __init__(self, id: str, seconds: float) -> None:
        super().__init__(f"message {id} isn't answered after {seconds:g} seconds; read it later")
        self.id = id


class Refused(AgentHostError):
    """The hub says no. The fields are those of its answer, after RFC 9457."""

    def __init__(self, problem: "Problem", retry_after: float | None = None) -> None:
        super().__init__(problem.detail or problem.title)
        self.status = problem.status
        self.title = problem.title
        self.detail = problem.detail
        self.field = problem.field
        """The part of the request that's at fault; empty if it's none."""
        self.instance = problem.instance
        self.retry_after = retry_after
        """Seconds after which it may be tried again; None: the hub doesn't say."""


class BadRequest(Refused):
    """A field can't be used; mend it."""


class Unauthorized(Refused):
    """No key, or one that's unknown, revoked or past its end."""


class Forbidden(Refused):
    """The key lacks a scope, or its tenant may not."""


class NotFound(Refused):
    """No such thing, or none that this key may see."""


class Conflict(Refused):
    """It was used, decided or changed already; look again."""


class TooLarge(Refused):
    """Send less in one go."""


class TooMany(Refused):
    """Too many; come again later."""


class HubFault(Refused):
    """A fault of the hub."""


class NotNow(Refused):
    """The hub can't keep it now; come again later."""


class Problem(Struct, frozen=True, kw_only=True):
    """An error as RFC 9457 tells it."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = ""
    field: str = ""
    instance: str = ""


KINDS: Mapping[int, type[Refused]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: BadRequest,
    429: TooMany,
    500: HubFault,
    502: NotNow,
    503: NotNow,
    504: NotNow,
}


def refused(status: int, content: bytes, retry_after: float | None) -> AgentHostError:
    """Return an answer that's no success as the error it is."""
    try:
        problem = msgspec.json.decode(content, type=Problem)
    except msgspec.MsgspecError:
        problem = Problem()
    if not problem.detail and not problem.title:
        if status not in (429, 502, 503, 504):
            return NotUnderstood(f"something answered {status}, but not as a hub does: look what's running there")
        problem = Problem(title=f"answered {status}")
    problem = msgspec.structs.replace(problem, status=status)
    return KINDS.get(status, Refused)(problem, retry_after)
