"""Writes the registry's first migration from its tables: `python -m make.registry_schema`.

Only as long as no version with a registry was released; from then on a change of the tables is a migration of its own.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import CreateIndexOp, CreateTableOp, ModifyTableOps, UpgradeOps
from sqlalchemy import create_engine
from sqlalchemy.types import TypeDecorator

from hub.registry.schema import SHELF
from hub.registry.tables import metadata

PLACE = SHELF.migrations / "versions" / "0001_first.py"
HEAD = '''"""The first schema: written by `python -m make.registry_schema`, but for the last function."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
{calls}
    _searched_words()
'''
WORDS = """

def _searched_words() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE searched_words USING fts5(exact, name, tags, description, readme, facets,"
            " tokenize = 'unicode61 remove_diacritics 0', prefix = '2 3')"
        )
        return
    op.execute("CREATE TABLE searched_words (id bigint PRIMARY KEY, words tsvector NOT NULL)")
    op.execute("CREATE INDEX searched_words_found ON searched_words USING gin (words)")
"""


def main() -> None:
    """Write the migration."""
    PLACE.write_text(written())
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(PLACE)], check=True)


def written() -> str:
    """Return the migration's text, not formatted yet."""
    with create_engine("sqlite://").connect() as connection:
        context = MigrationContext.configure(connection)
        found = produce_migrations(context, metadata).upgrade_ops
    assert found is not None
    steps: dict[str, list[Any]] = {}
    for step in _flat(found.ops):
        assert isinstance(step, CreateTableOp | CreateIndexOp)
        steps.setdefault(step.table_name, []).append(step)
    calls = "\n".join(f"    _{table}()" for table in sorted(steps))
    functions = [f"\n\ndef _{table}() -> None:\n{_body(steps[table])}" for table in sorted(steps)]
    return HEAD.format(calls=calls) + "".join(functions) + WORDS


def _flat(steps: Iterable[Any]) -> Iterator[Any]:
    for step in steps:
        if isinstance(step, ModifyTableOps):
            yield from step.ops
        else:
            yield step


def _body(steps: list[Any]) -> str:
    said = render_python_code(UpgradeOps(steps), render_as_batch=False, render_item=_plain)
    lines = (line.removeprefix("    ") for line in said.splitlines() if not line.strip().startswith("#"))
    return "".join(f"    {line}\n" for line in lines if line.strip())


def _plain(what: str, item: Any, _: object) -> str | Literal[False]:
    if what == "type" and isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl_instance).__name__}()"
    return False


if __name__ == "__main__":
    main()
