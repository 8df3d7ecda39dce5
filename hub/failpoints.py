"""Named places where a test may kill this process, to prove that a crash there loses nothing.

`AGENTHOST_FAILPOINT=turn.before-commit` kills at the first pass, `...:3` at the third. Unset, a failpoint is one look
into the environment.
"""

import os
import signal
from collections import Counter

NAMES = (
    "inbox.before-commit",
    "inbox.after-commit",
    "route.before-commit",
    "route.after-commit",
    "turn.begun",
    "step.before-commit",
    "step.after-commit",
    "turn.before-commit",
    "turn.after-commit",
    "outbox.before-deliver",
    "outbox.after-deliver",
    "outbox.after-settle",
)
RARE = (
    "call.begun",
    "pause.before-commit",
    "pause.after-commit",
    "leave.before-commit",
    "leave.after-commit",
    "package.requested",
    "package.fetched",
    "package.verified",
    "package.unpacked",
    "package.scanned",
    "package.built",
    "package.moved",
    "package.committed",
    "edit.before-commit",
    "edit.after-commit",
    "outbox.before-retract",
    "outbox.after-retract",
    "pairing.before-commit",
    "pairing.after-commit",
    "handover.before-commit",
    "handover.after-commit",
    "draft.before-commit",
    "draft.after-commit",
    "leaving.begun",
    "leaving.files",
    "leaving.tasks",
    "leaving.messages",
    "leaving.last",
    "clearing.begun",
    "clearing.person",
    "clearing.rest",
    "clearing.last",
    "webhook.before-feed",
    "webhook.after-feed",
    "webhook.before-send",
    "webhook.after-send",
    "webhook.after-record",
    "publish.before-commit",
    "publish.after-commit",
    "scan.before-commit",
    "scan.after-commit",
)
"""Those that only few messages come by."""
_passes: Counter[str] = Counter()


def reach(name: str) -> None:
    """Die here with SIGKILL if the environment says so."""
    armed = os.environ.get("AGENTHOST_FAILPOINT")
    if armed is None:
        return
    wanted, _, count = armed.partition(":")
    if wanted != name:
        return
    _passes[name] += 1
    if _passes[name] >= int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
