#!/usr/bin/env bash
# Makes .venv with the CPU set of packages, or the GPU set, and ordebug itself. A second run returns at once.
set -euo pipefail

if [[ "${1:-}" == "--help" ]]; then
  cat <<'HELP'
usage: bash shell/setup.sh [--gpu] [--model NAME] [--data NAME] [--hub modelscope|hf]
Makes .venv in the repository with the exact packages of requirements/cpu.txt (about 5 minutes, 2 GB) and ordebug itself.
Needs Python 3.11 with venv, and g++ (DeepSpeed compiles one operation on first use).
  --gpu                the packages of requirements/gpu.txt instead (torch for CUDA 13, vLLM: some 10 GB); all that the CPU set
                       does it does too, and a .venv with torch's CPU build is made anew
  --model NAME         then fetch this model, such as Qwen/Qwen3-8B (16 GB)
  --data NAME          and this data set, into data/
  --hub modelscope     where from: modelscope, or hf for Hugging Face
  PYTHON=python3.11    the interpreter to use
On a machine without a GPU, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu makes torch much smaller.
example: bash shell/setup.sh --gpu --model Qwen/Qwen3-8B
HELP
  exit 0
fi

fail() { printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2; exit 2; }

cd "$(dirname "$0")/.."
lock=requirements/cpu.txt fetched=() hub=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --gpu) lock=requirements/gpu.txt ;;
    --model | --data | --hub)
      [[ -n "${2:-}" && "$2" != --* ]] || fail "$1 wants a value." "See bash shell/setup.sh --help"
      if [[ "$1" == --hub ]]; then hub=(--hub "$2"); else fetched+=("--fetch-${1#--}" "$2"); fi
      shift ;;
    *) fail "unknown argument $1." "See bash shell/setup.sh --help" ;;
  esac
  shift
done
[[ "${hub[1]:-hf}" == hf || "${hub[1]}" == modelscope ]] || fail "--hub '${hub[1]}' is not known." "Give modelscope or hf."
[[ $lock != requirements/gpu.txt || "${PIP_EXTRA_INDEX_URL:-}" != */whl/cpu* ]] ||
  fail "PIP_EXTRA_INDEX_URL names torch's CPU builds, which pip would prefer." "unset PIP_EXTRA_INDEX_URL"
[[ ${#hub[@]} -eq 0 || ${#fetched[@]} -gt 0 ]] || fail "--hub fetches nothing by itself." "Give --model or --data too."

install() {
  local python
  python=${PYTHON:-$(command -v python3.11 || command -v python3)}
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    fail "$python is not Python 3.11." "Install it, or name it with PYTHON=..."
  command -v g++ >/dev/null || fail "g++ is missing; DeepSpeed compiles one operation with it." "On Debian: apt-get install g++"
  # a CPU build of torch has the version that the GPU set asks for, so pip would keep it
  if [[ $lock == requirements/gpu.txt ]] && compgen -G '.venv/lib/python3.11/site-packages/torch-*+cpu.dist-info' >/dev/null; then
    rm -rf .venv
  fi
  local pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check)
  (
    set -ex
    rm -f .venv/.ready
    "$python" -m venv .venv
    # torch first: what depends on it then takes this build.
    "${pip[@]}" torch==2.13.0
    "${pip[@]}" -r $lock
    "${pip[@]}" --no-deps -e .
    cp $lock .venv/.ready
  )
}

# the GPU set holds all of the CPU set that runs, so what asks for the latter leaves the former as it is
cmp -s $lock .venv/.ready || cmp -s requirements/gpu.txt .venv/.ready || install
[[ ${#fetched[@]} -eq 0 ]] || exec .venv/bin/ordebug doctor "${fetched[@]}" "${hub[@]}"
