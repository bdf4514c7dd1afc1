#!/usr/bin/env bash
# From an SFT checkpoint to GRPO and what it gained: samples, the gate, the prompts, swift rlhf, then both on unseen problems.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -eq 0 ]]; then
  cat <<'HELP'
usage: bash shell/grpo.sh SFT PROBLEMS OUT --unseen DIR [options] [rollout arguments] [-- swift rlhf arguments]
SFT plays PROBLEMS 8 times each; `ordebug gate` says whether it is ready; the problems that it neither always nor never
solves become prompts; `swift rlhf` trains on them; then SFT and the result play DIR, and `ordebug compare` tells the difference.
SFT is a model's folder, or a LoRA adapter's: then its training goes on, and the adapter as it was is the reference.
PROBLEMS and DIR are problem sets that SFT was not trained on; that they share no clean model is proved. The same command goes on
after a stop. Replies of the samples may be as long as those in training (max_completion_length of the recipe, or behind --).
  --rlhf FILE        recipe of swift rlhf; with GPUs swift_recipes/rlhf/qwen3_8b_grpo.yaml, without tiny_cpu_grpo.yaml
  --infer FILE       recipe of swift infer; with GPUs swift_recipes/infer/qwen3_8b_vllm.yaml, without tiny_cpu.yaml
  --per-problem N    prompts a problem at most: its beginning and later states of the samples (1; whole episodes need 1)
  --config FILE      thresholds of the gate, as `ordebug gate` takes them
  --forgetting FILE  forgetting.json of shell/forgetting.sh, for the gate
  --force            trains although the gate is closed
Further options go to every `ordebug rollout` (--profile seed --actions compat, --max-steps, 5 here), those behind -- to
`swift rlhf`, where they win over the recipe.
  SAMPLES=8          samples a problem, 8 at least
  NPROC_PER_NODE     processes of swift, else those that the recipe says
Leaves OUT/samples (gate.json), OUT/grpo.jsonl, OUT/grpo (manifest.json, last-checkpoint, completions.jsonl), OUT/before, OUT/after.
Exit status 1: the gate is closed; 2: something else is wrong.
example: bash shell/grpo.sh runs/sft/last-checkpoint problems runs/grpo --unseen unseen --per-problem 4 -- --learning_rate 5e-6
HELP
  [[ $# -gt 0 ]] && exit 0 || exit 2
fi

fail() { printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2; exit 2; }
say() { printf '\n== %s\n' "$*"; }
run() { printf '+ %s\n' "${*@Q}" | sed ":a; s/ '\([A-Za-z0-9_./:=,+-]*\)'\( \|$\)/ \1\2/; ta"; "$@"; }  # quoted only where a shell needs it

root="$(cd "$(dirname "$0")/.." && pwd)"
[[ ! -d "$root/.venv/bin" ]] || PATH="$root/.venv/bin:$PATH"
if nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then name=qwen3_8b_grpo infer_name=qwen3_8b_vllm; else name=tiny_cpu_grpo infer_name=tiny_cpu; fi
rlhf=$root/swift_recipes/rlhf/$name.yaml infer=$root/swift_recipes/infer/$infer_name.yaml
places=() unseen='' per_problem=1 force='' gate=() rollout=() train=() samples=${SAMPLES:-8}
while [[ $# -gt 0 ]]; do
  case "$1" in
    --rlhf | --infer | --unseen | --per-problem | --config | --forgetting) [[ $# -gt 1 ]] || fail "$1 has no value." "See --help." ;;&
    --) shift && train=("$@") && break ;;
    --rlhf) rlhf=$2 && shift ;;
    --infer) infer=$2 && shift ;;
    --unseen) unseen=${2%/} && shift ;;
    --per-problem) per_problem=$2 && shift ;;
    --config | --forgetting) gate+=("$1" "$2") && shift ;;
    --force) force=yes ;;
    --policy* | --problems* | --out* | --model* | --recipe* | --samples* | --alone | --json) fail "$1 is not for you to give here." "See --help." ;;
    --no-auto-submit | --*=*) rollout+=("$1") ;;
    -*) [[ $# -gt 1 ]] || fail "$1 has no value." "See --help." ;;&
    -*) rollout+=("$1" "$2") && shift ;;  # what an option's value is, whatever it looks like
    *) places+=("${1%/}") ;;
  esac
  shift
done
[[ ${#places[@]} -eq 3 ]] || fail "${#places[@]} places were given: ${places[*]:-none}." "Give three: the SFT checkpoint, the problems and a folder to write."
sft=${places[0]} problems=${places[1]} out=${places[2]}
[[ -f "$sft/config.json" || -f "$sft/adapter_config.json" ]] || fail "$sft holds no model and no adapter." "Give the checkpoint's folder, as .../last-checkpoint."
[[ -n "$unseen" ]] || fail "there is no --unseen DIR." "Name the problems that SFT and GRPO are measured on."
for set in "$problems" "$unseen"; do
  [[ -f "$set/problems.jsonl" || -f "$set/dataset.json" ]] || fail "$set is no problem set." "Make one: ordebug problems generate"
done
for file in "$rlhf" "$infer" "${gate[@]/--*/$rlhf}"; do
  [[ -f "$file" ]] || fail "$file does not exist." "Recipes lie in $root/swift_recipes."
done
[[ "$samples" =~ ^[0-9]+$ && "$per_problem" =~ ^[1-9][0-9]*$ ]] || fail "SAMPLES=$samples or --per-problem $per_problem is not a number." "Give whole numbers."
((10#$samples >= 8)) || fail "SAMPLES=$samples are too few to tell a pass rate." "Give 8 or more."
found=$(ordebug recipes handoff "$sft" "$problems" "$unseen" -- "$rlhf" "${train[@]}") || exit 2
{ read -r limit && read -r base && read -r reference; } <<<"$found"

# the same command goes on; another one would mix two runs
mkdir -p "$out"
settings="$(printf '%s ' "$sft" "$problems" "$unseen" "samples=$samples" "per_problem=$per_problem" "${rollout[@]}" -- "${train[@]}")$(cat "$rlhf" "$infer" | sha256sum | cut -c 1-16)"
if [[ -f "$out/settings" && "$(cat "$out/settings")" != "$settings" ]]; then
  diff <(tr ' ' '\n' <"$out/settings") <(tr ' ' '\n' <<<"$settings") >&2 || true
  fail "$out holds a run of other settings (above, < what it has, > what was given)." "Give another folder."
fi
run ordebug recipes check "$rlhf" --kind rlhf
echo "$settings" >"$out/settings"

on_base=()
[[ -z "$base" ]] || on_base=(--infer-arg "--model ${base@Q}")  # an adapter's own, whatever the inference recipe names
play() {  # MODEL PROBLEMS OUT [arguments]
  run ordebug rollout --policy swift-infer --model "$1" --recipe "$infer" --problems "$2" --out "$3" --max-steps 5 "${rollout[@]}" "${on_base[@]}" "${@:4}"
}

say "1/5 $samples samples a problem, at temperature 1, as long as in training"
play "$sft" "$problems" "$out/samples" --samples "$samples" --infer-arg "--temperature 1 --top_p 1 --top_k -1 --max_new_tokens $limit" >"$out/samples.log" ||
  { cat "$out/samples.log" >&2; exit 2; }
head -n 1 "$out/samples.log"

say "2/5 The gate"
status=0
rm -f "$out/samples/gate.json"
run ordebug gate "$out/samples" "${gate[@]}" || status=$?
# a program that breaks ends with 1 too; only a gate that was judged leaves its record
[[ $status -lt 2 && -f "$out/samples/gate.json" ]] || exit 2
if ((status == 1)) && [[ -z "$force" ]]; then
  printf 'The gate is closed: do what stands beside what failed, or train all the same with --force.\n' >&2
  exit 1
fi

say "3/5 The prompts"
[[ -s "$out/grpo.jsonl" ]] ||
  run ordebug grpo-data --problems "$problems" --run "$out/samples" --per-problem "$per_problem" --out "$out/grpo.jsonl"

say "4/5 swift rlhf (log: $out/grpo.log)"
if [[ ! -f "$out/grpo/.done" ]]; then
  # the last checkpoint with its optimizer, whole: the trainer's state is what is written last
  last=''
  while read -r checkpoint; do
    [[ -s "$checkpoint/trainer_state.json" && (-f "$checkpoint/optimizer.pt" || -f "$checkpoint/latest") ]] && last=$checkpoint
  done < <(printf '%s\n' "$out"/grpo/checkpoint-* | sort -V)
  start=(--model "${base:-$sft}")
  [[ -z "$last" ]] && rm -rf "${out:?}/grpo" || start+=(--resume_from_checkpoint "$last")
  [[ -z "$base" || -n "$last" ]] || start+=(--adapters "$sft")
  [[ -z "$base" || "$reference" == no ]] || start+=(--ref_adapters "$sft")
  words=("$rlhf" "${start[@]}" --dataset "$out/grpo.jsonl" --output_dir "$out/grpo" --add_version false
    --external_plugins "$root/swift_recipes/plugin/ordebug_plugin.py" "${train[@]}")
  ordebug recipes manifest rlhf -- "${words[@]}" >/dev/null
  run swift rlhf "${words[@]}" 2>&1 | tee "$out/grpo.log" | stdbuf -oL tr '\r' '\n' |
    sed -un "s/^+ /+ /p; s/.*'reward': '\([^']*\)'.*'global_step\/max_steps': '\([^']*\)'.*'remaining_time': '\([^']*\)'.*/step \2  reward \1  \3 left/p" ||
    { tail -n 30 "$out/grpo.log" >&2; exit 2; }
  touch "$out/grpo/.done"
fi

say "5/5 Unseen problems: before and after"
result=$out/grpo/last-checkpoint over=()
# an adapter that GRPO put on a whole model belongs to that model, whatever the inference recipe names
[[ ! -f "$result/adapter_config.json" || -f "$sft/adapter_config.json" ]] || over=(--infer-arg "--model ${sft@Q}")
play "$sft" "$unseen" "$out/before" >"$out/before.log" || { cat "$out/before.log" >&2; exit 2; }
play "$result" "$unseen" "$out/after" "${over[@]}"
run ordebug compare "$out/after" "$out/before"
echo "model: $result"
