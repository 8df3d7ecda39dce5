"""Migrations that are killed leave the old schema or the new one, with all their rows, and a start that ends them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.store.schema import SCHEMA
from tests.faults import figures
from tests.faults.harness import ROOT
from tests.faults.length import AT_LENGTH

pytestmark = pytest.mark.faults

SEED = os.environ.get("AGENTHOST_SEED", "1")
MOMENTS, STRIDE = (20, 1) if AT_LENGTH else (10, 3)
"""Kills at random moments; and of the steps on the way each so manieth is killed at."""
REVISIONS = sorted(path.name[:4] for path in (SCHEMA.migrations / "versions").glob("[0-9]*.py"))
OLD = REVISIONS[:-1] if AT_LENGTH else REVISIONS[:1]
"""From the first on, each migration is gone through; `make faults` begins at each of them, too."""


@pytest.mark.parametrize("revision", OLD)
def test_a_migration_thats_killed_anywhere_changes_nothing_or_everything(tmp_path: Path, revision: str) -> None:
    """R7: killed at statements and changes of files all the way from a schema to the newest one."""
    command = [sys.executable, "-m", "tests.faults.migrating", str(tmp_path), revision, SEED, str(MOMENTS), str(STRIDE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    kills = int(done.stdout)
    assert kills > MOMENTS + 5
    figures.note(4, f"differences after kills of the migration from {revision}", f"0 of {kills}", "0")
