#!/usr/bin/env bash
# Plans an environment once with the plan role, and writes its review in all formats: review.json, review.md and review.html.
#
# usage: plan.sh ENVIRONMENT FOLDER
set -euo pipefail

if [ $# -ne 2 ]; then
  sed -n '4s/^# //p' "$0" >&2
  exit 2
fi
environment=$1 folder=$2
work=$(mktemp -d) # the plan itself is nobody else's to read, and is not kept
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder"

./landfall plan "$environment" --review-only --json >"$work/plan.json"
./landfall plan "$environment" --from "$work/plan.json" --format json >"$folder/review.json"
./landfall plan "$environment" --from "$work/plan.json" --format markdown >"$folder/review.md"
./landfall plan "$environment" --from "$work/plan.json" --format html >"$folder/review.html"

if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$folder/review.md" >>"$GITHUB_STEP_SUMMARY"; fi
