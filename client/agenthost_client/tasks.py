"""Tasks, when they come, and the calls in them that wait for leave."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from agenthost_client.calls import Ask, Group, Via, call, listing, put
from agenthost_client.records import Approval, Artefact, Check, Message, Moment, Point, Receipt, Run, Task, Turn


class Tasks(Group[Via]):
    """What a person wants done. A task is named by its number or its id."""

    @listing("/v1/tasks", Task)
    def list(self, *, state: Sequence[str] = (), parent: int | str | None = None) -> Ask:
        """List tasks, the newest first: only those in these states, or only the subtasks of one ("any": of all)."""
        return Ask(query=put(state=tuple(state) or None, parent=parent))

    @call("GET", "/v1/tasks/{id}", Task)
    def get(self, id: int | str) -> Ask:
        """Return a task."""
        return Ask(path={"id": id})

    @call("POST", "/v1/tasks", Task)
    def assign(
        self,
        text: str,
        *,
        agent: str | None = None,
        due_at: datetime | None = None,
        schedule: str | Mapping[str, object] | None = None,
        limits: Mapping[str, float] | None = None,
        checks: Sequence[Check] = (),
        key: str | None = None,
    ) -> Ask:
        """Have something done: now, once at a time, or again and again by a schedule ("every weekday at 8").

        `limits` caps turns, tokens, minutes and money; with `checks` it's done when all of them hold, and not before.
        """
        needed = [_check(check) for check in checks]
        body = put(text=text, agent=agent, due_at=due_at, schedule=schedule, limits=limits, checks=needed or None)
        return Ask(body=body, key=key)

    @call("POST", "/v1/tasks/{id}/cancel", Task)
    def cancel(self, id: int | str) -> Ask:
        """End a task."""
        return Ask(path={"id": id})

    @call("POST", "/v1/tasks/{id}/resume", Task)
    def resume(self, id: int | str) -> Ask:
        """Have a task go on."""
        return Ask(path={"id": id})

    @call("POST", "/v1/tasks/{id}/stop", Task)
    def stop(self, id: int | str) -> Ask:
        """Stop the turn that runs."""
        return Ask(path={"id": id})

    @call("PUT", "/v1/tasks/{id}/plan", Task)
    def plan(self, id: int | str, points: Sequence[Point]) -> Ask:
        """Write an assignment's plan."""
        return Ask(path={"id": id}, body={"points": [{"text": point.text, "state": point.state} for point in points]})

    @listing("/v1/tasks/{id}/messages", Message, backwards=True)
    def messages(self, id: int | str) -> Ask:
        """Read a task's messages, the newest first."""
        return Ask(path={"id": id})

    @listing("/v1/tasks/{id}/turns", Turn)
    def turns(self, id: int | str) -> Ask:
        """List its turns with their steps, the newest first."""
        return Ask(path={"id": id})

    @listing("/v1/tasks/{id}/receipts", Receipt)
    def receipts(self, id: int | str) -> Ask:
        """List the tool calls of its newest turns."""
        return Ask(path={"id": id})

    @listing("/v1/tasks/{id}/timeline", Moment)
    def timeline(self, id: int | str, *, order: str | None = None, kind: Sequence[str] = ()) -> Ask:
        """Tell what happened to it: "newest" first, or "oldest"; only moments of some kinds."""
        return Ask(path={"id": id}, query=put(order=order, kind=tuple(kind) or None))

    @listing("/v1/tasks/{id}/artefacts", Artefact)
    def artefacts(self, id: int | str) -> Ask:
        """List the files that it has made."""
        return Ask(path={"id": id})

    @call("GET", "/v1/tasks/{id}/artefacts/{sha256}", bytes)
    def artefact(self, id: int | str, sha256: str) -> Ask:
        """Return the bytes of a file that it has made."""
        return Ask(path={"id": id, "sha256": sha256})


class Schedules(Group[Via]):
    """When tasks come again. `tasks.assign` makes one with a schedule."""

    @call("PUT", "/v1/tasks/{id}/schedule", Task)
    def change(self, id: int | str, schedule: str | Mapping[str, object]) -> Ask:
        """Have an assignment come by another schedule from now on."""
        return Ask(path={"id": id}, body={"schedule": schedule})

    @call("DELETE", "/v1/tasks/{id}/schedule", Task)
    def end(self, id: int | str) -> Ask:
        """Have it come no more."""
        return Ask(path={"id": id})

    @listing("/v1/tasks/{id}/runs", Run)
    def runs(self, id: int | str) -> Ask:
        """List the runs that there were, the newest first."""
        return Ask(path={"id": id})


class Approvals(Group[Via]):
    """Tool calls that wait for leave. Each decision is for one call, to the byte."""

    @listing("/v1/approvals", Approval)
    def list(self, *, state: str | None = None) -> Ask:
        """List calls, the newest first: those that wait, unless another state is named."""
        return Ask(query=put(state=state))

    @call("GET", "/v1/approvals/{id}", Approval)
    def get(self, id: str) -> Ask:
        """Return one call."""
        return Ask(path={"id": id})

    @call("POST", "/v1/approvals/{id}/approve", Approval)
    def approve(self, id: str) -> Ask:
        """Give leave; raises Conflict if it was decided before."""
        return Ask(path={"id": id})

    @call("POST", "/v1/approvals/{id}/deny", Approval)
    def deny(self, id: str, *, reason: str = "") -> Ask:
        """Refuse leave, and tell the agent why; raises Conflict if it was decided before."""
        return Ask(path={"id": id}, body={"reason": reason} if reason else None)


def _check(check: Check) -> dict[str, object]:
    """Return a check as its kind is written: no fields of others."""
    fields = {
        "file": put(path=check.path, contains=check.contains or None),
        "url": put(url=check.url, status=check.status, contains=check.contains or None),
        "command": put(command=check.command, status=check.status),
        "tool": put(tool=check.tool, arguments=check.arguments, contains=check.contains),
    }
    return {"type": check.type, **fields.get(check.type, {})}
