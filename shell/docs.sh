#!/usr/bin/env bash
# The documentation as a site that reads and searches without network.
set -euo pipefail

if [[ "${1:-}" == "--help" ]]; then
  cat <<'HELP'
usage: bash shell/docs.sh [mkdocs build arguments]
Sets up what it needs (shell/setup.sh) and makes site/ of README.md, CHANGELOG.md and docs/; open site/index.html.
Fails when a link, an anchor or a picture leads nowhere, and when a page of docs/ is missing from the navigation (mkdocs.yml).
HELP
  exit 0
fi

cd "$(dirname "$0")/.."
bash shell/setup.sh
export NO_MKDOCS_2_WARNING=1  # Material says so on every run: MkDocs 2 will not load it, so the lock stays at 1.6
exec .venv/bin/mkdocs build --strict "$@"  # not --quiet: it hides warnings from --strict too
