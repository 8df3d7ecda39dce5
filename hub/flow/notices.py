"""What the hub itself says."""

from datetime import datetime

from hub.records import Address, Choice, Message, MessageId, PersonId, TaskId, TenantId, Text, new_id


def notice(
    text: str,
    *,
    tenant: TenantId,
    to: Address,
    person: PersonId,
    now: datetime,
    answers: MessageId | None = None,
    task: TaskId | None = None,
    choices: tuple[Choice, ...] = (),
    copy_of: MessageId | None = None,
) -> Message:
    """Return a notice that's ready to be said."""
    id = MessageId(new_id())
    return Message(
        id=id,
        tenant=tenant,
        address=to,
        external_id=id,
        role="notice",
        person=person,
        parts=(Text(text),),
        state="ready",
        created_at=now,
        answers=answers,
        task=task,
        choices=choices,
        copy_of=copy_of,
    )


def answer_to(message: Message, text: str, now: datetime, choices: tuple[Choice, ...] = ()) -> Message:
    """Return a notice that answers a person's message, where it was said."""
    return notice(
        text,
        tenant=message.tenant,
        to=message.address,
        person=message.person,
        now=now,
        answers=message.id,
        choices=choices,
    )
