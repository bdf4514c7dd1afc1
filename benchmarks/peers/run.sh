#!/usr/bin/env bash
# The same 200 rows through ms-swift and through each framework's own code, and a table of where the tokens differ.
set -euo pipefail

if [[ "${1:-}" == "--help" || $# -lt 2 ]]; then
  cat <<'HELP'
usage: bash benchmarks/peers/run.sh FILE WORK
FILE is an SFT file of at least 200 rows (ordebug data convert, ordebug sft-data), WORK a folder to fill.
Makes .venv-trl, .venv-llamafactory and .venv-axolotl where they are missing (about 2 GB and some minutes each).
  PEERS="trl==1.16.0 llamafactory==0.9.5 axolotl==0.19.0"   which releases; one that does not install is passed over
  PYTHON=python3.11    the interpreter of the environments
HELP
  [[ $# -gt 0 ]] && exit 0 || exit 2
fi

here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
python=${PYTHON:-python3.11}
[[ -d "$root/.venv/bin" ]] && PATH="$root/.venv/bin:$PATH"
cases=(thought empty bare chat)

install() {  # torch first: what depends on it then takes this build
  [[ -f "$1/.ready" && "$(cat "$1/.ready")" == "$2" ]] && return
  "$python" -m venv "$1" && "$1/bin/pip" install --quiet torch==2.13.0 && "$1/bin/pip" install --quiet "$2" &&
    echo "$2" > "$1/.ready"
}

python "$here/cases.py" "$1" "$2"
for case in "${cases[@]}"; do  # the release that ms-swift brings along
  python "$here/trl_tokens.py" "$2/$case/trl" "$2/model" "$2/$case/trl-with-ms-swift.jsonl" ||
    echo "trl with ms-swift: $case gave no tokens" >&2
done
for package in ${PEERS:-trl==1.16.0 llamafactory==0.9.5 axolotl==0.19.0}; do
  name=${package%%==*} environment="$root/.venv-${package%%==*}"
  install "$environment" "$package" || { echo "$package did not install; passed over" >&2; continue; }
  for case in "${cases[@]}"; do
    "$environment/bin/python" "$here/${name}_tokens.py" "$2/$case/$name" "$2/model" "$2/$case/${package/==/-}.jsonl" ||
      echo "$package: $case gave no tokens" >&2
  done
done
python "$here/differences.py" "$2"
