#!/usr/bin/env bash
# Merges a LoRA or QLoRA adapter into the 16-bit model it was trained on, which its checkpoint names.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -lt 2 ]]; then
  cat <<'HELP'
usage: bash shell/merge.sh ADAPTER OUT [--key value ...]
Runs `swift export` on swift_recipes/export/merge_lora.yaml with the model, model type and template that ADAPTER was trained
with, and writes the whole model to OUT, which must not be there. Further arguments go to swift export; a --model (or type, or
template) other than the adapter's own is refused: of equal shapes, such as Qwen3-8B and Qwen3-8B-Base, the merge would not fail.
  --model DIR          where the adapter's own model lies now, if it was moved
example: bash shell/merge.sh runs/base/v0-DATE/last-checkpoint runs/base-merged
HELP
  [[ "${1:-}" == "--help" ]] && exit 0 || exit 2
fi

root="$(cd "$(dirname "$0")/.." && pwd)"
[[ -d "$root/.venv/bin" ]] && PATH="$root/.venv/bin:$PATH"
adapter=${1%/} out=${2%/}
shift 2
if [[ -e "$out" ]]; then
  printf 'error: %s is there already.\n  fix: Name a new folder, or delete it.\n' "$out" >&2
  exit 2
fi
base=$(ordebug recipes base "$adapter" -- "$@")
mapfile -t base <<<"$base"
set -x
# last, since the last counts: with the checkpoint's own arguments a QLoRA's merged model would be quantised again
exec swift export "$root/swift_recipes/export/merge_lora.yaml" "${base[@]}" "$@" --adapters "$adapter" --output_dir "$out" \
  --load_args false --merge_lora true
