#!/usr/bin/env bash
# Batch inference: swift infer on a recipe.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -eq 0 ]]; then
  cat <<'HELP'
usage: bash shell/infer.sh RECIPE [--key value ...]
Runs `swift infer RECIPE --key value ...`; RECIPE is a file or a name (infer/qwen3_8b_vllm), arguments after it override it. Score the result with `ordebug score`.
example: bash shell/infer.sh swift_recipes/infer/qwen3_8b_vllm.yaml --adapters CHECKPOINT \
           --val_dataset prompts.jsonl --result_path result.jsonl
HELP
  [[ $# -gt 0 ]] && exit 0 || exit 2
fi

root="$(cd "$(dirname "$0")/.." && pwd)"
[[ -d "$root/.venv/bin" ]] && PATH="$root/.venv/bin:$PATH"
# a name, as `ordebug recipes list` shows it, is swift_recipes/NAME.yaml
[[ -f "$1" || ! -f "$root/swift_recipes/$1.yaml" ]] || set -- "$root/swift_recipes/$1.yaml" "${@:2}"
set -x
exec swift infer "$@"
