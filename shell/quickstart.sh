#!/usr/bin/env bash
# The whole job on two CPU cores: problems, rows, a small Qwen3, swift sft, swift infer, the solver's verdict, a report.
set -euo pipefail

if [[ "${1:-}" == "--help" ]]; then
  cat <<'HELP'
usage: bash shell/quickstart.sh [--full|--grpo]
Generates problems, makes SFT rows from the oracle, builds a small Qwen3, trains it with `swift sft` on two processes with
DeepSpeed ZeRO-2, lets `swift infer` repair problems it never saw, and shows the result beside the anchors.
About eleven minutes on two cores after the install; --full takes up to forty and trains longer on more problems.
Leaves runs/quickstart/; a second run reuses what is there.
--grpo goes on with shell/grpo.sh: the solver rewards that model on problems that are new to it, and problems that are new to
both tell what it gained. The gate is shown and does not stop it. It leaves runs/quickstart/grpo/.

With your own rows (Alpaca, ShareGPT or messages) and problems (published dataset.json or problems.jsonl):
  DATA=rows.json PROBLEMS=dir bash shell/quickstart.sh
Environment: OUT=runs/quickstart  SEED=1  STEPS, TRAIN, UNSEEN (counts)  ACTIONS=compat and PROFILE=seed (with DATA)
  GRPO_PROBLEMS, GRPO_UNSEEN, GRPO_STEPS (counts, with --grpo)
HELP
  exit 0
fi

cd "$(dirname "$0")/.."
mode=quick train_count=10000 unseen_count=200 new_count=50 steps=2000 grpo=''
if [[ "${1:-}" == "--full" ]]; then
  mode=full train_count=40000 unseen_count=400 new_count=100 steps=5000
elif [[ "${1:-}" == "--grpo" ]]; then
  grpo=yes
  [[ -z "${DATA:-}" ]] || { echo "error: --grpo goes on with the quickstart's own problems; with DATA use shell/grpo.sh." >&2; exit 2; }
elif [[ $# -gt 0 ]]; then
  echo "error: unknown argument $1; see --help" >&2
  exit 2
fi
train_count=${TRAIN:-$train_count} unseen_count=${UNSEEN:-$unseen_count} steps=${STEPS:-$steps} seed=${SEED:-1}
out=${OUT:-runs/quickstart}
profile=algebra actions=core
if [[ -n "${DATA:-}" ]]; then
  [[ -n "${PROBLEMS:-}" ]] || { echo "error: DATA needs PROBLEMS=dir, the problems its rows came from." >&2; exit 2; }
  [[ -f "$DATA" ]] || { echo "error: DATA=$DATA does not exist. Give the path of your rows." >&2; exit 2; }
  mode=data profile=${PROFILE:-seed} actions=${ACTIONS:-compat}
fi
digest() { { cat "$@" 2>/dev/null || true; } | sha256sum | cut -c 1-16; }  # an edited file is another run
families=production,blending,staffing   # transport is never trained on

say() { printf '\n== %s\n' "$*"; }
run() { printf '+ %s\n' "$*"; "$@"; }
generate() {  # a set that was not finished is made anew
  rm -rf "${out:?}/$1"
  run ordebug problems generate --out "$out/$1" --types A,D --rows 3-5 --most-conflict-rows 3 "${@:2}"
}

settings="mode=$mode train=$train_count unseen=$unseen_count steps=$steps seed=$seed profile=$profile actions=$actions recipe=$(digest swift_recipes/*/tiny_cpu.yaml)"
[[ $mode != data ]] || settings+=" data=$(digest "$DATA") problems=$(digest "$PROBLEMS"/problems.jsonl "$PROBLEMS"/dataset.json)"
if [[ -f "$out/settings" && "$(cat "$out/settings")" != "$settings" ]]; then
  aside="$out-$(sed 's/mode=\([a-z]*\).*/\1/' "$out/settings")-$(date +%Y%m%d-%H%M%S)"
  echo "$out holds a run of other settings; it is kept as $aside"
  mv "$out" "$aside"
fi
mkdir -p "$out"
echo "$settings" > "$out/settings"

say "1/7 Packages (.venv)"
bash shell/setup.sh
PATH="$PWD/.venv/bin:$PATH"
started=$SECONDS

if [[ $mode == data ]]; then
  say "2/7 Your rows as ms-swift messages, split by problem"
  if [[ ! -f "$out/split/manifest.json" ]]; then
    render=()
    [[ $profile == seed ]] || render=(--problems "$PROBLEMS")  # seed keeps the file's own text
    run ordebug data convert "$DATA" --profile "$profile" "${render[@]}" --actions "$actions" --out "$out/rows.jsonl" || {
      status=$?
      [[ $status -eq 1 ]] || exit "$status"  # 1: some rows could not be read; they are listed above, the others were kept
    }
    run ordebug data split "$out/rows.jsonl" --out "$out/split" --val 0 --test 0.1 --seed "$seed"
  fi
  cp "$out/split/train.jsonl" "$out/train.jsonl"
  say "3/7 Unseen problems: those of the rows held out"
  [[ -f "$out/train/problems.jsonl" ]] ||
    run ordebug problems select "$PROBLEMS" --ids "$out/split/train.jsonl" --out "$out/train"
  [[ -f "$out/unseen/problems.jsonl" ]] ||
    run ordebug problems select "$PROBLEMS" --ids "$out/split/test.jsonl" --limit "$unseen_count" --seed "$seed" --out "$out/unseen"
else
  say "2/7 Problems, each proved by the solver"
  [[ -f "$out/train/problems.jsonl" ]] ||
    generate train --count "$train_count" --families $families --seed "$seed"
  [[ -f "$out/unseen/problems.jsonl" ]] ||
    generate unseen --count "$unseen_count" --families $families --seed "$((seed + 1))"
  [[ -f "$out/new-family/problems/problems.jsonl" ]] ||
    generate new-family/problems --count "$new_count" --families transport --seed "$((seed + 2))"
  say "3/7 SFT rows: the oracle repairs every training problem and says why"
  if [[ ! -f "$out/train.jsonl" ]]; then
    run ordebug rollout --policy oracle --alone --problems "$out/train" --out "$out/oracle" --max-steps 5
    run ordebug sft-data "$out/oracle" --out "$out/train.jsonl"
  fi
fi

say "4/7 A small Qwen3"
[[ -f "$out/tiny/tokenizer_config.json" ]] || run ordebug tiny build --data "$out/train.jsonl" --out "$out/tiny" --seed "$seed"

say "5/7 swift sft, two processes, ZeRO-2 (log: $out/sft.log)"
if [[ ! -f "$out/sft/.done" ]]; then
  rm -rf "$out/sft"
  bash shell/sft.sh swift_recipes/sft/tiny_cpu.yaml --model "$out/tiny" --dataset "$out/train.jsonl" \
    --output_dir "$out/sft" --max_steps "$steps" \
    --lr_scheduler_kwargs "{\"num_decay_steps\": $((steps / 2)), \"min_lr_ratio\": 0.03}" 2>&1 | tee "$out/sft.log" | stdbuf -oL tr '\r' '\n' |
    sed -un "s/^+ /+ /p; s/.*{'loss': '\([^']*\)'.*'token_acc': '\([^']*\)'.*'global_step\/max_steps': '\([^']*\)'.*'remaining_time': '\([^']*\)'.*/step \3  loss \1  token accuracy \2  \4 left/p" ||
    { tail -n 30 "$out/sft.log" >&2; exit 1; }
  touch "$out/sft/.done"
fi

say "6/7 swift infer repairs problems it never saw"
play() {
  run ordebug rollout --policy swift-infer --model "$out/sft/last-checkpoint" --recipe swift_recipes/infer/tiny_cpu.yaml \
    --profile "$profile" --actions "$actions" --max-steps 5 "$@"
}
if [[ $mode == data ]]; then
  play --problems "$out/unseen" --out "$out"
else
  # beside each other: a round is mostly the start of one process
  play --problems "$out/new-family/problems" --out "$out/new-family" >"$out/new-family.log" 2>&1 &
  trap 'kill $! 2>/dev/null || true' EXIT
  play --problems "$out/unseen" --out "$out"
  wait $! || { cat "$out/new-family.log" >&2; exit 1; }
  trap - EXIT
fi

say "7/7 Report ($((SECONDS - started)) s after the install)"
if [[ $mode == data ]]; then run ordebug report "$out"; else run ordebug report "$out" "$out/new-family"; fi
echo "report: $out/report.html"

if [[ -n "$grpo" ]]; then
  say "GRPO: problems for its prompts, and others to measure it"
  [[ -f "$out/grpo/problems/problems.jsonl" ]] ||
    generate grpo/problems --count "${GRPO_PROBLEMS:-1500}" --families $families --seed "$((seed + 3))"
  [[ -f "$out/grpo/unseen/problems.jsonl" ]] ||
    generate grpo/unseen --count "${GRPO_UNSEEN:-500}" --families $families --seed "$((seed + 4))"
  few=()
  [[ -z "${GRPO_STEPS:-}" ]] || few=(-- --max_steps "$GRPO_STEPS")
  bash shell/grpo.sh "$out/sft/last-checkpoint" "$out/grpo/problems" "$out/grpo" --unseen "$out/grpo/unseen" \
    --rlhf swift_recipes/rlhf/tiny_cpu_grpo.yaml --infer swift_recipes/infer/tiny_cpu.yaml --force "${few[@]}"
fi
