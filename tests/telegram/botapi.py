"""A Bot API server for what emulators lack: topics, drafts, rich messages, reactions, edits, the stop button.

Each call is first checked against the description that others made (schema.py): an unknown, missing or withdrawn
parameter is a fault, answered with a 400 and kept in `faults`, which a test ends by looking at.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, web

from tests.telegram.calls import Call, form
from tests.telegram.schema import Schema
from tests.telegram.seen import Draft, Refusal, Shown, Topic, check_text, sends, text_of

TOKEN = "42:fixture-token-of-the-tests-9876543210"
ANN = {"id": 1001, "is_bot": False, "first_name": "Ann", "last_name": "Lee", "username": "AnnLee"}
BOT = {
    "id": 42, "is_bot": True, "first_name": "Hub", "username": "HubBot", "can_join_groups": True,
    "can_read_all_group_messages": False, "supports_inline_queries": False,
}  # fmt: skip
KEPT = ("message", "edited_message", "callback_query", "my_chat_member", "stopped_message_generation")


class BotApi:
    """Listens on a port of its own; lets a test speak as people and see what they see."""

    def __init__(self, schema: Schema, *, topics: bool = False) -> None:
        self._schema = schema
        self._topics = topics
        self._ids = itertools.count(1)
        self._updates: list[dict[str, Any]] = []
        self._numbers = itertools.count(5001)
        self._news = asyncio.Event()
        self._webhook = ""
        self._secret = ""
        self._runner: web.AppRunner | None = None
        self._polls = 0
        self.revoked = False
        """The token isn't good any more."""
        self.blocked: set[int] = set()
        self.lacking: set[str] = set()
        """Methods that this server doesn't have."""
        self.refusing: list[tuple[str, Refusal | None]] = []
        """(method, refusal) for the next call of that method, in order; None lets one pass."""
        self.faults: list[str] = []
        self.calls: list[Call] = []
        self.shown: list[Shown] = []
        self.drafts: list[Draft] = []
        self.topics: dict[tuple[int, int], Topic] = {}
        self.reactions: dict[tuple[int, int], str] = {}
        self.acknowledged: list[int] = []
        self.files: dict[str, bytes] = {}

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=100_000_000)
        app.router.add_post("/bot{token}/{method}", self._called)
        app.router.add_get("/file/bot{token}/{path:.*}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        assert self._runner is not None
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    # --- what people do

    def says(self, text: str = "", *, chat: int = 1001, thread: int | None = None, **fields: Any) -> int:
        """Have somebody write a message; return its number."""
        message = self.message(chat=chat, thread=thread, **({"text": text} if text else {}), **fields)
        self.tell({"message": message})
        return int(message["message_id"])

    def message(self, *, chat: int = 1001, thread: int | None = None, **fields: Any) -> dict[str, Any]:
        """Return a message as Telegram tells it."""
        who = ANN if chat in (1001, -1001) else {**ANN, "id": abs(chat)}
        where = {"id": chat, "type": "private", "first_name": "Ann"} if chat > 0 else self._group(chat)
        topic = {"message_thread_id": thread, "is_topic_message": True} if thread else {}
        known = {"message_id": next(self._ids), "date": int(time.time()), "chat": where, "from": who}
        return {**known, **topic, **fields}

    def presses(self, shown: Shown, label: str) -> str:
        """Have Ann press a button of a message; return the query's id."""
        button = next(button for row in shown.buttons for button in row if button["text"] == label)
        id = f"q{next(self._ids)}"
        message = self._told(shown)
        query = {"id": id, "from": ANN, "chat_instance": "1", "data": button["callback_data"], "message": message}
        self.tell({"callback_query": query})
        return id

    def open_topic(self, chat: int, thread: int, name: str, *, implicit: bool = False) -> None:
        """Have somebody begin a topic."""
        self.topics[chat, thread] = Topic(name=name)
        began = {"name": name, "icon_color": 7322096, **({"is_name_implicit": True} if implicit else {})}
        self.says(chat=chat, thread=thread, forum_topic_created=began)

    def stops(self, draft: Draft) -> None:
        """Have Ann press the stop button of a draft."""
        chat = {"id": draft.chat, "type": "private", "first_name": "Ann"}
        thread = {"message_thread_id": draft.thread} if draft.thread else {}
        self.tell({"stopped_message_generation": {"chat": chat, "draft_id": draft.id, **thread}})

    def tell(self, update: dict[str, Any]) -> int:
        """Queue an update; return its number."""
        number = next(self._numbers)
        self._updates.append({"update_id": number, **update})
        self._news.set()
        return number

    async def post(self) -> list[int]:
        """Post what waits to the webhook; return the answers. What isn't taken waits on."""
        answers = []
        async with ClientSession() as client:
            for update in tuple(self._updates):
                headers = {"X-Telegram-Bot-Api-Secret-Token": self._secret}
                async with client.post(self._webhook, json=update, headers=headers) as response:
                    answers.append(response.status)
                if response.status == 200:
                    self._updates.remove(update)
                    self.acknowledged.append(update["update_id"])
        return answers

    # --- what people see

    @property
    def texts(self) -> list[str]:
        """What can be read, in order."""
        return [shown.text for shown in self.shown if not shown.gone]

    def made(self, method: str) -> list[Call]:
        """Return the calls of a method that were answered with yes."""
        return [call for call in self.calls if call.method == method and call.status == 200]

    # --- the server

    async def _called(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        fields, files = form(await request.read(), request.headers.get("Content-Type", ""))
        body: dict[str, Any] = {"ok": True}
        status = 200
        try:
            if request.match_info["token"] != TOKEN or self.revoked:
                raise Refusal("Unauthorized", 401)
            self._check(method, fields, files)
            body["result"] = await self._answer(method, fields)
        except Refusal as refusal:
            status = refusal.status
            body = {"ok": False, "error_code": status, "description": str(refusal)}
            if refusal.parameters:
                body["parameters"] = refusal.parameters
        self.calls.append(Call(method=method, fields=fields, files=files, status=status))
        return web.json_response(body, status=status)

    def _check(self, method: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> None:
        if method in self.lacking:
            raise Refusal("Not Found: method not found", 404)
        if faults := self._schema.faults(method, fields, files):
            self.faults += faults
            raise Refusal(f"Bad Request: {faults[0]}")
        for number, (name, refusal) in enumerate(self.refusing):
            if name == method:
                del self.refusing[number]
                if refusal is not None:
                    raise refusal
                break
        if sends(method) and int(fields["chat_id"]) in self.blocked:
            raise Refusal("Forbidden: bot was blocked by the user", 403)

    async def _answer(self, method: str, fields: Mapping[str, str]) -> Any:
        if method == "getUpdates":
            return await self._poll(fields)
        known: dict[str, Callable[[Mapping[str, str]], Any]] = {
            "getMe": self._me,
            "getWebhookInfo": self._webhook_info,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._set_webhook,
            "getFile": self._get_file,
            "createForumTopic": self._create_topic,
            "sendMessageDraft": self._draft,
            "sendRichMessageDraft": self._draft,
            "deleteMessage": self._delete,
            "setMessageReaction": self._react,
            "sendMediaGroup": self._album,
            "sendChatAction": lambda _: True,
        }
        if method in known:
            return known[method](fields)
        if method.endswith("ForumTopic"):
            return self._change_topic(method, fields)
        if method.startswith("editMessage"):
            return self._edit(method, fields)
        return self._show(method, fields, text_of(fields)) if sends(method) else True

    def _me(self, _: Mapping[str, str]) -> dict[str, Any]:
        return {**BOT, "has_topics_enabled": self._topics, "allows_users_to_create_topics": self._topics}

    def _webhook_info(self, _: Mapping[str, str]) -> dict[str, Any]:
        return {"url": self._webhook, "has_custom_certificate": False, "pending_update_count": len(self._updates)}

    def _set_webhook(self, fields: Mapping[str, str]) -> bool:
        self._webhook, self._secret = fields.get("url", ""), fields.get("secret_token", "")
        return True

    def _delete(self, fields: Mapping[str, str]) -> bool:
        self._find(fields).gone = True
        return True

    def _album(self, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        media = json.loads(fields["media"])
        if not 2 <= len(media) <= 10:
            raise Refusal("Bad Request: group media must have 2-10 items")
        return [self._show("sendMediaGroup", fields, item.get("caption", "")) for item in media]

    async def _poll(self, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        if self._webhook:
            raise Refusal("Conflict: can't use getUpdates method while webhook is active", 409)
        self._polls += 1
        mine = self._polls
        offset, kinds = int(fields.get("offset", 0)), json.loads(fields.get("allowed_updates", "[]"))
        self.acknowledged += [update["update_id"] for update in self._updates if update["update_id"] < offset]
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        end = time.monotonic() + int(fields.get("timeout", 0))
        while True:
            self._news.clear()
            if mine != self._polls:
                raise Refusal("Conflict: terminated by other getUpdates request", 409)
            found = [update for update in self._updates if not kinds or set(update) & set(kinds)]
            left = end - time.monotonic()
            if self.revoked:
                raise Refusal("Unauthorized", 401)
            if found or left <= 0:
                return found[: int(fields.get("limit", 100))]
            try:
                async with asyncio.timeout(min(left, 0.2)):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _show(self, method: str, fields: Mapping[str, str], text: str) -> dict[str, Any]:
        chat, thread = int(fields["chat_id"]), int(fields.get("message_thread_id", 0)) or None
        if thread is not None:
            topic = self.topics.get((chat, thread))
            if topic is None:
                raise Refusal("Bad Request: message thread not found")
            if topic.closed:
                raise Refusal("Bad Request: TOPIC_CLOSED")
        check_text(fields, text)
        buttons = json.loads(fields.get("reply_markup", "{}")).get("inline_keyboard", [])
        for button in (button for row in buttons for button in row):
            if len(button.get("callback_data", "").encode()) > 64:
                raise Refusal("Bad Request: BUTTON_DATA_INVALID")
        shown = Shown(id=next(self._ids), chat=chat, thread=thread, text=text, method=method, fields=fields,
                      buttons=buttons)  # fmt: skip
        self.shown.append(shown)
        return self._told(shown)

    def _edit(self, method: str, fields: Mapping[str, str]) -> dict[str, Any]:
        shown = self._find(fields)
        buttons = json.loads(fields.get("reply_markup", "{}")).get("inline_keyboard", [])
        if method == "editMessageReplyMarkup":
            if buttons == shown.buttons:
                raise Refusal("Bad Request: message is not modified")
        else:
            text = text_of(fields)
            check_text(fields, text)
            if (text, buttons) == (shown.text, shown.buttons):
                raise Refusal("Bad Request: message is not modified: specified new message content and reply markup"
                              " are exactly the same")  # fmt: skip
            shown.text = text
        shown.buttons = buttons
        return self._told(shown)

    def _find(self, fields: Mapping[str, str]) -> Shown:
        where = (int(fields["chat_id"]), int(fields["message_id"]))
        for shown in self.shown:
            if (shown.chat, shown.id) == where and not shown.gone:
                return shown
        raise Refusal("Bad Request: message to edit not found")

    def _told(self, shown: Shown) -> dict[str, Any]:
        where = (
            {"id": shown.chat, "type": "private", "first_name": "Ann"} if shown.chat > 0 else self._group(shown.chat)
        )
        told: dict[str, Any] = {"message_id": shown.id, "date": 1, "chat": where, "from": BOT, "text": shown.text}
        if shown.thread:
            told |= {"message_thread_id": shown.thread, "is_topic_message": True}
        if shown.buttons:
            told["reply_markup"] = {"inline_keyboard": shown.buttons}
        return told

    def _create_topic(self, fields: Mapping[str, str]) -> dict[str, Any]:
        chat, thread = int(fields["chat_id"]), next(self._ids)
        if not 1 <= len(fields["name"]) <= 128:
            raise Refusal("Bad Request: TOPIC_NAME_INVALID")
        if chat > 0 and not self._topics:
            raise Refusal("Bad Request: the chat is not a forum")
        self.topics[chat, thread] = Topic(name=fields["name"])
        return {"message_thread_id": thread, "name": fields["name"], "icon_color": 7322096}

    def _change_topic(self, method: str, fields: Mapping[str, str]) -> bool:
        topic = self.topics.get((int(fields["chat_id"]), int(fields["message_thread_id"])))
        if topic is None:
            raise Refusal("Bad Request: TOPIC_ID_INVALID")
        if method == "editForumTopic":
            if fields["name"] == topic.name:
                raise Refusal("Bad Request: TOPIC_NOT_MODIFIED")
            topic.name = fields["name"]
        elif int(fields["chat_id"]) > 0:
            raise Refusal("Bad Request: the chat is not a supergroup forum")
        else:
            topic.closed = method == "closeForumTopic"
        return True

    def _draft(self, fields: Mapping[str, str]) -> bool:
        chat, id = int(fields["chat_id"]), int(fields["draft_id"])
        if chat < 0 or id == 0:
            raise Refusal("Bad Request: DRAFT_INVALID")
        thread = int(fields.get("message_thread_id", 0)) or None
        draft = Draft(at=time.monotonic(), chat=chat, thread=thread, id=id, text=text_of(fields),
                      can_stop=fields.get("can_stop") == "true")  # fmt: skip
        self.drafts.append(draft)
        return True

    def _react(self, fields: Mapping[str, str]) -> bool:
        for reaction in json.loads(fields.get("reaction", "[]")):
            self.reactions[int(fields["chat_id"]), int(fields["message_id"])] = reaction["emoji"]
        return True

    def _get_file(self, fields: Mapping[str, str]) -> dict[str, Any]:
        id = fields["file_id"]
        if id not in self.files:
            raise Refusal("Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(self.files[id]) > 20_000_000:
            raise Refusal("Bad Request: file is too big")
        return {"file_id": id, "file_unique_id": f"u{id}", "file_path": f"files/{id}"}

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["path"].rpartition("/")[2]])

    def _group(self, chat: int) -> dict[str, Any]:
        forum = {"is_forum": True} if any(where == chat for where, _ in self.topics) else {}
        return {"id": chat, "type": "supergroup", "title": "The house", **forum}
