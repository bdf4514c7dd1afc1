#!/usr/bin/env bash
# Supervised fine-tuning: swift sft on a recipe, on two processes unless told otherwise.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -eq 0 ]]; then
  cat <<'HELP'
usage: bash shell/sft.sh RECIPE [--key value ...]
Runs `swift sft RECIPE --key value ...`; RECIPE is a file or a name (sft/qwen3_8b_lora), arguments after it override it.
What exactly produces the run (command, recipe, digests of data and weights, versions, seeds, machine) is written first, into
manifest.json of the run's folder. A missing file or an argument that swift does not know is told before that, and a model that
is not on this machine is fetched.
  NPROC_PER_NODE=2     processes, one a GPU (or one a core)
example: bash shell/sft.sh swift_recipes/sft/qwen3_8b_lora.yaml --dataset train.jsonl --output_dir runs/qwen3-8b

After a crash, give the same command again and the newest whole checkpoint; it goes on in a new folder beside the old one:
  bash shell/sft.sh RECIPE ... --output_dir runs/qwen3-8b --resume_from_checkpoint runs/qwen3-8b/v0-DATE/last-checkpoint
Not with save_only_model (full training, Base), whose checkpoints hold no optimizer; and with as many processes as before.
HELP
  [[ $# -gt 0 ]] && exit 0 || exit 2
fi

root="$(cd "$(dirname "$0")/.." && pwd)"
[[ -d "$root/.venv/bin" ]] && PATH="$root/.venv/bin:$PATH"
# a name, as `ordebug recipes list` shows it, is swift_recipes/NAME.yaml
[[ -f "$1" || ! -f "$root/swift_recipes/$1.yaml" ]] || set -- "$root/swift_recipes/$1.yaml" "${@:2}"
export NPROC_PER_NODE="${NPROC_PER_NODE:-2}"
folder=$(ordebug recipes manifest sft -- "$@")
set -x
exec swift sft "$@" --output_dir "$folder" --add_version false
