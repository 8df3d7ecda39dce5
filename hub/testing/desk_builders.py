"""Records of hand-overs and of the audit log, made as those of builders.py."""

from typing import Any

from msgspec.structs import replace

from hub.records import (
    HOME,
    OWNER,
    Deed,
    DeskRules,
    Draft,
    DraftId,
    Handover,
    HandoverId,
    Note,
    NoteId,
    Task,
    Text,
    new_id,
)
from hub.testing.builders import NOON, an_address


def a_deed(**fields: Any) -> Deed:
    """Return something that the owner did with a key; its place in the chain is the store's to give."""
    return replace(
        Deed(tenant=HOME, at=NOON, who=OWNER, way="key", action="key.made", object="key/1", detail="admin"), **fields
    )


def a_handover(**fields: Any) -> Handover:
    """Return the owner's chat "ann" with a human asked for; it holds its person until a state says that it's over."""
    handover = Handover(
        id=HandoverId(new_id()),
        tenant=HOME,
        person=OWNER,
        holds=OWNER,
        address=an_address(),
        by="person",
        created_at=NOON,
    )
    handover = replace(handover, **fields)
    return replace(handover, holds=None if handover.state == "resolved" else handover.person)


def a_draft(handover: Handover, task: Task, text: str = "Hi!", **fields: Any) -> Draft:
    """Return what an agent would say about a task, had nobody taken the chat over."""
    draft = Draft(
        id=DraftId(new_id()),
        tenant=handover.tenant,
        handover=handover.id,
        person=handover.person,
        task=task.id,
        address=handover.address,
        parts=(Text(text=text),),
        created_at=NOON,
    )
    return replace(draft, **fields)


def a_note(handover: Handover, text: str = "Paid twice.", **fields: Any) -> Note:
    """Return what the owner notes about a handover's person."""
    note = Note(
        id=NoteId(new_id()),
        tenant=handover.tenant,
        person=handover.person,
        handover=handover.id,
        by=OWNER,
        text=text,
        created_at=NOON,
    )
    return replace(note, **fields)


def desk_rules(**fields: Any) -> DeskRules:
    """Return how the operators of the hub's own tenant work."""
    return replace(DeskRules(tenant=HOME, first_minutes=5.0), **fields)
