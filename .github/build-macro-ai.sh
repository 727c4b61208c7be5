#!/usr/bin/env bash
# Builds the application and packs what a release of Macro AI needs: package.json, its lock file and dist/.
#
# usage: build-macro-ai.sh FOLDER ARCHIVE     FOLDER has package.json and a lock file; its script `build` makes dist/
set -euo pipefail

if [ $# -ne 2 ]; then
  sed -n '4s/^# //p' "$0" >&2
  exit 2
fi
archive=$(realpath -m "$2")
cd "$1"

if [ -e pnpm-lock.yaml ]; then
  lock=pnpm-lock.yaml
  corepack pnpm install --frozen-lockfile
  corepack pnpm run build
elif [ -e package-lock.json ]; then
  lock=package-lock.json
  npm ci
  npm run build
else
  echo "build-macro-ai.sh: no pnpm-lock.yaml and no package-lock.json in $PWD" >&2
  exit 1
fi
tar -czf "$archive" package.json "$lock" dist
