"""Set-up, from a bare machine to one that runs or tests AgentHost; a second call does nothing, and quickly.

python -m make.setup run     what the hub needs: packages, llama.cpp, the embedded model
python -m make.setup test    that and the developer's packages; fails if anything is missing
python -m make.setup check   packages and the developer's, without llama.cpp and the model
python -m make.setup llama   build llama.cpp, though it failed before
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from make.axe import ensure_axe
from make.botapi import ensure_description
from make.llama import ensure_llama
from make.model import ensure_model
from make.places import Places, locked
from make.servers import ensure_servers
from make.skills import ensure_skills
from make.venv import ensure_bytecode, ensure_packages, ensure_venv, stamps_of
from make.words import SetupError, say

GOALS = ("run", "test", "check", "llama")


def set_up(goal: str, places: Places, environ: Mapping[str, str]) -> None:
    """Bring the checkout to where the goal can be reached. Raises SetupError with the way out, if it can't."""
    stamps = stamps_of(places)
    # Two calls of make in one checkout take their turns: they'd install into the same folder.
    with locked(places.root / ".cache" / "setup.lock"):
        ensure_venv(places, stamps)
        ensure_packages(places, stamps, dev=goal in ("test", "check"))
        if goal == "check":
            return
        ensure_bytecode(places, stamps, environ)
        if environ.get("AGENTHOST_SKIP_LLAMA") == "1":
            say("llama.cpp is left out, as AGENTHOST_SKIP_LLAMA=1 says")
            has_llama = True
        else:
            has_llama = ensure_llama(places, stamps, environ, again=goal == "llama")
        has_model = ensure_model(places)
        if goal == "test":
            ensure_axe(places)
            ensure_description(places)
            ensure_skills(places)
            ensure_servers(places)
    if goal in ("test", "llama") and not (has_llama and has_model):
        raise SetupError(
            "not everything is here, as said above; AGENTHOST_SKIP_LLAMA=1 does without llama.cpp on purpose"
        )


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in GOALS:
        print(f"usage: python -m make.setup {'|'.join(GOALS)}", file=sys.stderr)
        return 2
    try:
        set_up(arguments[0], Places.of(os.environ), os.environ)
    except SetupError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("set-up was stopped; the next call goes on where it was")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
