#!/usr/bin/env bash
# What fine-tuning cost elsewhere: EvalScope on a panel of general benchmarks before and after it, with paired intervals.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -eq 0 ]]; then
  cat <<'HELP'
usage: bash shell/forgetting.sh BEFORE AFTER --out DIR [--panel FILE] [-- deploy arguments]
Asks both models the panel (eval/forgetting/panel.yaml: IFEval, GSM8K, MMLU-Pro) and shows what was lost. Leaves DIR/before,
DIR/after and DIR/forgetting.json. Exit status 1: more than the panel's threshold is shown to be lost.
BEFORE and AFTER are each one of
  CHECKPOINT       served by shell/deploy.sh, and stopped afterwards
  MODEL@URL        served already, such as Qwen3-8B@http://127.0.0.1:8000/v1
  FOLDER           a side evaluated earlier, such as runs/forgetting/before
A run that was stopped goes on with the same command. Makes .venv-eval on first use (EvalScope, 1.2 GB, without torch).
  PYTHON=python3.11    the interpreter for it
example: bash shell/forgetting.sh Qwen/Qwen3-8B runs/qwen3-8b/last-checkpoint --out runs/forgetting
HELP
  [[ $# -gt 0 ]] && exit 0 || exit 2
fi

fail() { printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2; exit 2; }

root="$(cd "$(dirname "$0")/.." && pwd)"
[[ ! -d "$root/.venv/bin" ]] || PATH="$root/.venv/bin:$PATH"
models=() out='' panel=() deploy=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --) shift && deploy=("$@") && break ;;
    --out) out=${2:-} && shift ;;
    --panel) panel=(--panel "${2:-}") && shift ;;
    -*) fail "unknown argument $1." "See --help; arguments of the server stand behind --." ;;
    *) models+=("${1%/}") ;;
  esac
  shift || break
done
[[ ${#models[@]} -eq 2 ]] || fail "${#models[@]} models were given." "Give two: the model before and the one after."
[[ -n "$out" ]] || fail "there is no --out DIR." "Name a folder for the results."
[[ ${#panel[@]} -eq 0 || -f "${panel[1]}" ]] || fail "the panel ${panel[1]} does not exist." "Begin with a copy of eval/forgetting/panel.yaml."
for model in "${models[@]}"; do  # a wrong name is told now, not when the other model has answered for hours
  [[ -d "$model" || "$model" == ?*@http*://* || ("$model" =~ ^[^/.]+/[^/]+$ && ! -d "${model%%/*}") ]] ||
    fail "$model does not exist." "Give a checkpoint's folder, a model's id, MODEL@URL, or a side's folder."
done

setup() {
  local lock="$root/requirements/eval.txt" ready="$root/.venv-eval/.ready" python
  [[ -f "$ready" ]] && cmp -s "$lock" "$ready" && return
  python=${PYTHON:-$(command -v python3.11 || command -v python3)}
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    fail "$python is not Python 3.11." "Install it, or name it with PYTHON=..."
  echo "EvalScope is installed into .venv-eval (once)"
  rm -f "$ready"
  "$python" -m venv "$root/.venv-eval"
  "$root/.venv-eval/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$lock"
  cp "$lock" "$ready"
}

server=''
# shellcheck disable=SC2329  # the traps call it
stop() {
  trap '' INT TERM HUP
  [[ -n "$server" ]] && kill "$server" 2>/dev/null && { wait "$server" || true; }
  server=''
}
ask() {  # SIDE MODEL URL
  printf '\n== %s: %s\n' "$1" "$2"
  ordebug forgetting evaluate "${panel[@]}" --model "$2" --base-url "$3" --out "$out/$1" \
    --evalscope "$root/.venv-eval/bin/evalscope"
}
evaluate() {  # SIDE MODEL
  local url
  case "$2" in
    *@http*://*) ask "$1" "${2%@http*}" "${2##*@}" ;;
    *)
      mkdir -p "$out"
      exec 3< <(LOG="$out/$1-server.log" exec bash "$root/shell/deploy.sh" "$2" "${deploy[@]}")
      server=$!
      read -r url <&3 || exit 2  # deploy.sh has said why
      ask "$1" "$2" "$url"
      stop
      trap 'exit 130' INT
      trap 'exit 143' TERM
      trap 'exit 129' HUP
      ;;
  esac
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

setup
sides=("$out/before" "$out/after") names=(before after)
for i in 0 1; do
  if [[ -f "${models[i]}/side.json" ]]; then
    sides[i]=${models[i]}
  else
    evaluate "${names[i]}" "${models[i]}"
  fi
done
printf '\n'
ordebug forgetting compare "${sides[@]}" "${panel[@]}" --out "$out"
