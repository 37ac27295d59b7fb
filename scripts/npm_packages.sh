#!/usr/bin/env bash
# npm_packages.sh FOLDER: node_modules as FOLDER's package-lock.json says; installed when missing or older than it.
set -euo pipefail
cd "$1"

# Builds and tests may come here at once.
exec {lock}<package.json
flock "$lock"
installed=node_modules/.package-lock.json
if [[ ! -e $installed || $installed -ot package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  touch "$installed"
fi
