#!/usr/bin/env bash
# Makes .venv-openenv and .venv-trl: what docs/integrations.md shows is tested there. A second run returns at once.
set -euo pipefail

if [[ "${1:-}" == "--help" ]]; then
  cat <<'HELP'
usage: bash shell/setup_integrations.sh [openenv] [trl]
Makes .venv-openenv (requirements/openenv.txt, 0.8 GB) and .venv-trl (requirements/trl.txt and torch, 1.8 GB), or the one
that is named, and installs ordebug itself into it. Needs Python 3.11 with venv.
  PYTHON=python3.11    the interpreter to use
On a machine without a GPU, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu makes torch much smaller.
HELP
  exit 0
fi

fail() { printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2; exit 2; }

cd "$(dirname "$0")/.."
[[ $# -gt 0 ]] || set -- openenv trl
for name in "$@"; do
  [[ $name == openenv || $name == trl ]] || fail "there is no integration $name." "Name openenv, trl, or none for both."
done
python=${PYTHON:-$(command -v python3.11 || command -v python3)}
for name in "$@"; do
  lock=requirements/$name.txt at=.venv-$name ready=.venv-$name/.locked  # .ready is benchmarks/peers/run.sh's
  if [[ -f $ready ]] && cmp -s "$lock" "$ready"; then
    continue
  fi
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    fail "$python is not Python 3.11." "Install it, or name it with PYTHON=..."
  echo "$name is installed into $at (once)"
  rm -f "$ready"
  "$python" -m venv "$at"
  pip=("$at/bin/python" -m pip install --quiet --disable-pip-version-check)
  [[ $name != trl ]] || "${pip[@]}" torch==2.13.0
  "${pip[@]}" --no-deps -r "$lock"
  "${pip[@]}" --no-deps -e .
  cp "$lock" "$ready"
done
