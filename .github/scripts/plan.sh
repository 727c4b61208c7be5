#!/usr/bin/env bash
# Plans an environment once with the plan role, and writes its review in all formats: review.json, review.md and review.html;
# and an empty file not-looked, where the plan could not look for what others changed in AWS.
#
# usage: plan.sh ENVIRONMENT FOLDER
set -euo pipefail

if [ $# -ne 2 ]; then
  sed -n '5s/^# //p' "$0" >&2
  exit 2
fi
environment=$1 folder=$2
work=$(mktemp -d) # the plan itself is nobody else's to read, and is not kept
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder"
# Another run may have the lock of the state for a while
export TF_CLI_ARGS_plan="-lock-timeout=10m ${TF_CLI_ARGS_plan:-}"

# What is told, live and kept
./landfall plan "$environment" --review-only --json 2>&1 1>"$work/plan.json" | tee "$work/told" >&2
./landfall plan "$environment" --from "$work/plan.json" --format json >"$folder/review.json"
./landfall plan "$environment" --from "$work/plan.json" --format markdown >"$folder/review.md"
./landfall plan "$environment" --from "$work/plan.json" --format html >"$folder/review.html"

# Where the role would have to read secrets to look, the plan goes by the state alone
if grep -qF 'what others changed in AWS is not in this plan' "$work/told"; then
  touch "$folder/not-looked"
  printf '\n%s\n' '> What others changed in AWS is not in this plan: to look, its role would have to read secrets. Where somebody did, the apply stops.' >>"$folder/review.md"
fi

if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$folder/review.md" >>"$GITHUB_STEP_SUMMARY"; fi
