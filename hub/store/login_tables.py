"""The tables of how people sign in; made as those of tables.py."""

from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from hub.store.columns import a_name, a_text, a_time, an_int, packed
from hub.store.tabling import an_index, metadata

logins = Table(
    "logins",
    metadata,
    a_text("tenant"),
    a_text("person"),
    a_name("email"),
    a_text("password"),
    a_time("changed_at"),
    a_text("totp"),
    a_time("totp_at", null=True),
    an_int("totp_step"),
    packed("recovery", tuple[str, ...]),
    an_int("revision"),
    PrimaryKeyConstraint("tenant", "person"),
    UniqueConstraint("tenant", "email"),
    an_index("logins_by_email", "email", "tenant"),
)

passports = Table(
    "passports",
    metadata,
    a_text("tenant"),
    a_name("issuer"),
    a_name("subject"),
    a_text("person"),
    a_text("email"),
    a_time("created_at"),
    a_time("used_at", null=True),
    PrimaryKeyConstraint("tenant", "issuer", "subject"),
    an_index("passports_of_person", "tenant", "person", "issuer", "subject"),
)

invitations = Table(
    "invitations",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("hash"),
    a_text("role"),
    a_text("email"),
    a_text("name"),
    a_text("person", null=True),
    a_text("invited_by"),
    a_text("state"),
    a_time("created_at"),
    a_time("expires_at"),
    a_text("accepted_by", null=True),
    a_time("accepted_at", null=True),
    an_int("revision"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("hash"),
    an_index("invitations_of_tenant", "tenant", "id"),
    an_index("invitations_by_end", "expires_at"),
)

sessions = Table(
    "sessions",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("person"),
    a_text("device"),
    a_time("seen_at"),
    PrimaryKeyConstraint("id"),
    an_index("sessions_of_person", "tenant", "person", "id"),
)
