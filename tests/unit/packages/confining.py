"""Whether programs can be confined here: where they can't, tests of it are left out, and CI fails."""

import os

import pytest

from hub.packages.sandbox import Sandbox

WHY_NOT = Sandbox().why_not
if WHY_NOT and os.environ.get("CI") == "true":
    raise RuntimeError(f"CI has to confine programs, and can't: {WHY_NOT}")
needs_sandbox = pytest.mark.skipif(bool(WHY_NOT), reason=f"no sandbox here: {WHY_NOT}")
