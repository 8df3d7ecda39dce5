"""A stand-in for systemctl: prints what systemctl(1) documents, of a unit that's kept in a file beside it.

The file has a line for each property, and may have `Refuses` (why a job can't be made), `Lies` (jobs are made
and nothing comes of them), `EndsAtOnce` (what a started unit ends with) and `Broken` (why systemd can't be asked).
"""

import sys
from pathlib import Path

UNIT = Path(__file__).with_name("unit")
LOG = Path(__file__).with_name("asked")
NOT = {"start": "found", "stop": "loaded"}


def main(words: list[str]) -> int:
    with LOG.open("a", encoding="utf-8") as log:
        log.write(" ".join(words) + "\n")
    found = dict(line.split("=", 1) for line in UNIT.read_text(encoding="utf-8").splitlines())
    if "Broken" in found:
        print(found["Broken"], file=sys.stderr)
        return 1
    verb = next(word for word in words if not word.startswith("-"))
    if verb == "show":
        asked = next(word for word in words if word.startswith("--property=")).removeprefix("--property=").split(",")
        # A property that doesn't apply isn't printed; their order is systemd's own.
        print("\n".join(f"{name}={found[name]}" for name in sorted(asked, reverse=True) if name in found))
        return 0
    if found.get("LoadState") == "not-found":
        print(f"Failed to {verb} {words[-1]}: Unit {words[-1]} not {NOT[verb]}.", file=sys.stderr)
        return 5
    if "Refuses" in found:
        print(found["Refuses"], file=sys.stderr)
        return 1
    if "Lies" not in found:
        found |= after(verb, found)
        UNIT.write_text("".join(f"{name}={value}\n" for name, value in found.items()), encoding="utf-8")
    return 0


def after(verb: str, found: dict[str, str]) -> dict[str, str]:
    if verb == "stop":
        return {"ActiveState": "inactive", "SubState": "dead", "Result": "success"}
    if "EndsAtOnce" in found:
        ended = {"Result": "exit-code", "ExecMainStatus": found["EndsAtOnce"]}
        return {"ActiveState": "failed", "SubState": "failed"} | ended
    starts = int(found.get("Starts", "0")) + (found["ActiveState"] != "active")
    return {"Starts": str(starts)} | {
        "ActiveState": "active",
        "SubState": "running",
        "Result": "success",
        "ExecMainStatus": "0",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
