#!/usr/bin/env bash
# Applies an environment as it was reviewed, or stops and writes the review of what would be done now.
#
# usage: apply.sh ENVIRONMENT REVIEWS FOLDER
#   REVIEWS      folder with review-<environment>/review.json; it may be missing
#   FOLDER       where the new review goes
#   UNREVIEWED   true: without a review, applies what the plan says now
#   REASON       why there is no review
#   ALLOW        risks to take, with spaces: rules, or <rule>:<address>, as `apply --allow` has them
#   SETTINGS     text of the environment's secrets file; where it is empty, none is written
set -euo pipefail

if [ $# -ne 3 ]; then
  sed -n '4s/^# //p' "$0" >&2
  exit 2
fi
environment=$1 review=$2/review-$1/review.json folder=$3
summary=${GITHUB_STEP_SUMMARY:-/dev/null}
work=$(mktemp -d)
secrets=environments/$environment.secrets.env
# Not on a person's machine: there the file is theirs
wrote=
clean() {
  rm -rf "$work"
  if [ -n "$wrote" ]; then rm -f "$secrets"; fi
}
trap clean EXIT
# Another run may have the lock of the state for a while: a request's plan does not stop a deploy
export TF_CLI_ARGS_plan="-lock-timeout=10m ${TF_CLI_ARGS_plan:-}"
export TF_CLI_ARGS_apply="-lock-timeout=10m ${TF_CLI_ARGS_apply:-}"

if [ -n "${SETTINGS:-}" ]; then
  if [ -e "$secrets" ]; then
    echo "apply.sh: $secrets is there already" >&2
    exit 1
  fi
  wrote=1
  (umask 077 && printf '%s\n' "$SETTINGS" >"$secrets")
fi
read -ra risks <<<"${ALLOW:-}"
allow=()
for risk in "${risks[@]}"; do
  if [[ ! $risk =~ ^[a-z] ]]; then
    echo "apply.sh: \"$risk\" is no risk: a rule such as public-bucket is expected" >&2
    exit 2
  fi
  allow+=(--allow "$risk")
done
unset SETTINGS # programs that are started need only the file

# What is told, live and kept
told() { { "$@" 2>&1 1>&3 | tee "$work/told" >&2; } 3>&1; }

# Exit code 2 where there are changes, 0 where there are none
new_review() {
  local code=0
  ./landfall plan "$environment" --json --detailed-exitcode >"$work/plan.json" || code=$?
  if [ "$code" != 0 ] && [ "$code" != 2 ]; then return "$code"; fi
  mkdir -p "$folder"
  ./landfall plan "$environment" --from "$work/plan.json" --format json >"$folder/review.json" || return 1
  ./landfall plan "$environment" --from "$work/plan.json" --format markdown >"$folder/review.md" || return 1
  return "$code"
}

# Only the end, where it says why; as text that Markdown leaves alone
tell_why() {
  echo "### $environment: stopped"
  echo
  tail -n 20 "$work/told" | sed 's/^/    /'
  echo
}

stop() {
  tell_why >>"$summary"
  code=0
  new_review || code=$?
  case $code in
    0) echo "By now there is nothing to apply." >>"$summary" ;;
    2)
      {
        echo "What would be done now is below. Once you have reviewed it, start the workflow Deploy by hand with the environment \`$environment\` and the review \`${GITHUB_RUN_ID:-ID OF THIS RUN}\`."
        echo
        cat "$folder/review.md"
      } >>"$summary"
      ;;
    *)
      rm -rf "$folder"
      echo "It cannot be planned now, see the log." >>"$summary"
      ;;
  esac
  exit 1
}

if [ -e "$review" ]; then
  told ./landfall apply "$environment" --yes --reviewed "$review" "${allow[@]}" || stop
elif [ "${UNREVIEWED:-}" = true ]; then
  plan=$work/unreviewed.tfplan
  ./landfall plan "$environment" --format markdown --out "$plan" >>"$summary"
  told ./landfall apply "$environment" --yes --plan "$plan" "${allow[@]}" || stop
else
  # What changes nothing needs no review
  if new_review; then
    echo "$environment: no changes, and no review; nothing is applied." | tee -a "$summary"
    exit 0
  fi
  echo "$environment is not applied without a review. ${REASON:-}" | tee "$work/told" >&2
  stop
fi
echo "$environment is applied." >>"$summary"
