#!/usr/bin/env bash
# Evaluates a checkpoint: serves it, lets it play a problem set, reports, and stops the server whatever happens.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -eq 0 ]]; then
  cat <<'HELP'
usage: bash shell/eval.sh CHECKPOINT --problems DIR --out RUN [rollout arguments] [-- deploy arguments]
Serves CHECKPOINT (shell/deploy.sh), runs `ordebug rollout --policy endpoint` against it, then `ordebug report`, and stops
the server. A run that was stopped goes on with the same command. The server's output is RUN/server.log.
  PORT=8000  WAIT=900     as in shell/deploy.sh
example: bash shell/eval.sh CHECKPOINT --problems problems --out runs/eval --samples 8 --concurrency 32 -- --engine vllm
HELP
  [[ $# -gt 0 ]] && exit 0 || exit 2
fi

root="$(cd "$(dirname "$0")/.." && pwd)"
[[ -d "$root/.venv/bin" ]] && PATH="$root/.venv/bin:$PATH"
checkpoint=${1%/} out='' rollout=() deploy=()
shift
while [[ $# -gt 0 ]]; do
  if [[ "$1" == -- ]]; then shift && deploy=("$@") && break; fi
  [[ "$1" == --out ]] && out=${2:-}
  rollout+=("$1")
  shift
done
[[ -n "$out" ]] || { printf 'error: there is no --out RUN.\n  fix: Name the folder of the run.\n' >&2; exit 2; }

play='' server=''
# shellcheck disable=SC2329  # the traps call it
stop() {
  trap '' INT TERM HUP
  for started in $play $server; do
    if kill "$started" 2>/dev/null; then wait "$started" || true; fi
  done
}
mkdir -p "$out"
exec 3< <(LOG="$out/server.log" exec bash "$root/shell/deploy.sh" "$checkpoint" "${deploy[@]}")
server=$!
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
read -r url <&3 || exit 2  # deploy.sh has said why
ordebug rollout --policy endpoint --base-url "$url" --model "$checkpoint" "${rollout[@]}" &
play=$!
wait "$play"  # in the background, because a signal waits for a command in the foreground to end
play=''
ordebug report "$out"
