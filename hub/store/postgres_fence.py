"""Keeps a hub that others have ended from writing, whatever it still thinks of itself."""

from sqlalchemy import Connection, text

from hub.errors import HubEnded

STOPPED = "8s"
"""A hub that's stopped in the middle of a transaction holds locks that all wait for: the server ends it after this."""
ALIVE = text(
    "SELECT set_config('idle_in_transaction_session_timeout', :stopped, true)"
    " FROM hubs WHERE boot = :boot AND ended_at IS NULL FOR KEY SHARE"
)


class HubFence:
    """A Fence that lets a hub write as long as its row says that it lives; before it joined the others, too."""

    def __init__(self) -> None:
        self.boot = ""

    def __call__(self, connection: Connection) -> None:
        # Others end a hub under a lock that waits for this one: a commit comes wholly before that, or not at all.
        if self.boot and connection.execute(ALIVE, {"boot": self.boot, "stopped": STOPPED}).one_or_none() is None:
            raise HubEnded("this hub was silent for too long: another has taken over its work")
