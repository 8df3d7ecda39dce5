"""What comes in for the model while it's busy."""

import os
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from hub.llm import wire


class Post:
    """Reads the hub's frames in a thread of its own, which can break off an evaluation."""

    def __init__(self, source: BinaryIO, abort: Callable[[], object], proceed: Callable[[], object]) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._letters: list[wire.Order] = []
        self._now: set[int] = set()
        self._abort = abort
        self._proceed = proceed

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._run, name="post", daemon=True).start()

    def collect(self, *, wait: bool) -> list[wire.Order]:
        """Return what came in; with `wait`, not before something did."""
        if wait:
            self._news.wait()
        with self._lock:
            letters, self._letters = self._letters, []
            self._news.clear()
            return letters

    def begin(self, ids: set[int]) -> bool:
        """Say which requests are being evaluated from now on: their cancelling breaks it off. False: collect first."""
        with self._lock:
            if self._letters:
                return False
            self._now = ids
            self._proceed()
            return True

    def _run(self) -> None:
        try:
            while (order := wire.read_order(self._source.read)) is not None:
                with self._lock:
                    self._letters.append(order)
                    self._news.set()
                    if isinstance(order, wire.Cancel) and order.id in self._now:
                        self._abort()
        except (ValueError, OSError, msgspec.DecodeError) as error:
            sys.stderr.write(f"the hub can't be understood: {error}\n")
        # At once, in the middle of an evaluation too: nobody is left to answer.
        os._exit(0)
