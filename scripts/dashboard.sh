#!/usr/bin/env bash
# dashboard.sh OUT: builds the dashboard of web/ and writes it to OUT as sources for the room http. CMake calls it
# when something in web/ has changed. The packages are in web/node_modules, for all builds.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../web"
out=$1

bash ../scripts/npm_packages.sh .
mkdir -p "$out"
node node_modules/vite/bin/vite.js build --outDir "$out/dist" --emptyOutDir --logLevel warn
node embed.mjs "$out/dist" "$out"
