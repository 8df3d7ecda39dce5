"""Records of how people sign in, as those of builders.py."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from hub.records import HOME, OWNER, Invitation, InvitationId, KeyId, Login, Passport, Session, new_id
from hub.testing.builders import NOON


def a_login(**fields: Any) -> Login:
    """Return how the owner signs in: by an address, and a password that nobody knows."""
    return replace(Login(tenant=HOME, person=OWNER, email="ann@example.org", changed_at=NOON), **fields)


def a_passport(**fields: Any) -> Passport:
    """Return who the owner is to an identity provider."""
    passport = Passport(
        tenant=HOME,
        issuer="https://id.example.org",
        subject="248289761001",
        person=OWNER,
        email="ann@example.org",
        created_at=NOON,
    )
    return replace(passport, **fields)


def a_session(**fields: Any) -> Session:
    """Return where the owner is signed in."""
    session = Session(id=KeyId(new_id()), tenant=HOME, person=OWNER, device="Firefox on Linux", seen_at=NOON)
    return replace(session, **fields)


def an_invitation(**fields: Any) -> Invitation:
    """Return an open invitation of a new member, a week long."""
    id = new_id()
    invitation = Invitation(
        id=InvitationId(id),
        tenant=HOME,
        hash=f"hash-{id}",
        role="member",
        invited_by=OWNER,
        created_at=NOON,
        expires_at=NOON + timedelta(days=7),
    )
    return replace(invitation, **fields)
