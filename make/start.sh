#!/bin/sh
# Finds a Python of 3.11 or later and lets it run one of make/'s modules: make/start.sh setup run
set -eu
cd "$(dirname "$0")/.."

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    fits "$PYTHON" || { echo "==> PYTHON=$PYTHON is no Python of 3.11 or later" >&2; exit 1; }
    found=$PYTHON
else
    for found in python3 python3.11 python3.12 python3.13 python3.14 none; do
        [ "$found" = none ] || ! fits "$found" || break
    done
fi
if [ "$found" = none ]; then
    echo "==> AgentHost needs Python 3.11 or later, and none was found on the PATH." >&2
    echo "==> Debian, Ubuntu: apt-get install python3 python3-venv    Fedora: dnf install python3    macOS: brew install python" >&2
    echo "==> One that lies elsewhere is named like this: make run PYTHON=/path/to/python3" >&2
    exit 1
fi
module=$1
shift
exec "$found" -m "make.$module" "$@"
