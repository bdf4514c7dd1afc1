#!/usr/bin/env bash
# Chooses a checkpoint by what it repairs, not by its loss: each is played on validation problems, the best is named.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -lt 4 ]]; then
  cat <<'HELP'
usage: bash shell/select.sh TRAINED... RECIPE PROBLEMS OUT [ordebug rollout arguments]
Plays every TRAINED/checkpoint-N with `ordebug rollout --policy swift-infer` on PROBLEMS, one run folder each in OUT, and
prints the checkpoints by METRIC, the best last; its path alone goes to OUT/best. Runs that are done are not played again.
Several TRAINED, as a run and the one that resumed it, are one choice. An adapter that holds whole layers (that of a Base model)
is played as checkpoint-N-merged where that is there, since vLLM does not take the adapter.
  METRIC=op            a metric of metrics.json: rr_at_1, rr_at_5, root_cause_at_1, op, equivalent, ...
PROBLEMS must share nothing with the test problems: what is chosen on a set is not measured on it.
example: bash shell/select.sh runs/sft/v0-* swift_recipes/infer/qwen3_8b_vllm.yaml val-problems runs/select --profile seed --actions compat
HELP
  [[ "${1:-}" == "--help" ]] && exit 0 || exit 2
fi

root="$(cd "$(dirname "$0")/.." && pwd)"
[[ -d "$root/.venv/bin" ]] && PATH="$root/.venv/bin:$PATH"
fail() { printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2; exit 2; }

trained=()
while [[ -d "${1:-}" ]]; do trained+=("${1%/}"); shift; done
[[ ${#trained[@]} -gt 0 ]] || fail "$1 is no folder." "Give the folder that swift sft wrote, with its version: runs/sft/v0-DATE"
[[ "${1:-}" =~ \.ya?ml$ && -f "$1" ]] || fail "behind the folders stands '${1:-}', which is no recipe." "TRAINED... RECIPE PROBLEMS OUT: see --help"
[[ $# -ge 3 ]] || fail "PROBLEMS or OUT is missing." "TRAINED... RECIPE PROBLEMS OUT: see --help"
recipe=$1 problems=$2 out=$3
shift 3
shopt -s nullglob extglob
checkpoints=() runs=()
for folder in "${trained[@]}"; do
  found=("$folder"/checkpoint-+([0-9]))
  [[ ${#found[@]} -gt 0 ]] || fail "$folder holds no checkpoint-N." "Give the folder that swift sft wrote, with its version if it has one."
  checkpoints+=("${found[@]}")
  of=$(basename "$(realpath "$folder")")/
  [[ ${#trained[@]} -gt 1 ]] || of=''
  for checkpoint in "${found[@]}"; do runs+=("$out/$of$(basename "$checkpoint")"); done
done
[[ -z "$(printf '%s\n' "${runs[@]}" | sort | uniq -d)" ]] || fail "two of the folders have one name." "Choose in each with an OUT of its own."
# all are looked at before the first is played
models=$(python - "$recipe" "${#checkpoints[@]}" "${checkpoints[@]}" "$@" <<'PYTHON'
import sys
from pathlib import Path
from ordebug.core.errors import OrdebugError
from ordebug.eval.adapter import as_vllm_takes_it
from ordebug.eval.rollout import swift_for
recipe, count, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
given = [value for key, value in zip(words[count:], words[count + 1 :]) if key == "--infer-arg"]
try:
    for checkpoint in map(as_vllm_takes_it, words[:count]):
        swift_for("swift-infer", checkpoint, Path(recipe), given)
        print(checkpoint)
except OrdebugError as error:
    sys.exit(f"error: {error.message}\n  fix: {error.fix}")
PYTHON
) || exit 2
mapfile -t models <<<"$models"
for i in "${!runs[@]}"; do
  mkdir -p "$(dirname "${runs[i]}")"
  (set -x; ordebug rollout --policy swift-infer --model "${models[i]}" --recipe "$recipe" --problems "$problems" \
    --out "${runs[i]}" "$@" >"${runs[i]}.log") || fail "${models[i]} failed; see ${runs[i]}.log" "Give the same command again once it is mended."
done
METRIC="${METRIC:-op}" python - "$out" "${runs[@]}" "${models[@]}" <<'PYTHON'
import json, os, pathlib, re, sys
out, metric, both = pathlib.Path(sys.argv[1]), os.environ["METRIC"], sys.argv[2:]
found = []
for run, model in zip(both[: len(both) // 2], both[len(both) // 2 :]):
    overall = json.loads((pathlib.Path(run) / "metrics.json").read_text())["overall"]
    if metric not in overall or overall[metric]["value"] is None:
        sys.exit(f"error: {metric} is not measured. Choose METRIC among {', '.join(sorted(overall))}.")
    step = int(re.search(r"checkpoint-(\d+)[^/]*$", model)[1])  # of equals the earlier: it has forgotten less
    found.append((overall[metric]["value"], -step, overall[metric]["low"], overall[metric]["high"], model))
for value, _, low, high, model in sorted(found):
    print(f"{metric} {value:.3f} [{low:.3f}, {high:.3f}]  {model}")
(out / "best").write_text(max(found)[-1] + "\n")
PYTHON
