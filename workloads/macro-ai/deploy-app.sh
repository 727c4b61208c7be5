#!/bin/bash
# Deploys releases of the Macro AI API on this host, where it is /opt/macro-ai/deploy.sh. `deploy.sh --help` lists the verbs.
#
# A directory in releases/ whose name has no leading dot is complete; everything unfinished is in releases/.tmp-*. The link
# `current` changes by one rename. So a run killed anywhere leaves a complete release in `current`, and the next run cleans up.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/local/bin
umask 027
# A closed SSH connection must not end a deployment half way
trap '' HUP PIPE

ROOT=${ROOT:-}
settings=$ROOT/etc/landfall/host.env
# shellcheck source=/dev/null
if [ -r "$settings" ]; then . "$settings"; fi

base=$ROOT/opt/macro-ai
releases=$base/releases
current=$base/current
restart_due=$base/.restart-due # while the service may run another than `current`
lock_file=$ROOT/run/macro-ai-deploy.lock
log_file=$ROOT/var/log/user-data.log
service=macro-ai.service
port=${PORT:-3030}
keep=${KEEP_RELEASES:-5}
health_seconds=${HEALTH_SECONDS:-90} # until a release must answer
lock_seconds=${LOCK_SECONDS:-5}      # for another run to end
min_free_mb=${MIN_FREE_MB:-300}      # on disk, before anything is downloaded
poll_seconds=${POLL_SECONDS:-15}     # between two looks at the release pointer
wait_seconds=${WAIT_SECONDS:-86400}  # for the first release, while the load balancer waits for this instance
app_user=${APP_USER:-macroai}

work=       # directory of the unfinished
unverified= # release in `current` that has not answered yet
fallback=   # release to go back to if it does not
rehearsal=  # process group of a release that is only tried
taken=      # what the release pointer named when this run began to take it
last_step=

usage() {
  cat <<'END'
Usage: sudo /opt/macro-ai/deploy.sh VERB

  deploy --artifact-url URL --version V --environment E [--sha256 HEX]
                     Deploys a tar.gz archive with package.json, dist/ and package-lock.json or pnpm-lock.yaml.
                     URL: s3://bucket/key[?versionId=ID], https://… or file:///path
                     With the SHA-256 of a release that has served here, takes that one.
  current            Deploys the release that the environment's release pointer names, unless it is here already
  rollback           Goes back to the release before the current one
  verify             Rehearses a rollback beside the running service: starts the release before the current one on
                     another port; and fetches the artifacts of both anew, to see that a new host could
  list               The releases on this host
  status             The current release, the service and its health; exit code 1 unless healthy
  cleanup [--keep N] Removes leftovers and old releases, never the current and the one before

Exit codes: 0 done, 1 failed (the earlier release serves), 2 wrong usage. Log: /var/log/user-data.log
END
}

# --- messages

record() {
  printf '%s deploy.sh: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" >>"$log_file" || true
} 2>/dev/null

say() {
  record "$1"
  printf '%s\n' "$1" 2>/dev/null || true
}

fail() {
  record "ERROR $1"
  printf 'deploy.sh: %s\n' "$1" >&2 || true
  exit 1
}

wrong_usage() {
  printf 'deploy.sh: %s\nSee deploy.sh --help\n' "$1" >&2
  exit 2
}

# Begins a step. In a scratch root a test may end the script after a named one, as a power cut would.
step() {
  if [ -n "$ROOT" ] && [ -n "$last_step" ] && [ "${KILL_AFTER:-}" = "$last_step" ]; then kill -KILL $$; fi
  last_step=$1
  if [ -n "${2:-}" ]; then say "$1: $2"; fi
}

free_mb() { df -Pm "$releases" | awk 'NR == 2 { print $4 }'; }

# attempt WHAT COMMAND…: its output is shown only when it fails. The command is this script's direct child, for --pdeathsig.
attempt() {
  local what=$1 output
  shift
  if output=$(exec "$@" 2>&1 </dev/null 9>&-); then return; fi # without the lock
  # The end of a long output tells most
  if [ "${#output}" -gt 2000 ]; then output=…${output: -2000}; fi
  case "$(free_mb) $output" in
    [0-3]\ * | *"No space left on device"* | *ENOSPC*)
      fail "$what failed: the disk is full ($(free_mb) MB free in $releases). Nothing was changed. \`deploy.sh cleanup --keep 2\` removes old releases.
$output"
      ;;
  esac
  fail "$what failed${output:+:
$output}"
}

# --- what is on the host

# release_value RELEASE NAME: from what was noted when it was unpacked
release_value() { sed -n "s/^$2=//p" "$releases/$1/.release" 2>/dev/null || true; }

current_release() {
  local target
  target=$(readlink "$current" 2>/dev/null) || return 0
  if [ -d "$current/" ]; then basename "$target"; fi
}

is_healthy_release() { [ -n "$1" ] && [ -e "$releases/$1/.healthy" ]; }

# The newest release that has ever answered, from the given one back
last_healthy() {
  local release=$1
  while [ -n "$release" ] && [ -d "$releases/$release" ]; do
    if is_healthy_release "$release"; then
      echo "$release"
      return
    fi
    release=$(release_value "$release" previous)
  done
}

previous_release() {
  local release
  release=$(current_release)
  if [ -n "$release" ]; then last_healthy "$(release_value "$release" previous)"; fi
}

all_releases() { find "$releases" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%f\n' | sort; }

describe() { echo "$1 (version $(release_value "$1" version))"; }

# The address that the load balancer asks: an application that listens on loopback alone serves nobody
address=${HEALTH_ADDRESS:-}
if [ -z "$address$ROOT" ]; then address=$(ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p' || true); fi
address=${address:-127.0.0.1}

health_url() { echo "http://$address:$1/api/health"; }

# 200 alone, as the load balancer wants it: a redirect would pass curl
answers() {
  [ "$(curl --silent --noproxy '*' --output /dev/null --max-time 5 --write-out '%{http_code}' "$(health_url "$1")")" = 200 ]
}

# becomes_healthy PORT [PROCESS]: two good answers in a row, as a release that crashes may give one
becomes_healthy() {
  local deadline=$((SECONDS + health_seconds)) good=0
  while [ "$SECONDS" -lt "$deadline" ]; do
    if answers "$1"; then good=$((good + 1)); else good=0; fi
    if [ -n "${2:-}" ] && ! kill -0 "$2" 2>/dev/null; then return 1; fi
    if [ "$good" -ge 2 ]; then return 0; fi
    sleep 1
  done
  return 1
}

# --- one run at a time, and no leftovers

take_lock() {
  [ -n "$ROOT" ] || [ "$(id -u)" = 0 ] || fail "must run as root: sudo $0 $1"
  [ -d "$releases" ] || fail "there is no $releases. Has this host been set up? See $log_file"
  exec 9>>"$lock_file"
  flock --wait "$lock_seconds" 9 ||
    fail "another run holds the lock: $(cat "$lock_file"). Try again when it has ended."
  echo "deploy.sh $*, process $$, by ${SUDO_USER:-$(id -un)}, since $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$lock_file" || true
  trap on_exit EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  rm -rf "$releases"/.tmp-* "$base/.current-next"
}

# Commands that must end when this script is killed, lest they write into what the next run cleans up
contained=(setpriv --pdeathsig KILL --)

# Makes $work, which is root's: what the app's user may write in is app/ and home/, where nothing of ours is written.
# $as_app with $app_environment runs a command there as that user, with none of our environment.
make_work() {
  local user=()
  if [ -n "$work" ]; then rm -rf "$work"; fi
  work=$(mktemp -d "$releases/.tmp-XXXXXXXX") || fail "cannot write to $releases ($(free_mb) MB free)"
  mkdir "$work/app" "$work/home"
  chmod 0711 "$work"
  if [ "$(id -u)" = 0 ]; then
    if id -u "$app_user" >/dev/null 2>&1; then
      user=(--reuid "$app_user" --regid "$(id -gn "$app_user")" --init-groups --no-new-privs)
      chown "$app_user:" "$work/app" "$work/home"
    elif [ -z "$ROOT" ]; then
      fail "there is no user $app_user. Has this host been set up? See $log_file"
    fi
  fi
  as_app=(setpriv "${user[@]}" --pdeathsig KILL -- env -i --chdir="$work/app")
  app_environment=("PATH=$PATH" "HOME=$work/home" LC_ALL=C)
}

# A removal that is interrupted must not leave half a release under its name
remove_release() {
  mv -T "$releases/$1" "$releases/.tmp-old-$1" && rm -rf "$releases/.tmp-old-$1"
}

prune() {
  local release here previous count
  here=$(current_release)
  previous=$(previous_release)
  count=$(all_releases | wc -l)
  for release in $(all_releases); do
    if [ "$release" = "$here" ] || [ "$release" = "$previous" ]; then continue; fi
    if [ "$count" -le "$keep" ] && is_healthy_release "$release"; then continue; fi
    remove_release "$release"
    say "removed old release $release"
    count=$((count - 1))
  done
}

on_exit() {
  local code=$?
  set +e
  trap '' TERM INT
  if [ -n "$rehearsal" ]; then kill -KILL -- "-$rehearsal" 2>/dev/null; fi
  if [ -n "$work" ]; then rm -rf "$work"; fi # first, as a full disk has no room for the link
  if [ -n "$unverified" ]; then go_back; fi
  : >"$lock_file"
  if [ -n "$taken" ] && [ "$code" -lt 128 ]; then follow; fi
  exit "$code"
}

# --- switching

point_to() {
  touch "$restart_due" && ln -sfnT "releases/$1" "$base/.current-next" && mv -fT "$base/.current-next" "$current" && sync -f "$base"
}

# Without the lock, which a service started here would keep
restart_service() { systemctl restart "$service" 9>&- && rm -f "$restart_due"; }

go_back() {
  local failed=$unverified
  unverified=
  if [ -z "$fallback" ]; then
    record "ERROR no earlier release to go back to"
    echo "deploy.sh: there is no earlier release to go back to: $failed stays current, and the service keeps trying." >&2
    return
  fi
  point_to "$fallback" || echo "deploy.sh: cannot change $current" >&2
  if restart_service && becomes_healthy "$port"; then
    touch "$releases/$fallback/.healthy"
    say "rolled back: $(describe "$fallback") serves again"
  else
    record "ERROR $fallback does not answer either"
    echo "deploy.sh: went back to $fallback, which does not answer either. See journalctl -u $service and /var/log/macro-ai/error.log" >&2
  fi
  if [ "$(current_release)" = "$fallback" ] && ! is_healthy_release "$failed"; then remove_release "$failed"; fi
}

# switch_to RELEASE: or back to $fallback, by on_exit
switch_to() {
  step switch "to $(describe "$1")"
  unverified=$1
  point_to "$1" || fail "cannot change $current"
  step restart "$service"
  restart_service || fail "$service does not start. See journalctl -u $service and /var/log/macro-ai/error.log"
  step health "waiting up to $health_seconds s for $(health_url "$port")"
  becomes_healthy "$port" ||
    fail "$(describe "$1") did not answer $(health_url "$port") within $health_seconds s: it must listen on all addresses. See /var/log/macro-ai/error.log"
  touch "$releases/$1/.healthy" || fail "cannot write to $releases/$1"
  unverified=
}

# --- a release from an archive

download() {
  local url=$1 file=$2 path version_id
  case $url in
    s3://*)
      path=${url#s3://}
      version_id=
      case $path in *\?versionId=*) version_id=${path##*\?versionId=} path=${path%%\?*} ;; esac
      attempt "downloading ${url%%\?*}" "${contained[@]}" aws s3api get-object ${AWS_REGION:+--region "$AWS_REGION"} \
        --bucket "${path%%/*}" --key "${path#*/}" ${version_id:+--version-id "$version_id"} "$file"
      ;;
    file://*)
      [ -f "${url#file://}" ] || fail "no such file: ${url#file://}"
      attempt "copying ${url#file://}" "${contained[@]}" cp -- "${url#file://}" "$file"
      ;;
    *)
      # By a file, as a URL may hold a signature
      (umask 077 && printf 'url = "%s"\n' "$url" >"$work/curl") || fail "cannot write to $work ($(free_mb) MB free)"
      attempt "downloading ${url%%\?*}" "${contained[@]}" curl --config "$work/curl" --fail --silent --show-error --location \
        --proto =https --proto-redir =https --retry 3 --connect-timeout 20 --max-time 900 --output "$file"
      ;;
  esac
}

# fetch URL VERSION ENVIRONMENT SHA256: to $work/archive. Sets $digest.
fetch() {
  download "$1" "$work/archive"
  step checksum
  digest=$(sha256sum "$work/archive")
  digest=${digest%% *}
  [ "$digest" = "${4:-$digest}" ] || fail "${1%%\?*} has SHA-256 $digest, not $4: it is damaged, or another one. Nothing was changed."
}

# Names and links as they are in the archive (-P), which tar would else make harmless in its list
list_archive() {
  tar --quoting-style=escape -P "$@" 2>"$work/errors" ||
    fail "the artifact is no complete tar.gz archive: $(tail -n 1 "$work/errors")"
}

# Refuses an archive by its table of contents alone. Sets $unpacked_mb.
inspect() {
  local archive=$1 what
  list_archive -tzf "$archive" >"$work/names"
  list_archive --numeric-owner -tvzf "$archive" >"$work/entries"
  what=$(awk '
    function outside(path,   parts, n, i, depth) {
      if (path ~ /^\//) return 1
      n = split(path, parts, "/")
      for (i = 1; i <= n; i++) {
        if (parts[i] == "..") depth--
        else if (parts[i] != "" && parts[i] != ".") depth++
        if (depth < 0) return 1
      }
      return 0
    }
    function refuse(why) { print why; exit }
    NR == FNR { name[FNR] = $0; next }
    {
      path = name[FNR]; type = substr($0, 1, 1)
      if (path ~ /^\//) refuse("absolute path: " path)
      if (path ~ /(^|\/)\.\.(\/|$)/) refuse("path with ..: " path)
      if (type !~ /[-dlh]/) refuse("neither file, directory nor link: " path)
      if (type == "l") {
        target = substr($0, index($0, " " path " -> ") + length(path) + 5)
        folder = path; if (!sub(/\/[^\/]*$/, "", folder)) folder = ""
        if (target ~ /^\// || outside(folder "/./" target) && outside("./" folder "/" target)) refuse("link out of the archive: " path " -> " target)
      }
      if (type == "h") {
        target = substr($0, index($0, " " path " link to ") + length(path) + 10)
        if (outside(target)) refuse("link out of the archive: " path " -> " target)
      }
    }' "$work/names" "$work/entries")
  [ -z "$what" ] || fail "the artifact is refused, $what"
  grep -qxE '(\./)?package\.json' "$work/names" || fail "the artifact has no package.json"
  grep -qE '^(\./)?dist/' "$work/names" || fail "the artifact has no dist/"
  grep -qxE '(\./)?(package-lock\.json|pnpm-lock\.yaml)' "$work/names" ||
    fail "the artifact has neither package-lock.json nor pnpm-lock.yaml: without one a release cannot be installed twice alike"
  unpacked_mb=$(awk '{ bytes += $3 } END { print int(bytes / 1048576) + 1 }' "$work/entries")
  [ "$unpacked_mb" -lt "$(free_mb)" ] ||
    fail "the artifact needs $unpacked_mb MB unpacked, and $(free_mb) MB are free in $releases. Nothing was changed. \`deploy.sh cleanup --keep 2\` removes old releases."
}

# What the table of contents does not show: a link by way of another link
check_unpacked() {
  local link target
  while IFS= read -r -d '' link; do
    target=$(realpath -m -- "$link")
    case $target/ in
      "$(realpath "$work/app")"/*) ;;
      *) fail "the artifact is refused, link out of the archive: ${link#"$work/app/"}" ;;
    esac
  done < <(find "$work/app" -type l -print0)
  if [ -L "$work/app/package.json" ] || [ ! -f "$work/app/package.json" ]; then fail "the artifact's package.json is no file"; fi
  if [ -L "$work/app/dist" ] || [ ! -d "$work/app/dist" ]; then fail "the artifact's dist/ is no directory"; fi
}

# Packages' own install scripts are foreign code: only by INSTALL_SCRIPTS=yes, for an app that must compile something
install_packages() {
  local flags=(--ignore-scripts) variables
  if [ "${INSTALL_SCRIPTS:-no}" = yes ]; then flags=(); fi
  rm -rf "$work/app/node_modules"
  # A package.json that names another pnpm must not have it fetched
  variables=("${app_environment[@]}" CI=true npm_config_update_notifier=false "npm_config_cache=${NPM_CACHE:-$work/home/npm}"
    npm_config_manage_package_manager_versions=false "npm_config_store_dir=$work/home/pnpm")
  if [ -f "$work/app/package-lock.json" ]; then
    attempt "npm ci" "${as_app[@]}" "${variables[@]}" npm ci --omit=dev --no-audit --no-fund "${flags[@]}"
  else
    attempt "pnpm install" "${as_app[@]}" "${variables[@]}" pnpm install --frozen-lockfile --prod "${flags[@]}"
  fi
}

require_space() {
  [ "$(free_mb)" -ge "$min_free_mb" ] ||
    fail "$(free_mb) MB are free in $releases, $min_free_mb are needed. Nothing was changed. \`deploy.sh cleanup --keep 2\` removes old releases."
}

# unpack_release: from $work/archive to $work/app, with its packages, as it is to run
unpack_release() {
  local unpacked_mb=0
  step inspect "table of contents"
  inspect "$work/archive"
  step unpack "$unpacked_mb MB"
  chmod 0644 "$work/archive"
  attempt unpacking "${as_app[@]}" "${app_environment[@]}" tar -xzf "$work/archive" -C "$work/app" --no-same-owner --no-same-permissions
  rm -f "$work/archive"
  check_unpacked
  step install "packages from the lock file"
  heartbeat
  install_packages
  heartbeat
  if [ "$(id -u)" = 0 ] && id -u "$app_user" >/dev/null 2>&1; then
    # The folder first, while packages' scripts may run on
    chown root "$work/app"
    chmod 0750 "$work/app"
    chown -R "root:$(id -gn "$app_user")" "$work/app" # the app cannot change its own code
  fi
  chmod -R u=rwX,g=rX,o= "$work/app"
  rm -rf "$work/app/.release" "$work/app/.healthy" # of the archive's, or of its packages' scripts
  [ -z "$(find "$work/app" ! -uid "$(id -u)" -print -quit)" ] ||
    fail "the artifact is refused: its scripts run on and write"
}

# deploy_release URL VERSION ENVIRONMENT SHA256: all checked before
deploy_release() {
  local url=$1 version=$2 environment=$3 here release digest
  here=$(current_release)
  fallback=$(last_healthy "$here")

  step prepare "version $version for $environment"
  require_space
  make_work
  step download "${url%%\?*}"
  fetch "$@"
  unpack_release

  step complete
  while release=$(date -u +%Y%m%d_%H%M%S) && [ -e "$releases/$release" ]; do sleep 1; done
  printf '%s\n' "version=$version" "environment=$environment" "url=${url%%\?*}" "sha256=$digest" "previous=$fallback" \
    >"$work/release.new" || fail "cannot write to $work ($(free_mb) MB free in $releases). Nothing was changed."
  mv -T "$work/release.new" "$work/app/.release" # which follows no link
  sync -f "$work/app" || fail "cannot write to $releases. Nothing was changed."
  mv -T "$work/app" "$releases/$release"
  sync -f "$releases"

  # Where no release has ever answered, back to the one there was
  fallback=${fallback:-$here}
  switch_to "$release"
  step prune
  prune
  step "done" "$(describe "$release") serves"
  step end
}

# --- verbs

is_version() { [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$ ]]; }
is_environment() { [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,31}$ ]]; }
is_sha256() { [[ $1 =~ ^[0-9a-f]{64}$ ]]; }
is_url() {
  [[ $1 =~ ^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[][A-Za-z0-9._~:/?#@!$\&()*+,\;=%-]+$ ]] ||
    [[ $1 =~ ^https://[][A-Za-z0-9._~:/?#@!$\&()*+,\;=%-]+$ ]] || [[ $1 =~ ^file:///[^[:cntrl:]]+$ ]]
}

deploy() {
  local url='' version='' environment='' sha256=''
  while [ $# -gt 0 ]; do
    case $1 in
      --artifact-url | --version | --environment | --sha256) [ $# -ge 2 ] || wrong_usage "$1 needs a value" ;;
    esac
    case $1 in
      --artifact-url) url=$2 ;;
      --version) version=$2 ;;
      --environment) environment=$2 ;;
      --sha256) sha256=${2,,} ;;
      *) wrong_usage "unknown option $1" ;;
    esac
    shift 2
  done
  is_url "$url" || wrong_usage "--artifact-url must be s3://bucket/key, https://… or file:///path"
  is_version "$version" || wrong_usage "--version must be letters, digits and . _ + -, at most 100, beginning with a letter or digit"
  is_environment "$environment" || wrong_usage "--environment must be small letters, digits and -, at most 32"
  [ -z "$sha256" ] || is_sha256 "$sha256" || wrong_usage "--sha256 must be 64 hexadecimal digits"
  take_lock "deploy --version $version"
  take_release "$url" "$version" "$environment" "$sha256"
}

read_pointer() {
  aws ssm get-parameter ${AWS_REGION:+--region "$AWS_REGION"} --name "$RELEASE_PARAMETER" \
    --query Parameter.Value --output text
}

# Set-up is waiting for a release only on an instance that its Auto Scaling group holds back
is_held_back() { [ -n "${LIFECYCLE_HOOK:-}" ] && [ ! -e "$ROOT/home/ec2-user/.setup_complete" ]; }

# Where this instance is held back, its group waits on
heartbeat() {
  is_held_back || return 0
  aws autoscaling record-lifecycle-action-heartbeat ${AWS_REGION:+--region "$AWS_REGION"} \
    --lifecycle-hook-name "$LIFECYCLE_HOOK" --auto-scaling-group-name "$AUTO_SCALING_GROUP" \
    --instance-id "$(cat "$ROOT/var/lib/cloud/data/instance-id")" ||
    record "WARNING no heartbeat for $LIFECYCLE_HOOK"
}

# wait_for_pointer: sets $pointer, empty where there is no release and nothing waits for one
wait_for_pointer() {
  local errors=0 deadline=$((SECONDS + wait_seconds))
  while true; do
    if pointer=$(read_pointer); then
      errors=0
      if [ "$pointer" != none ]; then return; fi
      pointer=
      is_held_back || return 0
      if [ "$SECONDS" -ge "$deadline" ]; then fail "no release within $wait_seconds s. Ship one: ./landfall release"; fi
      record "waiting for the first release in $RELEASE_PARAMETER"
    else
      errors=$((errors + 1))
      [ "$errors" -lt 10 ] || fail "cannot read $RELEASE_PARAMETER, see above"
    fi
    heartbeat
    sleep "$poll_seconds"
  done
}

# kept_release VERSION SHA256: the newest on this host that has ever answered
kept_release() {
  local release
  for release in $(all_releases | sort -r); do
    if is_healthy_release "$release" && [ "$(release_value "$release" sha256)" = "$2" ] &&
      [ "$(release_value "$release" version)" = "$1" ]; then
      echo "$release"
      return
    fi
  done
}

# take_release URL VERSION ENVIRONMENT SHA256: deploys it, unless it is here. Going back to one that is needs no download,
# and leaves the releases in their order.
take_release() {
  local here kept=
  here=$(current_release)
  if [ -n "$4" ]; then kept=$(kept_release "$2" "$4"); fi
  if [ -n "$kept" ] && [ "$kept" = "$here" ] && [ ! -e "$restart_due" ] && answers "$port"; then
    say "$(describe "$here") serves already"
  elif [ -n "$kept" ] && { [ "$kept" != "$here" ] || [ -e "$restart_due" ]; }; then
    fallback=$here
    switch_to "$kept"
    say "$(describe "$kept") serves, which was here already"
  else
    deploy_release "$@"
  fi
}

require_release() {
  if [ $# != 4 ] || ! is_url "$1" || ! is_version "$2" || ! is_environment "$3" || ! is_sha256 "$4"; then
    fail "$RELEASE_PARAMETER must be JSON with version, environment, url and sha256"
  fi
}

# parse_pointer: sets $fields to what take_release takes, and $before to the same of the release before, if one is named
parse_pointer() {
  mapfile -t fields < <(node -e '
    const { previous = [], ...current } = JSON.parse(process.argv[1]);
    for (const { url = "", version = "", environment = "", sha256 = "" } of [current, ...previous.slice(0, 1)])
      console.log([url, version, environment, sha256.toLowerCase()].join("\n"));' "$pointer" 2>/dev/null)
  before=("${fields[@]:4}") fields=("${fields[@]:0:4}")
  require_release "${fields[@]}"
}

deploy_current() {
  local pointer fields before
  [ -n "${RELEASE_PARAMETER:-}" ] || fail "no RELEASE_PARAMETER in $settings"
  take_lock current
  wait_for_pointer
  if [ -z "$pointer" ]; then
    say "there is no release yet ($RELEASE_PARAMETER is \"none\")"
    return
  fi
  parse_pointer
  taken=$pointer
  take_release "${fields[@]}"
}

# Whoever changed the pointer meanwhile may not have seen this host, or has mended what failed here
follow() {
  local now
  if ! now=$(read_pointer); then
    record "WARNING cannot read $RELEASE_PARAMETER again"
    return
  fi
  if [ "$now" = "$taken" ] || [ "$now" = none ]; then return; fi
  say "$RELEASE_PARAMETER has changed meanwhile"
  [ "${FOLLOWED:-0}" -lt 3 ] || fail "$RELEASE_PARAMETER changes again and again. Run deploy.sh current when nobody ships"
  trap - EXIT TERM INT
  FOLLOWED=$((${FOLLOWED:-0} + 1)) exec "$BASH" "$0" current
}

rollback() {
  local here target
  take_lock rollback
  here=$(current_release)
  target=$(previous_release)
  [ -n "$target" ] || fail "there is no earlier release to roll back to. Nothing was changed."
  fallback=$here
  switch_to "$target"
  say "rolled back from $here: $(describe "$target") serves"
  if [ -n "${RELEASE_PARAMETER:-}" ]; then
    say "$RELEASE_PARAMETER is as it was: new instances get what it names"
  fi
}

# Nothing of the running service is touched; the app must bear two of it for some seconds
verify() {
  local here pointer='' fields=() before=() digest result=0
  take_lock verify
  here=$(current_release)
  [ -n "$here" ] || fail "no release has been deployed"
  if answers "$port"; then say "ok: $(describe "$here") answers"; else
    say "FAILED: $(describe "$here") does not answer" && result=1
  fi
  if [ -n "${RELEASE_PARAMETER:-}" ]; then pointer=$(read_pointer) || fail "cannot read $RELEASE_PARAMETER, see above"; fi
  if [ -n "$pointer" ] && [ "$pointer" != none ]; then parse_pointer; fi
  make_work
  verify_previous
  if [ "$pointer" = none ]; then
    say "FAILED: $RELEASE_PARAMETER names no release: a new host would be empty"
    result=1
  elif [ -n "$pointer" ]; then
    fetch "${fields[@]}"
    say "ok: the artifact of version ${fields[1]}, from which a new host comes up, is there and whole"
  fi
  exit "$result"
}

# What a rollback takes: the release that the pointer names before the current one; without a pointer, the one before on this
# host. Sets $result to 1 where it would fail.
verify_previous() {
  local previous
  if [ "${#before[@]}" = 0 ]; then
    previous=$(previous_release)
    if [ -z "$previous" ]; then
      say "FAILED: there is no earlier release to roll back to" && result=1
    elif [ -n "$pointer" ]; then
      say "FAILED: $RELEASE_PARAMETER names no earlier release to roll back to; deploy.sh rollback takes this host alone to $(describe "$previous")"
      result=1
    else
      rehearse "$releases/$previous" "$(describe "$previous")" || result=1
    fi
    return
  fi
  require_release "${before[@]}"
  require_space
  fetch "${before[@]}"
  say "ok: the artifact of version ${before[1]}, from which other hosts go back, is there and whole"
  previous=$(kept_release "${before[1]}" "${before[3]}")
  if [ -n "$previous" ]; then
    rehearse "$releases/$previous" "$(describe "$previous")" || result=1
  else
    unpack_release
    rehearse "$work/app" "version ${before[1]}, which is not on this host yet," || result=1
  fi
}

# rehearse FOLDER NAME: starts the release in it on a free port beside the service
rehearse() {
  local folder=$1 name=$2 spare entry variables result=0
  spare=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
  entry=$(RELEASE=$folder node -p 'require(process.argv[1]).apps[0].script' "$base/ecosystem.config.js")
  mapfile -t variables < <(grep -E '^[A-Z_]+=' "$settings" 2>/dev/null)
  touch "$work/output"
  # In a process group of its own, which ends as a whole
  setsid "${as_app[@]}" --chdir="$folder" "${app_environment[@]}" "${variables[@]}" "PORT=$spare" node "$entry" \
    >"$work/output" 2>&1 </dev/null 9>&- &
  rehearsal=$!
  if becomes_healthy "$spare" "$rehearsal"; then
    say "ok: $name answers on port $spare: a rollback would work"
  else
    say "FAILED: $name does not answer within $health_seconds s: $(tail -n 20 "$work/output")" && result=1
  fi
  kill -TERM -- "-$rehearsal" 2>/dev/null || true
  for _ in 1 2 3 4 5; do
    kill -0 -- "-$rehearsal" 2>/dev/null || break
    sleep 1
  done
  kill -KILL -- "-$rehearsal" 2>/dev/null || true
  wait "$rehearsal" 2>/dev/null || true
  rehearsal=
  return "$result"
}

list_releases() {
  local release here previous state
  here=$(current_release)
  previous=$(previous_release)
  printf '%-16s %-22s %-14s %s\n' RELEASE STATE ENVIRONMENT VERSION
  for release in $(all_releases | sort -r); do
    case $release in
      "$here") state=current ;;
      "$previous") state=previous ;;
      *) state=kept ;;
    esac
    is_healthy_release "$release" || state="$state, never healthy"
    printf '%-16s %-22s %-14s %s\n' "$release" "$state" "$(release_value "$release" environment)" \
      "$(release_value "$release" version)"
  done
}

status() {
  local here healthy=no
  here=$(current_release)
  if answers "$port"; then healthy=yes; fi
  if [ -n "$here" ]; then echo "release: $(describe "$here")"; else echo "release: none"; fi
  echo "service: $(systemctl is-active "$service" 2>/dev/null || true)"
  echo "healthy: $healthy ($(health_url "$port"))"
  echo "free:    $(free_mb) MB in $releases"
  [ "$healthy" = yes ]
}

cleanup() {
  if [ $# -gt 0 ]; then
    if [ "$1" != --keep ] || ! [[ ${2:-} =~ ^[1-9][0-9]?$ ]] || [ $# != 2 ]; then
      wrong_usage "cleanup takes --keep N, from 1 to 99"
    fi
    keep=$2
  fi
  take_lock cleanup
  prune
  say "kept $(all_releases | wc -l) releases, $(free_mb) MB free"
}

[[ $keep =~ ^[1-9][0-9]?$ ]] || fail "KEEP_RELEASES in $settings must be from 1 to 99, not $keep"
verb=${1:-}
if [ $# -gt 0 ]; then shift; fi
case $verb in deploy | cleanup) ;; *) [ $# = 0 ] || wrong_usage "$verb takes no options" ;; esac
case $verb in
  deploy) deploy "$@" ;;
  current) deploy_current ;;
  rollback) rollback ;;
  verify) verify ;;
  list) list_releases ;;
  status) status ;;
  cleanup) cleanup "$@" ;;
  -h | --help | help) usage ;;
  '') wrong_usage "no verb" ;;
  *) wrong_usage "unknown verb $verb" ;;
esac
