"""The judge of calls: what Telegram doesn't know, it sees."""

import pytest

from tests.telegram.description import described

TICK = '[{"type": "emoji", "emoji": "✅"}]'
BUTTON = '{"inline_keyboard": [[{"text": "x", "callback_data": "c0"}]]}'


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("sendMessage", {"chat_id": "1", "text": "5", "reply_markup": BUTTON}),
        ("sendMessage", {"chat_id": "-1", "text": "x", "reply_parameters": '{"message_id": 3}'}),
        ("sendChatAction", {"chat_id": "1", "action": "typing"}),
        ("setMessageReaction", {"chat_id": "1", "message_id": "2", "reaction": '[{"type": "emoji", "emoji": "👀"}]'}),
        ("getUpdates", {"offset": "5", "allowed_updates": '["message", "stopped_message_generation"]'}),
        ("getMe", {}),
    ],
)
def test_a_good_call_has_no_fault(method: str, fields: dict[str, str]) -> None:
    assert described().faults(method, fields, {}) == []


@pytest.mark.parametrize(
    ("method", "fields", "fault"),
    [
        ("sendMessage", {"chat_id": "1"}, "sendMessage.text: is missing"),
        ("sendMessage", {"chat_id": "1", "text": "x", "reply_to_message_id": "4"}, "reply_to_message_id: no such"),
        ("sendMessage", {"chat_id": "1", "text": "x", "receiver_user_id": "4"}, "receiver_user_id: no such parameter"),
        ("sendMessage", {"chat_id": "1", "text": "x", "disable_notification": "5"}, "5 is no boolean"),
        ("sendMessage", {"chat_id": "1", "text": "x", "reply_markup": BUTTON.replace("data", "date")}, "callback_date"),
        ("sendMessage", {"chat_id": "1", "text": "x", "entities": '[{"type": "bold", "offset": 0}]'}, "length: is"),
        ("sendChatAction", {"chat_id": "1", "action": "dancing"}, "'dancing'"),
        ("setMessageReaction", {"chat_id": "1", "message_id": "2", "reaction": TICK}, "✅"),
        ("getUpdates", {"allowed_updates": '["mesage"]'}, "'mesage'"),
        ("sendMesage", {}, "no such method"),
    ],
)  # fmt: skip
def test_a_bad_call_has_its_fault_told(method: str, fields: dict[str, str], fault: str) -> None:
    assert fault in described().faults(method, fields, {})[0]


def test_a_file_that_belongs_to_nothing_is_a_fault() -> None:
    fields = {"chat_id": "1", "photo": "attach://a"}

    assert described().faults("sendPhoto", fields, {"a": b"x"}) == []
    assert described().faults("sendPhoto", fields, {"a": b"x", "b": b"x"}) != []
