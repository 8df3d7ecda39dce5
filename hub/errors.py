"""Every error of the hub, drawn by who has to act.

AgentHostError
|-- ConfigError            the operator: mend the config file or the environment
|-- StartError             the operator: something outside the config keeps the hub from starting
|-- PullError              the operator: a model can't be fetched
|-- ScanError              the operator: the command that looks into packages failed
|-- StoreError             (the hub itself)
|   |-- Duplicate          the caller: that record is already kept
|   |-- Conflict           the caller: somebody changed the record meanwhile, read it again
|   `-- StoreUnavailable   the sender: not accepted, try again; the operator: see the reason (a full disk)
|       `-- HubEnded         the hub itself: it begins anew, for the others have taken over its work
|-- LLMError               (turns and router)
|   |-- LLMUnavailable     nobody at once: what waits is kept and tried again
|   |   `-- LLMAway          nobody at once: the model's server is down, asks to wait, or may not be paid today
|   |-- LLMTimeout         the turn: its deadline passed
|   |-- LLMRefused         the operator: the model's server said no (key, quota, model name)
|   `-- ContextOverflow    the turn: shorten the prompt
|-- DeliveryError          (the outbox)
|   |-- DeliveryDelayed    wait as long as it says, then deliver again: certainly not delivered
|   |-- DeliveryUncertain  perhaps delivered: deliver once more, marked
|   `-- DeliveryRefused    never deliverable: tell the person elsewhere, loudly
|-- ToolError              the LLM: it reads the text
|   `-- Unsure               the person, who's asked before it's done again: nobody knows whether it was done
|-- EgressError            who gave the address: it didn't answer as it should
|   `-- EgressRefused      who gave the address: it's one that may not be asked
|-- ManifestError          the author of a package
|-- StatementError         nobody: what's signed isn't, is over, or was changed, and nothing follows from it
|-- SandboxMissing         the operator: this machine can't confine strangers' programs, so they don't run
`-- PersonError            the person who asked
    |-- BadRequest         say it differently: names the field, the value and the way out
    |-- NotFound           no such thing, or none that this person may see
    |-- NotAllowed         this person or key may not
    |   `-- Stranger       nobody knows the sender: they're told nothing
    |-- Withheld           it's there, and isn't given out: the text says why
    |-- AlreadyUsed        an idempotency key used for something else
    |-- Decided            somebody answered before, or it's too late
    |-- TooLarge           send less
    `-- TooMany            send later
        `-- OverQuota        send later: names the quota, and when it's free again
"""

from datetime import datetime


class AgentHostError(Exception):
    """Anything that the hub raises on purpose."""


class ConfigError(AgentHostError):
    """The config can't be used; `faults` has a line for each thing to mend, each starting with its key path."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class StartError(AgentHostError):
    """The hub can't start for a reason outside its config: a port in use, a newer database, a locked folder."""


class PullError(AgentHostError):
    """A model can't be fetched; the text says why and the way out. `passes`: it may be possible later."""

    def __init__(self, text: str, *, passes: bool = False) -> None:
        super().__init__(text)
        self.passes = passes


class ScanError(AgentHostError):
    """Nobody knows whether a package is odd: the scan itself failed. The package isn't installed."""


class StoreError(AgentHostError):
    """The store didn't do what it was asked; nothing of that commit was kept."""


class Duplicate(StoreError):
    """A record with the same id or the same natural key is already kept."""


class Conflict(StoreError):
    """The record was changed by somebody else since it was read, or is gone."""


class StoreUnavailable(StoreError):
    """The store can't write now: the disk is full or can't be written. Nothing was kept."""


class HubEnded(StoreUnavailable):
    """This hub was silent for so long that the others count it as dead: nothing it does is kept any more."""


class LLMError(AgentHostError):
    """The LLM gave no answer."""


class LLMUnavailable(LLMError):
    """There's no model at the moment: none is installed, it's loading, or its process died and is being restarted."""


class LLMAway(LLMUnavailable):
    """The model's server took nothing of the request: it's down, asks to wait, or the day's money is spent.

    Unlike a model that dies over a request, this says nothing about the request: it's tried for as long as it takes.
    """


class LLMTimeout(LLMError):
    """The request's deadline passed."""


class LLMRefused(LLMError):
    """A remote server refused the request for good; the text says why."""


class ContextOverflow(LLMError):
    """The prompt doesn't fit into the model's context."""

    def __init__(self, tokens: int, context: int) -> None:
        super().__init__(f"the prompt has {tokens} tokens, the model's context holds {context}")
        self.tokens = tokens
        self.context = context


class DeliveryError(AgentHostError):
    """A message didn't certainly reach its platform."""


class DeliveryDelayed(DeliveryError):
    """Certainly not delivered; the platform may be asked again after so many seconds."""

    def __init__(self, reason: str, after: float) -> None:
        super().__init__(reason)
        self.after = after


class DeliveryUncertain(DeliveryError):
    """The connection broke after the message was handed over: it may have arrived."""


class DeliveryRefused(DeliveryError):
    """The platform will never take this message."""


class ToolError(AgentHostError):
    """A tool couldn't do what it was called for; the text is written for the LLM."""


class Unsure(ToolError):
    """A tool was called, and nobody knows whether it did its work; the text is written for the LLM."""


class EgressError(AgentHostError):
    """A request to the outside was refused before it was made, or came to nothing; the text says which and why."""


class EgressRefused(EgressError):
    """Nobody was asked: the address is odd, isn't public, or isn't among those that may be asked."""


class ManifestError(AgentHostError):
    """A package's manifest is wrong; the text names the file, the key, the value and the way out."""


class StatementError(AgentHostError):
    """A signed statement isn't one, was changed, is over, or is somebody else's; the text says which and of what."""


class SandboxMissing(AgentHostError):
    """This machine can't confine a stranger's program, so it doesn't run; the text says why and the way out."""


class PersonError(AgentHostError):
    """The person who asked can mend it; the text is written for them."""


class BadRequest(PersonError):
    """A field has a value that can't be used."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field


class NotFound(PersonError):
    """No such thing exists for this person."""


class NotAllowed(PersonError):
    """This person, or this key's scopes, may not do that."""


class Stranger(NotAllowed):
    """The sender isn't known and isn't to be: a bridge tells them nothing and shows them nothing."""


class Withheld(PersonError):
    """What was asked for is there, and was taken out of everybody's reach; the text says why."""


class AlreadyUsed(PersonError):
    """An idempotency key came again with another body."""


class Decided(PersonError):
    """What's asked was answered before, its time is over, or it isn't the same any more."""


class TooLarge(PersonError):
    """More than the hub takes in one go."""


class TooMany(PersonError):
    """More than the hub takes from one person at a time; try again after so many seconds."""

    def __init__(self, text: str, after: float) -> None:
        super().__init__(text)
        self.after = after


class OverQuota(TooMany):
    """All that a tenant may take of something is taken: `quota` is what, `limit` how much, and it's free `again_at`."""

    def __init__(self, text: str, *, quota: str, limit: float, again_at: datetime, after: float) -> None:
        super().__init__(text, after)
        self.quota = quota
        self.limit = limit
        self.again_at = again_at
