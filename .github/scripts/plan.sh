#!/usr/bin/env bash
# Plans an environment with the plan role, and writes its review in all formats: review.json, review.md and review.html.
#
# usage: plan.sh ENVIRONMENT FOLDER
set -euo pipefail

if [ $# -ne 2 ]; then
  sed -n '4s/^# //p' "$0" >&2
  exit 2
fi
environment=$1 folder=$2
mkdir -p "$folder"

write() { ./landfall plan "$environment" --review-only --format "$1" >"$folder/$2"; }
write json review.json
write markdown review.md
write html review.html

if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$folder/review.md" >>"$GITHUB_STEP_SUMMARY"; fi
