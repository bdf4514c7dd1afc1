#!/usr/bin/env bash
# Supervised fine-tuning: swift sft on a recipe, on two processes unless told otherwise.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -eq 0 ]]; then
  cat <<'HELP'
usage: bash shell/sft.sh RECIPE [--key value ...]
Runs `swift sft RECIPE --key value ...`; arguments after the recipe override it.
  NPROC_PER_NODE=2     processes, one a GPU (or one a core)
example: bash shell/sft.sh swift_recipes/sft/qwen3_8b_lora.yaml --dataset train.jsonl --output_dir runs/qwen3-8b
HELP
  [[ $# -gt 0 ]] && exit 0 || exit 2
fi

root="$(cd "$(dirname "$0")/.." && pwd)"
[[ -d "$root/.venv/bin" ]] && PATH="$root/.venv/bin:$PATH"
export NPROC_PER_NODE="${NPROC_PER_NODE:-2}"
set -x
exec swift sft "$@"
