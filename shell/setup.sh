#!/usr/bin/env bash
# Makes .venv with the CPU set of packages and ordebug itself. A second run returns at once.
set -euo pipefail

if [[ "${1:-}" == "--help" ]]; then
  cat <<'HELP'
usage: bash shell/setup.sh
Makes .venv in the repository with the exact packages of requirements/cpu.txt (about 5 minutes, 2 GB) and ordebug itself.
Needs Python 3.11 with venv, and g++ (DeepSpeed compiles one operation on first use).
  PYTHON=python3.11    the interpreter to use
On a machine without a GPU, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu makes torch much smaller.
HELP
  exit 0
fi

cd "$(dirname "$0")/.."
if [[ -f .venv/.ready ]] && cmp -s requirements/cpu.txt .venv/.ready; then
  exit 0
fi
python=${PYTHON:-$(command -v python3.11 || command -v python3)}
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
  echo "error: $python is not Python 3.11. Install it, or name it with PYTHON=..." >&2
  exit 2
}
command -v g++ >/dev/null || {
  echo "error: g++ is missing; DeepSpeed compiles one operation with it. On Debian: apt-get install g++" >&2
  exit 2
}
set -x
"$python" -m venv .venv
# torch first: what depends on it then takes this build.
.venv/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/cpu.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
cp requirements/cpu.txt .venv/.ready
