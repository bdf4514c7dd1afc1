#!/usr/bin/env bash
# Serves a checkpoint or a LoRA adapter with vLLM behind an OpenAI-compatible API, thinking on, until it is stopped.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -eq 0 ]]; then
  cat <<'HELP'
usage: bash shell/deploy.sh CHECKPOINT [--engine swift|vllm] [--key value ...]
Serves CHECKPOINT (a model's folder, a LoRA adapter's folder, or a model's id) on 127.0.0.1 and prints the base URL once it
answers. The model goes by the name CHECKPOINT. Ctrl-C or SIGTERM ends it, and every process it started.
  --engine swift     swift deploy with a recipe of swift_recipes/deploy, ms-swift's chat template (default)
  --engine vllm      vllm serve, the chat template that lies in the checkpoint
Further arguments go to that command and win over the settings here.
With GPUs it runs qwen3_8b_vllm.yaml on two of them; without, tiny_cpu.yaml in .venv-vllm (shell/setup_vllm_cpu.sh). What the
checkpoint's args.json says of template, model type and the beginning of replies wins over the recipe.
  PORT=8000          where it listens
  WAIT=900           seconds until it must answer
  LOG=FILE           its output (default runs/deploy-PORT.log)
example: bash shell/deploy.sh runs/quickstart/sft/last-checkpoint
HELP
  [[ $# -gt 0 ]] && exit 0 || exit 2
fi

fail() { printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2; exit 2; }

root="$(cd "$(dirname "$0")/.." && pwd)"
checkpoint=${1%/} engine=swift arguments=()
shift
while [[ $# -gt 0 ]]; do
  if [[ "$1" == --engine ]]; then engine=${2:-} && shift; else arguments+=("$1"); fi
  shift || break
done
port=${PORT:-8000} wait=${WAIT:-900}
log=${LOG:-$root/runs/deploy-$port.log}
[[ "$engine" == swift || "$engine" == vllm ]] || fail "--engine '$engine' is not known." "Give swift or vllm."
[[ "$port" =~ ^[0-9]+$ && "$wait" =~ ^[0-9]+$ ]] || fail "PORT=$port or WAIT=$wait is not a number." "Give whole numbers."
[[ -d "$checkpoint" || ("$checkpoint" =~ ^[^/.]+/[^/]+$ && ! -d "${checkpoint%%/*}") ]] ||
  fail "$checkpoint does not exist." "Give a checkpoint's folder, or a model's id such as Qwen/Qwen3-8B."

if gpus=$(nvidia-smi -L 2>/dev/null | grep -c '^GPU') && ((gpus > 0)); then
  bin="$root/.venv/bin" recipe=qwen3_8b_vllm
  settings=(--dtype bfloat16 --max-model-len 8192 --tensor-parallel-size "$((gpus > 1 ? 2 : 1))")
else
  bin="$root/.venv-vllm/bin" recipe=tiny_cpu
  settings=(--dtype float32 --enforce-eager)
  # ms-swift's plugins for vLLM are for GPUs; the cache would take half of the memory; bound threads would share one core
  export VLLM_PLUGINS='' VLLM_CPU_KVCACHE_SPACE="${VLLM_CPU_KVCACHE_SPACE:-1}" VLLM_CPU_OMP_THREADS_BIND=nobind
fi
[[ "$recipe" != tiny_cpu || -x "$bin/vllm" ]] ||
  fail "there is no GPU, and no .venv-vllm to serve without one." "bash shell/setup_vllm_cpu.sh"
[[ ! -d "$root/.venv/bin" ]] || PATH="$root/.venv/bin:$PATH"
command -v ordebug >/dev/null || fail "there is no program 'ordebug'." "bash shell/setup.sh"
told=$(ordebug recipes serving "$checkpoint" "$root/swift_recipes/deploy/$recipe.yaml" --engine "$engine" -- "${arguments[@]}") || exit 2
eval "told=($told)"  # quoted for a shell
[[ ! -d "$bin" ]] || PATH="$bin:$PATH"
export VLLM_NO_USAGE_STATS=1  # nothing is reported to anyone
command -v "$engine" >/dev/null || fail "there is no program '$engine'." "With GPUs: bash shell/setup.sh --gpu; without: bash shell/setup_vllm_cpu.sh"
python3 -c 'import socket, sys; socket.create_server(("127.0.0.1", int(sys.argv[1]))).close()' "$port" 2>/dev/null ||
  fail "port $port is taken." "Give another: PORT=$((port + 1)) bash shell/deploy.sh ..."

base='' rank=''
if [[ -f "$checkpoint/adapter_config.json" ]]; then
  [[ "$checkpoint" != *=* ]] || fail "swift and vllm split an adapter's path at its '='." "Rename $checkpoint."
  # vLLM takes certain ranks only: the next one that it knows
  { read -r base && read -r rank; } < <(python3 -c '
import json, sys
adapter = json.load(open(sys.argv[1]))
print(adapter["base_model_name_or_path"], min(r for r in (8, 16, 32, 64, 128, 256, 320, 512) if r >= adapter["r"]), sep="\n")
' "$checkpoint/adapter_config.json" 2>/dev/null) || fail "$checkpoint/adapter_config.json names no base model." "Give a LoRA adapter."
fi
if [[ "$engine" == swift ]]; then
  command=(swift deploy "$root/swift_recipes/deploy/$recipe.yaml")
  [[ -n "$base" ]] && command+=(--model "$base" --adapters "$checkpoint=$checkpoint" --vllm_max_lora_rank "$rank") ||
    command+=(--model "$checkpoint" --served_model_name "$checkpoint")
else
  command=(vllm serve "${base:-$checkpoint}" --default-chat-template-kwargs '{"enable_thinking": true}' "${settings[@]}")
  [[ -n "$base" ]] && command+=(--enable-lora --max-lora-rank "$rank" --lora-modules "$checkpoint=$checkpoint") ||
    command+=(--served-model-name "$checkpoint")
fi
command+=("${told[@]}" --host 127.0.0.1 --port "$port" "${arguments[@]}")

server='' waiter=''
# shellcheck disable=SC2329  # the traps call it
stop() {  # a server that is asked to end can leave its engine running, so the whole group is asked, then made to
  trap '' INT TERM HUP
  [[ -z "$waiter" ]] || kill "$waiter" 2>/dev/null || true
  [[ -n "$server" ]] && kill -TERM -- "-$server" 2>/dev/null || return 0
  for round in {1..80}; do
    sleep 0.5
    kill -0 -- "-$server" 2>/dev/null || return 0
    ((round != 20)) || kill -KILL -- "-$server" 2>/dev/null || true
  done
}
broken() {
  tail -n 30 "$log" >&2 || true
  fail "the server failed; above are the last lines of $log." "Correct what they say and start it again."
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

mkdir -p "$(dirname "$log")"
{ printf '+'; printf ' %q' "${command[@]}"; echo; } >&2
setsid "${command[@]}" >"$log" 2>&1 &
server=$!
# in the background, because a signal waits for a command in the foreground to end
python3 -c '
import http.client, os, sys, time
port, server, end = int(sys.argv[1]), int(sys.argv[2]), time.monotonic() + int(sys.argv[3])
while time.monotonic() < end:
    time.sleep(1)
    try:
        os.kill(server, 0)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/health")
        if connection.getresponse().status == 200:
            sys.exit(0)
    except ProcessLookupError:
        sys.exit("The server ended before it answered.")
    except (OSError, http.client.HTTPException):
        pass
sys.exit(f"The server did not answer within {sys.argv[3]} s.")' "$port" "$server" "$wait" &
waiter=$!
wait "$waiter" || broken
printf '%s answers after %s s (log: %s)\n' "$checkpoint" "$SECONDS" "$log" >&2
echo "http://127.0.0.1:$port/v1"
wait "$server" || true
echo "The server ended by itself." >&2
broken
