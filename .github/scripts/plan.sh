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

./landfall plan "$environment" --review-only --format json >"$folder/review.json"
./landfall plan "$environment" --review-only --format markdown >"$folder/review.md"
./landfall plan "$environment" --review-only --format html >"$folder/review.html"

# People read one plan and the machine compares another: they must be the same
fingerprint=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1])).fingerprint' "$folder/review.json")
for file in review.md review.html; do
  if ! grep -qF "${fingerprint:0:12}" "$folder/$file"; then
    echo "plan.sh: $environment changed while it was planned: $file is not of the plan $fingerprint. Start the job again." >&2
    exit 1
  fi
done

if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$folder/review.md" >>"$GITHUB_STEP_SUMMARY"; fi
