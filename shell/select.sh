#!/usr/bin/env bash
# Chooses a checkpoint by what it repairs, not by its loss: each is played on validation problems, the best is named.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -lt 4 ]]; then
  cat <<'HELP'
usage: bash shell/select.sh TRAINED RECIPE PROBLEMS OUT [ordebug rollout arguments]
Plays every TRAINED/checkpoint-* with `ordebug rollout --policy swift-infer` on PROBLEMS, one run folder each in OUT, and
prints the checkpoints by METRIC, the best last; its path alone goes to OUT/best. Runs that are done are not played again.
  METRIC=op            a metric of metrics.json: rr_at_1, rr_at_5, root_cause_at_1, op, equivalent, ...
PROBLEMS must share nothing with the test problems: what is chosen on a set is not measured on it.
example: bash shell/select.sh runs/sft/v0-* swift_recipes/infer/qwen3_8b_vllm.yaml val-problems runs/select --profile seed --actions compat
HELP
  [[ "${1:-}" == "--help" ]] && exit 0 || exit 2
fi

root="$(cd "$(dirname "$0")/.." && pwd)"
[[ -d "$root/.venv/bin" ]] && PATH="$root/.venv/bin:$PATH"
trained=$1 recipe=$2 problems=$3 out=$4
shift 4
shopt -s nullglob
checkpoints=("$trained"/checkpoint-*/)
if [[ ${#checkpoints[@]} -eq 0 ]]; then
  echo "error: $trained holds no checkpoint-*. Give the folder that swift sft wrote, with its version if it has one." >&2
  exit 2
fi
mkdir -p "$out"
for checkpoint in "${checkpoints[@]}"; do
  name=$(basename "$checkpoint")
  (set -x; ordebug rollout --policy swift-infer --model "${checkpoint%/}" --recipe "$recipe" --problems "$problems" \
    --out "$out/$name" "$@" >"$out/$name.log") || { echo "error: $name failed; see $out/$name.log" >&2; exit 2; }
done
METRIC="${METRIC:-op}" python - "$out" "${checkpoints[@]%/}" <<'PYTHON'
import json, os, pathlib, sys
out, metric = pathlib.Path(sys.argv[1]), os.environ["METRIC"]
found = []
for checkpoint in sys.argv[2:]:
    overall = json.loads((out / os.path.basename(checkpoint) / "metrics.json").read_text())["overall"]
    if metric not in overall or overall[metric]["value"] is None:
        sys.exit(f"error: {metric} is not measured. Choose METRIC among {', '.join(sorted(overall))}.")
    step = int(checkpoint.rsplit("-", 1)[1])  # of equals the earlier: it has forgotten less
    found.append((overall[metric]["value"], -step, overall[metric]["low"], overall[metric]["high"], checkpoint))
for value, _, low, high, checkpoint in sorted(found):
    print(f"{metric} {value:.3f} [{low:.3f}, {high:.3f}]  {checkpoint}")
(out / "best").write_text(max(found)[-1] + "\n")
PYTHON
