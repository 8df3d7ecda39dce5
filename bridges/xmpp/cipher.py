"""OMEMO by slixmpp-omemo; the one module that imports it, and only if an account wants it.

Its errors are told by their kind alone: their texts may quote what somebody said.
"""

import asyncio
import logging
from asyncio import Lock, Task
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any, ClassVar, TypeVar, cast
from xml.etree.ElementTree import Element

import omemo
from omemo.session_manager import (
    MessageNotForUs,
    NoEligibleDevices,
    NoSession,
    SenderNotFound,
    XMPPInteractionFailed,
)
from omemo.storage import Just, Maybe, Nothing, Storage, StorageException
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.jid import JID
from slixmpp.plugins import register_plugin
from slixmpp.stanza import Message
from slixmpp_omemo import XEP_0384

from bridges.xmpp.saying import OLDMEMO
from bridges.xmpp.sealing import Keep, Passing, Unfit
from bridges.xmpp.stream import Client
from hub.errors import StoreError, TooLarge
from hub.ports import Documents

log = logging.getLogger(__name__)

T = TypeVar("T")

OWN = "own"
WHY = (
    (MessageNotForUs, "it isn't encrypted for my device; your client may not know my keys yet"),
    (NoSession, "our keys got out of step"),
    (SenderNotFound, "your device's keys can't be had from your server"),
    (NotImplementedError, "it's of a newer kind (urn:xmpp:omemo:2) than I can read"),
    (NoEligibleDevices, "none of their devices offers keys that are trusted"),
)
PASSING = (XMPPInteractionFailed, SenderNotFound, IqError, IqTimeout, StorageException, StoreError, TimeoutError)


class State(Storage):
    """Keeps our keys and the state of our sessions among the bridge's documents: one for us, one for each contact."""

    def __init__(self, documents: Documents, owner: str) -> None:
        super().__init__(disable_cache=True)
        self._documents = documents
        self._owner = owner
        self._shares: dict[str, dict[str, Any]] = {}
        self._dirty: set[str] = set()
        self._held: set[str] = set()
        """Whose sessions are at work now."""

    @asynccontextmanager
    async def held(self, whose: str) -> AsyncIterator[None]:
        """Have changes of somebody's state written at the end; after an error, have that state as it was."""
        before, dirty = deepcopy(await self._share(whose)), whose in self._dirty
        self._held.add(whose)
        try:
            yield
        except BaseException:
            self._shares[whose] = before
            if not dirty:
                self._dirty.discard(whose)
            raise
        finally:
            self._held.discard(whose)
        await self.write(whose)
        await self.write(OWN)

    async def write(self, whose: str) -> None:
        """Write somebody's state, if it changed. Raises StorageException."""
        if whose in self._dirty:
            self._dirty.discard(whose)
            try:
                await self._documents.put(f"{self._owner}/{whose}", "state", deepcopy(self._shares[whose]))
            except (StoreError, TooLarge) as error:
                self._dirty.add(whose)
                raise StorageException(str(error)) from None

    async def _load(self, key: str) -> Maybe[Any]:
        share = await self._share(_whose(key))
        return Just(share[key]) if key in share else Nothing()

    async def _store(self, key: str, value: Any) -> None:
        (await self._share(_whose(key)))[key] = deepcopy(value)
        await self._changed(_whose(key))

    async def _delete(self, key: str) -> None:
        if (await self._share(_whose(key))).pop(key, None) is not None:
            await self._changed(_whose(key))

    async def _changed(self, whose: str) -> None:
        self._dirty.add(whose)
        if whose in self._held or (whose == OWN and self._held):
            return
        await self.write(whose)

    async def _share(self, whose: str) -> dict[str, Any]:
        if whose not in self._shares:
            try:
                kept = await self._documents.get(f"{self._owner}/{whose}", "state")
            except StoreError as error:
                raise StorageException(str(error)) from None
            self._shares.setdefault(whose, dict(kept or {}))
        return self._shares[whose]


class Plugin(XEP_0384):
    """The plugin, with our state, that trusts who's new blindly, and is begun by us and not by each session."""

    name = "xep_0384"
    default_config: ClassVar[dict[str, Any]] = {"state": None, "fallback_message": ""}

    def session_bind(self, jid: JID) -> None:
        """Do nothing: an attempt that the link breaks must not end all further ones."""

    def forget_attempt(self) -> None:
        """Let the session manager be made anew, after an attempt that failed."""
        name = "_XEP_0384__session_manager_task"
        # One that's under way was begun by news of somebody's devices: two would make two devices of us.
        if (task := self.__dict__.get(name)) is not None and task.done():
            self.__dict__[name] = None

    @property
    def storage(self) -> Storage:
        """See XEP_0384.storage."""
        return self.config["state"]

    @property
    def _btbv_enabled(self) -> bool:
        return True

    async def _devices_blindly_trusted(self, blindly_trusted: Any, identifier: str | None) -> None:
        for device in blindly_trusted:
            log.info("OMEMO: device %s of %s is trusted at first sight", device.device_id, device.bare_jid)

    async def _prompt_manual_trust(self, manually_trusted: Any, identifier: str | None) -> None:
        raise omemo.TrustDecisionFailed("nobody's here to ask")


class Omemo:
    """A Cipher."""

    def __init__(self, stream: Client, state: State) -> None:
        self._stream = stream
        self._state = state
        register_plugin(Plugin)
        stream.register_plugin("xep_0384", {"state": state})
        self._plugin: Plugin = cast("Any", stream.plugin)["xep_0384"]
        self._beginning: Task[Any] | None = None
        self._locks: dict[str, Lock] = {}

    async def begin(self) -> None:
        """See Cipher.begin."""
        if self._beginning is None or (self._beginning.done() and not _worked(self._beginning)):
            self._plugin.forget_attempt()
            self._beginning = asyncio.create_task(self._plugin.get_session_manager())
        try:
            # Shielded, for others wait for it too.
            await asyncio.shield(self._beginning)
        except Exception as error:
            raise _told(error) from None

    async def open(self, message: Element, keep: Keep) -> Element | None:
        """See Cipher.open."""
        await self.begin()
        stanza = Message(self._stream, xml=message)

        async def opened() -> Element | None:
            plain, _ = await self._plugin.decrypt_message(stanza)
            body = plain.xml.find(f"{{{self._stream.default_ns}}}body")
            if body is None or not (body.text or "").strip():
                return None
            await keep(plain.xml)
            found: Element = plain.xml
            return found

        return await self._done(stanza["from"].bare, opened)

    async def seal(self, to: str, id: str, text: str) -> list[Element]:
        """See Cipher.seal."""
        await self.begin()
        stanza = self._stream.make_message(mto=JID(to), mbody=text, mtype="chat")
        stanza["id"] = id

        async def sealed() -> list[Element]:
            made, errors = await self._plugin.encrypt_message(stanza, JID(to))
            for error in errors:
                log.info("OMEMO: left out device %s of %s", error.device_id, error.bare_jid)
            found = [] if made is None else made.xml.findall(f"{{{OLDMEMO}}}encrypted")
            if not found:
                raise Unfit("there's nothing in it")
            return list(found)

        return await self._done(JID(to).bare, sealed)

    async def end(self) -> None:
        """See Cipher.end."""
        task = self._beginning
        if task is None:
            return
        if task.done() and _worked(task):
            await task.result().shutdown()
        else:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _done(self, whose: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do something with somebody's sessions, one thing at a time."""
        async with self._locks.setdefault(whose, Lock()):
            try:
                async with self._state.held(whose):
                    return await work()
            except (Passing, Unfit):
                raise
            except Exception as error:
                raise _told(error) from None


def cipher(stream: Client, documents: Documents, owner: str) -> Omemo:
    """Return what encrypts on a stream."""
    return Omemo(stream, State(documents, owner))


def _whose(key: str) -> str:
    return next((part.lower() for part in key.split("/") if "@" in part), OWN)


def _worked(task: "Task[Any]") -> bool:
    return not task.cancelled() and task.exception() is None


def _told(error: Exception) -> Passing | Unfit:
    words = next((words for kind, words in WHY if isinstance(error, kind)), f"it failed ({type(error).__name__})")
    return Passing(words) if isinstance(error, PASSING) else Unfit(words)
