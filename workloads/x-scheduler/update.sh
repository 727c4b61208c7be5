#!/usr/bin/env bash
# Updates X-Scheduler in place: builds a release of a git ref beside the running one, switches to it, checks both
# services, and goes back by itself where they are not healthy.
#
# Folders below /opt/x-scheduler:
#   repository/          bare copy of the git repository
#   releases/<name>/     one release with its Python environment; complete once it has a file .release,
#                        and something to go back to once it has a file .healthy
#   current              link to the release in use; always replaced in one step
#   switching            there only between a switch and its check: the release that was left; see recover
set -euo pipefail
umask 022

usage() {
  cat <<'USAGE'
usage: update.sh update [--ref REF] [--force]   fetch, build, switch, check; goes back by itself on failure
       update.sh rollback                       go back to the last healthy release before the current one
       update.sh recover                        finish what a killed update left; does nothing otherwise
       update.sh status                         current release and whether both services are healthy
       update.sh list                           releases on this host, the current one marked with *
       update.sh --help

REF is a branch, a tag or a commit; without it the one of the settings, which is a parameter on AWS. Where its commit is the
current one already nothing happens, except with --force.

Exit code: 0 done or nothing to do, 1 failed (status: not healthy), 2 wrong usage.

Environment: KEEP (releases to keep, 5), HEALTH_TIMEOUT (seconds for the services to become healthy, 90),
HEALTH_STEADY (seconds that they must stay so, 10), BUILD_TIMEOUT (seconds for pip, 1800), PYTHON (python3.11),
SERVICE_USER (xscheduler), ROOT (before each path; for tests).
USAGE
}

ROOT=${ROOT:-}
KEEP=${KEEP:-5}
HEALTH_TIMEOUT=${HEALTH_TIMEOUT:-90}
HEALTH_STEADY=${HEALTH_STEADY:-10}
BUILD_TIMEOUT=${BUILD_TIMEOUT:-1800}
PYTHON=${PYTHON:-python3.11}
SERVICE_USER=${SERVICE_USER:-xscheduler}
export ROOT HOME="${HOME:-/root}" # cloud-init sets none

home=$ROOT/opt/x-scheduler
settings=$ROOT/etc/landfall/host.env
log_file=$ROOT/var/log/landfall/update.log
units=(x-scheduler.service x-scheduler-oauth-web.service)
health=$(dirname "$(readlink -f "$0")")/health.sh

# The file gets each line even where the terminal is gone
log() {
  local line
  line="$(date -u +%FT%TZ) $*"
  echo "$line" >>"$log_file" || true
  echo "$line" || true
}
fail() {
  log "error: $*" >&2
  exit 1
}
wrong_usage() {
  echo "error: $*" >&2
  usage >&2
  exit 2
}

# A host setting of /etc/landfall/host.env
setting() { sed -n "s/^$1=//p" "$settings" | tail -n 1; }

# Where the application comes from: NAME of the settings, else the parameter of that name. A parameter, as another ref
# then needs no other host.
source_setting() {
  local value
  value=$(setting "$1")
  if [ -z "$value" ]; then
    value=$(aws ssm get-parameter --region "$(setting AWS_REGION)" --name "$(setting SOURCE_PARAMETERS)$2" \
      --query Parameter.Value --output text) ||
      fail "cannot read the parameter $(setting SOURCE_PARAMETERS)$2: see above"
  fi
  echo "$value"
}

# Name of the release that is in use, or nothing
current() { if [ -L "$home/current" ]; then basename "$(readlink "$home/current")"; fi; }

# A fact about a release: COMMIT, REF or BUILT
fact() { sed -n "s/^$2=//p" "$home/releases/$1/.release" 2>/dev/null || true; }

is_healthy() { [ -n "$1" ] && [ -e "$home/releases/$1/.healthy" ]; }

# Names of the complete releases, oldest first: a name begins with its time
releases() {
  local file
  for file in "$home"/releases/*/.release; do
    if [ -e "$file" ]; then basename "$(dirname "$file")"; fi
  done
}

# The newest healthy release before the given one
healthy_before() {
  local name found=""
  while read -r name; do
    if [[ "$name" < "$1" ]] && is_healthy "$name"; then found=$name; fi
  done < <(releases)
  echo "$found"
}

# Whatever this starts and leaves running also keeps the lock, but for the services
lock() {
  mkdir -p "$home/releases"
  exec 9>>"$home/.lock"
  flock --nonblock 9
}

service_manager() { systemctl "$@" 9>&-; }

as_service_user() {
  if [ "$SERVICE_USER" = "$(id -un)" ]; then "$@"; else runuser -u "$SERVICE_USER" -- "$@"; fi
}

# --- build ---------------------------------------------------------------------------------------------------------

# Prints the commit of a branch, a tag or a commit, in this order
commit_of() {
  local name
  for name in "refs/remotes/origin/$1" "refs/tags/$1"; do
    if git -C "$home/repository" rev-parse --verify --quiet "$name^{commit}"; then return; fi
  done
  if [[ "$1" =~ ^[0-9a-f]{7,40}$ ]]; then
    git -C "$home/repository" rev-parse --verify --quiet "$1^{commit}" && return
    # A commit that no branch or tag leads to has to be asked for by itself
    git -C "$home/repository" fetch --quiet origin "$1" 2>/dev/null &&
      git -C "$home/repository" rev-parse --verify --quiet "$1^{commit}" && return
  fi
  return 1
}

fetch() {
  local url
  url=$(source_setting REPOSITORY repository) || exit 1
  log "fetching $url"
  if ! git -C "$home/repository" rev-parse --git-dir >/dev/null 2>&1; then
    rm -rf "$home/repository"
    git init --quiet --bare "$home/repository"
  fi
  # Left by a git that was killed; the lock says that no other one runs
  find "$home/repository" -name '*.lock' -delete
  git -C "$home/repository" config remote.origin.url "$url"
  GIT_TERMINAL_PROMPT=0 git -C "$home/repository" -c gc.autoDetach=false \
    fetch --quiet --prune --force origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*' ||
    fail "cannot fetch $url: see above; a private repository needs a credential in root's git configuration"
}

# Removes what never became complete, and complete ones that never became healthy
remove_leftovers() {
  local folder name
  for folder in "$home"/releases/*/; do
    name=$(basename "$folder")
    if [ -d "$folder" ] && [ "$name" != "$(current)" ] && ! is_healthy "$name"; then
      log "removing $name: never in use"
      rm -rf "$folder"
    fi
  done
}

# build NAME COMMIT REF
build() {
  local folder=$home/releases/$1 commit=$2 ref=$3 file options=()
  log "building $1 from $ref ($commit)"
  for file in requirements.txt src/main.py src/scheduler.py src/oauth_web_server.py; do
    git -C "$home/repository" cat-file -e "$commit:$file" 2>/dev/null ||
      fail "no $file in $ref ($commit): not a release of X-Scheduler, or another GIT_REF is meant"
  done

  mkdir "$folder"
  git -C "$home/repository" archive "$commit" | tar -x -C "$folder"
  # The release is read-only for the application; its log is not
  rm -rf "$folder/src/log"
  ln -s "$ROOT/var/log/x-scheduler" "$folder/src/log"

  # Packages may run code of theirs when they are installed, so not as root
  mkdir "$folder/.venv" "$folder/.tmp"
  chown "$SERVICE_USER" "$folder/.venv" "$folder/.tmp"
  if grep -q -e '--hash=' "$folder/requirements.txt"; then options=(--require-hashes); fi
  (
    export HOME="$folder/.tmp" TMPDIR="$folder/.tmp" PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
    cd "$folder" &&
      as_service_user "$PYTHON" -m venv .venv &&
      as_service_user timeout "$BUILD_TIMEOUT" \
        .venv/bin/python -m pip install --quiet --no-cache-dir "${options[@]}" -r requirements.txt
  ) || fail "cannot install requirements.txt of $ref: see above; the running release is untouched"
  rm -rf "$folder/.tmp"
  chown -R -h root:root "$folder" 2>/dev/null || [ "$(id -u)" -ne 0 ]
  chmod -R go-w,a+rX "$folder"

  printf 'COMMIT=%s\nREF=%s\nBUILT=%s\n' "$commit" "$ref" "$(date -u +%FT%TZ)" >"$folder/.release.new"
  sync -f "$folder" # a host that loses power must not have the mark without the rest
  mv "$folder/.release.new" "$folder/.release"
}

# --- switch --------------------------------------------------------------------------------------------------------

point_current_to() {
  ln -sfn "releases/$1" "$home/current.new" && mv -T "$home/current.new" "$home/current"
}

restart() {
  # Without this a service that crashed often refuses to start
  service_manager reset-failed "${units[@]}" || true
  service_manager restart "${units[@]}"
}

# Waits until both services are healthy, and stay so for HEALTH_STEADY seconds as the same processes
verify() {
  local deadline=$((SECONDS + HEALTH_TIMEOUT)) since="" processes="" now="" report=""
  while true; do
    if report=$("$health" check 2>&1 9>&-); then
      now=$(service_manager show --property=MainPID --value "${units[@]}")
      if [ "$now" != "$processes" ]; then
        processes=$now
        since=$SECONDS
      fi
      if [ $((SECONDS - since)) -ge "$HEALTH_STEADY" ]; then return 0; fi
    else
      processes=""
      # Time that is left for a first healthy answer; one that came gets its steady time
      if [ "$SECONDS" -ge "$deadline" ]; then break; fi
    fi
    if [ "$SECONDS" -ge $((deadline + HEALTH_STEADY)) ]; then break; fi
    sleep 1
  done
  log "not healthy within $HEALTH_TIMEOUT s:"
  while read -r line; do log "  $line"; done <<<"$report"
  return 1
}

# use NAME BACK: switches to a release; where it is not healthy, to BACK, which may be empty
use() {
  local name=$1 back=$2
  # From here on it ends by itself, in a known time
  trap '' HUP INT TERM
  log "switching to $name"
  {
    echo "$back" >"$home/switching.new" &&
      mv "$home/switching.new" "$home/switching" &&
      point_current_to "$name"
  } || fail "cannot write to $home; update.sh recover"
  if restart && verify; then
    touch "$home/releases/$name/.healthy"
    rm "$home/switching"
    log "$name is in use and healthy"
    return 0
  fi
  for unit in "${units[@]}"; do
    log "last lines of $unit:"
    journalctl --unit="$unit" --lines=20 --no-pager --output=cat 2>/dev/null |
      while read -r line; do log "  $line"; done || true
  done
  if [ -z "$back" ]; then
    rm "$home/switching"
    log "error: $name is not healthy, and there is no healthy release to go back to" >&2
    return 1
  fi
  go_back_to "$back" || true
  log "error: $name is not healthy; $back is in use again" >&2
  return 1
}

go_back_to() {
  log "going back to $1"
  point_current_to "$1" || fail "cannot write to $home; update.sh recover"
  if restart && verify; then
    rm "$home/switching"
    return 0
  fi
  rm "$home/switching"
  log "error: $1 is not healthy either: the cause is outside the release (secrets, network, disk)" >&2
  return 1
}

# An update that was killed between switch and check left a release in use that nobody has checked
recover() {
  local back
  [ -e "$home/switching" ] || return 0
  trap '' HUP INT TERM
  back=$(cat "$home/switching")
  log "an update was interrupted"
  if [ -n "$back" ]; then
    go_back_to "$back"
    return
  fi
  if restart && verify; then touch "$home/releases/$(current)/.healthy"; fi
  rm "$home/switching"
}

remove_old() {
  local name
  releases | head -n "-$KEEP" | while read -r name; do
    if [ "$name" != "$(current)" ] && [ "$name" != "$(healthy_before "$(current)")" ]; then
      log "removing $name: more than $KEEP releases"
      # First the mark, so that a half removed release is not taken for a whole one
      rm -f "$home/releases/$name/.release"
      rm -rf "$home/releases/${name:?}"
    fi
  done
}

# --- verbs ---------------------------------------------------------------------------------------------------------

update() {
  local ref="" force="" commit name now back
  while [ $# -gt 0 ]; do
    case $1 in
      --ref)
        [ -n "${2:-}" ] || wrong_usage "--ref needs a branch, a tag or a commit"
        ref=$2
        shift
        ;;
      --force) force=yes ;;
      *) wrong_usage "unknown argument $1" ;;
    esac
    shift
  done
  [ -n "$ref" ] || ref=$(source_setting GIT_REF git-ref) || exit 1
  if [[ "$ref" == -* ]] || ! git check-ref-format --allow-onelevel "$ref"; then wrong_usage "$ref is no git ref"; fi

  recover || true
  fetch
  commit=$(commit_of "$ref") ||
    fail "no branch, tag or commit $ref in the repository: is it pushed? Nothing was changed"
  now=$(current)
  if [ -z "$force" ] && [ "$(fact "$now" COMMIT)" = "$commit" ] && is_healthy "$now"; then
    log "$ref ($commit) is in use already; nothing to do"
    return
  fi
  remove_leftovers
  name=$(date -u +%Y%m%dT%H%M%SZ)-${commit:0:12}
  build "$name" "$commit" "$ref"
  back=$now
  is_healthy "$back" || back=$(healthy_before "$name")
  use "$name" "$back" || exit 1
  remove_old
}

rollback() {
  [ $# -eq 0 ] || wrong_usage "rollback takes no arguments"
  local now back
  recover || true
  now=$(current)
  back=$(healthy_before "$now")
  [ -n "$back" ] || fail "no healthy release before ${now:-the first one}: nothing to go back to; nothing was changed"
  use "$back" "$(if is_healthy "$now"; then echo "$now"; fi)" || exit 1
  rm -f "$home/releases/$now/.healthy" # a later rollback must not come back to it
}

status() {
  [ $# -eq 0 ] || wrong_usage "status takes no arguments"
  local now
  now=$(current)
  if [ -z "$now" ]; then
    echo "no release"
    exit 1
  fi
  echo "release $now"
  echo "ref     $(fact "$now" REF)"
  echo "commit  $(fact "$now" COMMIT)"
  echo "built   $(fact "$now" BUILT)"
  if [ -e "$home/switching" ]; then echo "an update is under way, or was interrupted: update.sh recover"; fi
  "$health" check
}

list() {
  [ $# -eq 0 ] || wrong_usage "list takes no arguments"
  local name mark state
  while read -r name; do
    mark=" "
    state="unverified"
    if [ "$name" = "$(current)" ]; then mark="*"; fi
    if is_healthy "$name"; then state="healthy"; fi
    echo "$mark $name  $(fact "$name" REF)  $state"
  done < <(releases)
}

verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in
  --help | -h | help)
    usage
    exit 0
    ;;
  status | list)
    "$verb" "$@"
    exit
    ;;
  update | rollback | recover) ;;
  "") wrong_usage "no verb" ;;
  *) wrong_usage "unknown verb $verb" ;;
esac

if [ -z "$ROOT" ] && [ "$(id -u)" -ne 0 ]; then
  echo "error: $verb needs root: sudo $0 $verb" >&2
  exit 1
fi
mkdir -p "$(dirname "$log_file")"
if [ "$verb" = recover ] && [ ! -e "$home/switching" ]; then exit 0; fi
if ! lock; then
  if [ "$verb" = recover ]; then exit 0; fi # it is not interrupted, it runs
  fail "another update is running on this host; wait for it (it logs to $log_file)"
fi
"$verb" "$@"
