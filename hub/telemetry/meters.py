"""Counters of what the hub does, in Prometheus' own types. No label has ids, people, chats or addresses.

They're counted from the changes that are committed: what's counted is kept, and each hub counts what it did itself.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hub.ports import Add, Change, Clock, Save
from hub.records import Entry, Event, EventKind, Message, MessageId, Route, Step, Transition, Turn, TurnId

TOOLS = 100
"""Tools that are counted by name; who installs more finds the rest as one."""
REST = "(others)"
QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
SLOW = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 900.0)
OUTCOMES = {"sent": "sent", "failed": "refused", "unknown": "uncertain", "ready": "delayed", "moved": "sent"}
"""What became of a delivery, by the state that its message was left in."""
WRITTEN = ("answer", "arguments", "digest")
"""What the answering model is asked for; all else are decisions."""
TURNS = 10_000


class Meters:
    """Counts. `models` says what the answering model and the one that decides are called now."""

    def __init__(self, clock: Clock, models: Callable[[], tuple[str, str]]) -> None:
        self._clock = clock
        self._models = models
        self.registry = registry = CollectorRegistry()
        self._accepted = _counter(registry, "messages_accepted", "Messages of people that were kept.", "bridge")
        self._settled = _counter(registry, "messages_settled", "Messages that were done with.", "bridge", "state")
        self._answer = Histogram(
            "agenthost_answer_seconds",
            "From a message's being kept to its answer's being kept.",
            ["bridge"],
            buckets=SLOW,
            registry=registry,
        )
        self._routes = _counter(registry, "routes", "Messages that found their task, by the rule.", "rule")
        self._asked = _counter(registry, "routes_asked", "Messages about which a person was asked.")
        self._turns = _counter(registry, "turns", "Turns that ended.", "state")
        self._turn = Histogram("agenthost_turn_seconds", "What a turn took.", buckets=SLOW, registry=registry)
        self._tokens = _counter(registry, "tokens", "Tokens read and written.", "model", "purpose", "direction")
        self._verdicts = _counter(registry, "verdicts", "What the supervisor found.", "kind")
        self._calls = _counter(registry, "tool_calls", "Calls of tools.", "tool", "outcome")
        self._deliveries = _counter(registry, "deliveries", "What became of deliveries.", "bridge", "outcome")
        self._dead = _counter(registry, "dead_letters", "Entries that were given up.", "queue")
        self._ended = _counter(registry, "tasks_ended", "Tasks that came to an end.", "state")
        self._commits = Histogram("agenthost_commit_seconds", "What a commit took.", buckets=QUICK, registry=registry)
        self._tick = Histogram(
            "agenthost_tick_seconds", "What a look at what's due took.", buckets=QUICK, registry=registry
        )
        self._lag = Gauge(
            "agenthost_tick_lag_seconds", "How much later than a second after the last one it came.", registry=registry
        )
        self._tools: set[str] = set()
        self._counted: OrderedDict[TurnId, list[int]] = OrderedDict()
        """Tokens of the steps of turns under way, which are among those of the turn, too."""

    def committed(self, changes: Sequence[Change], seconds: float) -> None:
        """See Witness."""
        self._commits.observe(seconds)
        records = [change.record for change in changes if isinstance(change, Add | Save)]
        told = {(record.kind, record.message) for record in records if isinstance(record, Event)}
        for change in changes:
            match change:
                case Add(Message() as message) | Save(Message() as message):
                    self._said(message, told, new=isinstance(change, Add))
                case Save(Turn() as turn) if turn.ended_at is not None:
                    self._turned(turn)
                case Add(Step() as step):
                    self._stepped(step)
                case Save(Entry(state="dead") as entry):
                    self._dead.labels(entry.queue).inc()
                case Add(Transition(after="completed" | "failed" | "canceled") as moved):
                    self._ended.labels(moved.after).inc()
                case _:
                    pass

    def ticked(self, seconds: float, lag: float) -> None:
        """Count a look at what's due: how long it took, and how late it came."""
        self._tick.observe(seconds)
        self._lag.set(max(0.0, lag))

    # --- inside

    def _said(self, message: Message, told: set[tuple[EventKind, MessageId | None]], *, new: bool) -> None:
        bridge = message.address.bridge
        if message.role != "user":
            if ("delivery", message.id) in told or (new and message.state == "sent"):
                self._deliveries.labels(bridge, OUTCOMES.get(message.state, message.state)).inc()
            return
        if new:
            self._accepted.labels(bridge).inc()
        if message.state == "asking":
            self._asked.inc()
        elif ("route", message.id) in told and message.route is not None:
            self._routed(message.route)
        elif message.state in {"answered", "stopped", "failed"} and ("message", message.id) in told:
            self._settled.labels(bridge, message.state).inc()
            if message.state == "answered":
                self._answer.labels(bridge).observe(max(0.0, (self._clock.now() - message.created_at).total_seconds()))

    def _routed(self, route: Route) -> None:
        self._routes.labels(route.rule).inc()
        if route.tokens:
            self._count_tokens("route", route.tokens, 0)

    def _turned(self, turn: Turn) -> None:
        self._turns.labels(turn.state).inc()
        self._turn.observe(turn.ms / 1000)
        if turn.verdict is not None:
            self._verdicts.labels(type(turn.verdict).__name__.lower()).inc()
        steps_in, steps_out = self._counted.pop(turn.id, (0, 0))
        self._count_tokens("answer", turn.tokens_in - steps_in, turn.tokens_out - steps_out)

    def _stepped(self, step: Step) -> None:
        if step.kind == "tool":
            outcome = "unsure" if step.unsure else "failed" if step.failed else "ok"
            self._calls.labels(self._named(step.name), outcome).inc()
        elif step.tokens_in or step.tokens_out:
            self._count_tokens(step.kind, step.tokens_in, step.tokens_out)
            of_turn = self._counted.setdefault(step.turn, [0, 0])
            of_turn[0] += step.tokens_in
            of_turn[1] += step.tokens_out
            if len(self._counted) > TURNS:
                self._counted.popitem(last=False)

    def _count_tokens(self, purpose: str, tokens_in: int, tokens_out: int) -> None:
        answers, decides = self._models()
        model = answers if purpose in WRITTEN else decides
        if tokens_in > 0:
            self._tokens.labels(model, purpose, "in").inc(tokens_in)
        if tokens_out > 0:
            self._tokens.labels(model, purpose, "out").inc(tokens_out)

    def _named(self, tool: str) -> str:
        # A stranger's package may bring as many tools as it likes, and each name is a series for good.
        if tool not in self._tools:
            if len(self._tools) >= TOOLS:
                return REST
            self._tools.add(tool)
        return tool


def _counter(registry: CollectorRegistry, name: str, told: str, *labels: str) -> Counter:
    return Counter(f"agenthost_{name}", told, labels, registry=registry)
