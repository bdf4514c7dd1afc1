#!/usr/bin/env bash
# Everything that must hold before a commit: style, types, layers, scripts, tests.
set -euo pipefail

if [[ "${1:-}" == "--help" ]]; then
  cat <<'HELP'
usage: bash shell/test.sh [pytest arguments]
Sets up what it needs (shell/setup.sh) and runs ruff, mypy, import-linter, shellcheck and all tests.
Fails when a check or a test fails, and when no test ran. Fast tests only: bash shell/test.sh -m "not slow"
HELP
  exit 0
fi

cd "$(dirname "$0")/.."
bash shell/setup.sh
PATH="$PWD/.venv/bin:$PATH"
set -x
ruff check .
ruff format --check .
mypy
lint-imports
shellcheck shell/*.sh .ci/run
exec pytest "$@"
