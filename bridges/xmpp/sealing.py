"""Chats that are encrypted end to end (OMEMO): which ones, opening what comes in them, and sealing what goes out.

What's written encrypted is answered encrypted, for good: nothing of such a chat ever goes out as plain text because
encrypting it failed. What does the encrypting is optional (bridges/xmpp/cipher.py), for its licence isn't ours.
"""

import asyncio
import importlib
import logging
import re
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Protocol
from xml.etree.ElementTree import Element

from msgspec.structs import replace

from bridges.xmpp import saying
from bridges.xmpp.backlog import Recent
from bridges.xmpp.hearing import Heard, heard
from bridges.xmpp.stream import Client, Component
from hub.accounts import XmppAccount, name_of
from hub.errors import ConfigError, DeliveryDelayed, DeliveryRefused, StoreError, TooLarge
from hub.ports import Clock, Documents

log = logging.getLogger(__name__)

TRIES = 3
PAUSE = 1.5
"""Seconds until what couldn't be opened for now is tried again."""
PATIENCE = 25.0
"""Seconds that sealing may take: it may have to ask the other side's server for its devices and keys."""
LATER = 60.0
UNSEALED = (
    "That came encrypted, and I can't open it: {}. Please send it again; if that doesn't help, switch encryption off."
)
SHARED_FILE = re.compile(r"aesgcm://\S+")
NO_FILE = "[an encrypted file: I can't open those here]"
INSTALL = (
    "omemo: needs the package slixmpp-omemo, which isn't installed, for its licence (AGPL-3.0) isn't AgentHost's;"
    " install it with .venv/bin/python -m pip install 'slixmpp-omemo>=2.2,<3', or set omemo to false"
)


class Passing(Exception):
    """It can't be done now, and may be a little later."""


class Unfit(Exception):
    """It can't be done, and won't be; its text says why, and nothing of what was said."""


class Cipher(Protocol):
    """What encrypts and decrypts. Raises Passing, Unfit and nothing else."""

    async def begin(self) -> None:
        """Publish our device and keys, if that isn't done yet."""

    async def open(self, message: Element, keep: "Keep") -> Element | None:
        """Return a message as it was before it was sealed; None if it has no words.

        Each opens once only, so `keep` is awaited with what's in it before that's noted.
        """

    async def seal(self, to: str, id: str, text: str) -> list[Element]:
        """Return what a text is sealed in for all devices of somebody."""

    async def end(self) -> None:
        """Let go of everything."""


class Keep(Protocol):
    """Keeps what was in a message."""

    async def __call__(self, message: Element) -> None: ...


class Sealing:
    """Opens and seals messages; without a cipher, it does neither, and no chat is sealed."""

    def __init__(self, account: XmppAccount, documents: Documents, clock: Clock, cipher: Cipher | None) -> None:
        self._documents = documents
        self._owner = f"bridges/{name_of(account)}/omemo/chats"
        self._opened_owner = f"bridges/{name_of(account)}/omemo/opened"
        self._clock = clock
        self._cipher = cipher
        self._chats: dict[str, bool] = {}
        """Sealed ones -> whether that's noted durably."""
        self._opened: Recent[str, str] = Recent(1_000)
        """Words of messages that are opened and not known to be kept yet."""

    @property
    def able(self) -> bool:
        """Whether anything can be opened or sealed."""
        return self._cipher is not None

    async def load(self) -> None:
        """Remember which chats are sealed, and what a run before this one opened and may not have handed over."""
        if self._cipher is None:
            return
        for chat, _ in await self._documents.all(self._owner):
            self._chats[chat] = True
        for key, kept in await self._documents.all(self._opened_owner):
            self._opened.put(key, str(kept.get("text", "")))

    async def begin(self) -> None:
        """Let others know our keys; if that can't be done now, it's done when they're needed."""
        if self._cipher is not None:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._cipher.begin()
            except (Passing, Unfit, TimeoutError) as error:
                log.warning("our OMEMO keys can't be published now: %s", str(error) or "no answer")

    async def end(self) -> None:
        """Let go of everything."""
        if self._cipher is not None:
            await self._cipher.end()

    def sealed(self, chat: str) -> bool:
        """Say whether what goes out in a chat must be encrypted."""
        return chat in self._chats

    async def open(self, said: Heard, chat: str, id: str) -> Heard | None:
        """Return what an encrypted message says; None if it says nothing. Raises Unfit."""
        envelope, key = said.envelope, f"{chat} {id}"
        if self._cipher is None or envelope is None:
            raise Unfit(UNSEALED.format("it isn't OMEMO"))
        opened = await self._tried(self._cipher, envelope, key)
        await self._note(chat)
        if opened is None:
            return None
        plain = heard(opened)
        return replace(plain, body=SHARED_FILE.sub(NO_FILE, plain.body), delayed_at=said.delayed_at, encrypted=False)

    async def forget(self, chat: str, id: str) -> None:
        """Forget what was in a message: it's handed over."""
        if self._opened.pop(f"{chat} {id}") is not None:
            try:
                await self._documents.remove(self._opened_owner, f"{chat} {id}")
            except (StoreError, TooLarge) as error:
                log.warning("an opened message can't be forgotten: %s", error)

    async def close(self, chat: str, message: Element) -> Element:
        """Return a message as it may go out in a chat: sealed, if somebody there wrote so.

        Raises DeliveryDelayed if it can't be sealed now, DeliveryRefused if it can't be at all.
        """
        if not self.sealed(chat):
            return message
        if self._cipher is None:
            raise DeliveryRefused(f"{chat}: the chat is encrypted, and nothing here can encrypt")
        text = next((child.text or "" for child in message if child.tag.endswith("}body")), "")
        try:
            async with asyncio.timeout(PATIENCE):
                return saying.sealed(message, await self._cipher.seal(chat, message.get("id", ""), text))
        except Unfit as error:
            raise DeliveryRefused(f"{chat}: it can't be encrypted, and isn't sent as plain text: {error}") from None
        except (Passing, TimeoutError) as error:
            why = str(error) or f"no answer within {PATIENCE:.0f} s"
            raise DeliveryDelayed(f"{chat}: it can't be encrypted now: {why}", LATER) from None

    async def _tried(self, cipher: Cipher, envelope: Element, key: str) -> Element | None:
        for number in range(1, TRIES + 1):
            # It may have been opened by a run before this one, or by a try that failed only after that.
            if (before := self._opened.get(key)) is not None:
                return saying.opened(envelope, before)
            try:
                return await cipher.open(deepcopy(envelope), partial(self._keep, key))
            except Passing as error:
                log.info("an encrypted message can't be opened now: %s", error)
                if number == TRIES:
                    raise Unfit(UNSEALED.format(error)) from None
                await self._clock.sleep(PAUSE * number)
            except Unfit as error:
                raise Unfit(UNSEALED.format(error)) from None
        raise AssertionError

    async def _keep(self, key: str, message: Element) -> None:
        text = next((child.text or "" for child in message if child.tag.endswith("}body")), "")
        self._opened.put(key, text)
        try:
            await self._documents.put(self._opened_owner, key, {"text": text})
        except (StoreError, TooLarge) as error:
            # The inbox can't keep it either, and will be asked until it can.
            log.warning("an opened message can't be kept aside: %s", error)

    async def _note(self, chat: str) -> None:
        if self._chats.get(chat):
            return
        self._chats[chat] = False
        try:
            await self._documents.put(self._owner, chat, {"since": self._clock.now().isoformat()})
            self._chats[chat] = True
        except (StoreError, TooLarge) as error:
            log.warning("it can't be noted that a chat is encrypted: %s", error)


Load = Callable[[Client, Documents, str], Cipher]


def cipher_of(account: XmppAccount, stream: Client | Component, documents: Documents) -> Cipher | None:
    """Return what encrypts for an account; None if it's not to. Raises ConfigError if that isn't installed."""
    if not account.omemo or not isinstance(stream, Client):
        return None
    load: Load = installed()
    return load(stream, documents, f"bridges/{name_of(account)}/omemo")


def installed() -> Load:
    """Return what makes ciphers. Raises ConfigError if that isn't installed."""
    try:
        load: Load = importlib.import_module("bridges.xmpp.cipher").cipher
    except ImportError:
        raise ConfigError(INSTALL) from None
    return load
