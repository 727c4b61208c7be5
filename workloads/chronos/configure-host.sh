#!/usr/bin/env bash
# Brings a Chronos host to a git ref and its settings, and installs where something changed. Run again with the same, it
# writes and restarts nothing; run after a failure or a lost connection, it takes up what was left.
#
# Reads its orders from stdin, a line each, ended by a line "end"; all values in base64, so that none is ever an argument:
#   set NAME VALUE                    directory, repository, ref, install, service, wait (seconds for the first boot)
#   file PATH SAMPLE                  a file of the checkout; what SAMPLE ("-" for none) has beyond the entries is kept
#   entry PATH NAME VALUE             an entry of it, as it is written there
# Tells what it does on stdout, a line each, after "landfall: ":
#   step TEXT | ref OLD NEW | changed PATH NAME... | mode PATH | installed | done | failed STEP TEXT
# By hand: configure-host.sh <orders
set -euo pipefail

setup=${ROOT:-}/usr/local/sbin/setup-host
setup_log=${ROOT:-}/var/log/setup-host.log

main() {
  umask 077
  receive
  state=$HOME/.landfall/$directory
  mkdir -p "$state"
  take_lock
  wait_for_setup
  update_checkout
  write_files
  install_if_needed
  say 'done'
}

# A login shell's own output has no such prefix
say() { printf 'landfall: %s\n' "$*"; }

fail() { # STEP TEXT
  say failed "$1" "$2"
  exit 1
}

decode() { base64 -d <<<"$1"; }

# Takes all orders before anything is done: where the connection is lost meanwhile, nothing is.
receive() {
  local order name rest ended=
  files=() # "PATH SAMPLE"
  entries=() # "PATH NAME VALUE", the value still in base64
  directory='' repository='' ref='' install='' service='' wait=0
  while IFS=' ' read -r order name rest; do
    case $order in
      set) settle "$name" "$(decode "$rest")" ;;
      file) files+=("$name $rest") ;;
      entry) entries+=("$name $rest") ;;
      end) ended=1 && break ;;
      *) fail receive "an order that this script does not know: $order" ;;
    esac
  done
  [ -n "$ended" ] || fail receive "the orders are not complete"
}

settle() { # NAME VALUE
  case $1 in
    directory) directory=$2 ;;
    repository) repository=$2 ;;
    ref) ref=$2 ;;
    install) install=$2 ;;
    service) service=$2 ;;
    wait) wait=$2 ;;
    *) fail receive "a setting that this script does not know: $1" ;;
  esac
}

# The kernel gives the lock back when the holder ends, however it ends.
take_lock() {
  exec 9>"$state/lock"
  if ! flock --nonblock 9; then
    say step "waiting for another run on this host"
    flock --timeout 900 9 || fail lock "another run has held $state/lock for 15 minutes"
  fi
}

# The marker is the last act of a host's first boot; a machine that is not ours has none.
wait_for_setup() {
  local deadline=$((SECONDS + wait)) told=
  while [ "$wait" -gt 0 ] && [ ! -e "$HOME/.setup_complete" ]; do
    if [ -e "$HOME/.setup_failed" ]; then
      set_up_again
      break
    fi
    [ "$SECONDS" -lt "$deadline" ] ||
      fail setup "no $HOME/.setup_complete after $wait s; see /var/log/cloud-init-output.log and $setup_log there"
    [ -n "$told" ] || say step "waiting for the first boot"
    told=1
    sleep 1
  done
  command -v git >/dev/null || fail setup "git is not installed"
}

failed_step() { head -n 1 "$HOME/.setup_failed" | tr -d '\r'; }

# What failed may have passed, such as a fault of a server that tools come from; set-up may be run at any time.
set_up_again() {
  say step "the first boot failed: $(failed_step); setting the host up again"
  # shellcheck disable=SC2016 # it is that shell that expands them, as root, who owns the log
  if [ -x "$setup" ] &&
    (umask 022 && as_root sh -c 'exec "$0" >>"$1" 2>&1' "$setup" "$setup_log") </dev/null 9>&- &&
    [ -e "$HOME/.setup_complete" ]; then
    return
  fi
  as_root tail -n 20 "$setup_log" >&2 2>/dev/null || true
  fail setup "the first boot failed: $(failed_step); its log on the host: $setup_log. When the cause is mended, run this again, or by hand there: sudo $setup"
}

# From the first change to the end of the installation, so that whatever comes between, the next run installs.
mark_pending() { : >"$state/pending"; }

checkout_git() { git -C "$HOME/$directory" -c advice.detachedHead=false "$@"; }

update_checkout() {
  local checkout=$HOME/$directory old new
  say step "fetching $ref"
  # What is checked out is read by containers and services of other users
  umask 022
  git init --quiet "$checkout" 2>>"$state/git.log"
  find "$checkout/.git" -name '*.lock' -type f -delete # of a killed run: ours is the only one now
  checkout_git config remote.origin.url "$repository"
  checkout_git config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
  fetch
  new=$(resolve) || fail fetch "$repository has no branch, tag or commit $ref"
  old=$(checkout_git rev-parse --verify --quiet HEAD) || old=none
  if [ "$old" != "$new" ]; then
    mark_pending
    save_local_changes "$old"
    checkout_git checkout --quiet --force --detach "$new" 2>>"$state/git.log" || git_failed checkout
    say ref "$old" "$new"
  elif ! local_changes --quiet; then
    mark_pending
    save_local_changes "$old"
    local_changes --name-only -z | checkout_git checkout --quiet --force HEAD --pathspec-from-file=- --pathspec-file-nul
    say ref "$old+local" "$new"
  fi
  if [ -e "$checkout/.gitmodules" ]; then
    # A host has no key of its own for GitHub
    checkout_git -c url.https://github.com/.insteadOf=git@github.com: submodule --quiet update --init --recursive --force \
      2>>"$state/git.log" || git_failed submodules
  fi
  umask 077
}

fetch() {
  : >"$state/git.log"
  GIT_TERMINAL_PROMPT=0 checkout_git fetch --quiet --force --prune --tags origin 2>>"$state/git.log" </dev/null ||
    git_failed fetch
}

git_failed() { fail "$1" "git says: $(tail -n 1 "$state/git.log")"; }

# The commit of a branch, else of a tag, else the commit itself, which a server may hand out though no branch has it.
resolve() {
  local name
  for name in "refs/remotes/origin/$ref" "refs/tags/$ref"; do
    checkout_git rev-parse --verify --quiet "$name^{commit}" && return
  done
  [[ $ref =~ ^[0-9a-fA-F]{7,64}$ ]] || return 1
  checkout_git rev-parse --verify --quiet "$ref^{commit}" && return
  checkout_git fetch --quiet origin "$ref" 2>>"$state/git.log" </dev/null || return 1
  checkout_git rev-parse --verify --quiet "$ref^{commit}"
}

# Compares tracked files, ours aside, with HEAD.
local_changes() {
  local ours=() file
  for file in "${files[@]}"; do ours+=(":(exclude)${file%% *}"); done
  checkout_git diff --no-ext-diff "$@" HEAD -- . "${ours[@]}"
}

# Changes that somebody made on the host do not block, and are not lost either.
save_local_changes() { # COMMIT
  [ "$1" = none ] || local_changes --quiet || (umask 077 && local_changes --binary >"$state/local-changes.patch")
}

write_files() {
  local file
  say step "writing settings"
  for file in "${files[@]}"; do write_file "${file%% *}" "${file#* }"; done
}

# Puts a file together in the state folder, and in its place only where it differs.
write_file() { # PATH SAMPLE
  local path=$1 sample=$2 target=$HOME/$directory/$1 hashes=$state/${1//\//%} new=$state/new.landfall.file names beside
  : >"$new" # mode 0600 by the umask, or from a killed run
  names=$(put_together "$path" "$sample" "$new" "$hashes.new")
  if [ -f "$target" ] && cmp -s "$new" "$target"; then
    [ "$(stat -c %a "$target")" = 600 ] || { chmod 0600 "$target" && say mode "$path"; }
  else
    mark_pending
    [ -e "$target" ] || names='(new)'
    (umask 022 && mkdir -p "$(dirname "$target")")
    rm -f "$target".landfall.* # of a killed run
    beside=$(mktemp "$target.landfall.XXXXXX") # mode 0600 from the start
    cp "$new" "$beside"
    mv -f "$beside" "$target"
    # shellcheck disable=SC2086 # one word each
    say changed "$path" ${names:-(edited)}
  fi
  rm -f "$new"
  mv -f "$hashes.new" "$hashes"
}

# Writes entries and what the sample has beyond them, and prints the names of those that are not what they were.
put_together() { # PATH SAMPLE NEW HASHES
  local path=$1 sample=$HOME/$directory/$2 new=$3 hashes=$4 entry name value own=' ' line
  : >"$hashes"
  for entry in "${entries[@]}"; do
    [ "${entry%% *}" = "$path" ] || continue
    read -r _ name value <<<"$entry"
    decode "$value" >>"$new"
    remember "$name" "$value" >>"$hashes"
    own+="$name "
  done
  if [ "$2" != - ] && [ -f "$sample" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      line=${line%$'\r'}
      [[ $line =~ ^(export\ +)?([A-Za-z_][A-Za-z0-9_]*)= ]] || continue
      name=${BASH_REMATCH[2]}
      [[ $own != *" $name "* ]] || continue
      printf '%s\n' "$line" >>"$new"
      remember "$name" "$line" >>"$hashes"
    done <"$sample"
  fi
  touch "${hashes%.new}"
  # Lines of either alone, by name
  sort "$hashes" "${hashes%.new}" | uniq -u | cut -d ' ' -f 1 | sort -u | tr '\n' ' '
}

remember() { # NAME VALUE
  printf '%s %s\n' "$1" "$(printf '%s' "$2" | sha256sum | cut -c 1-64)"
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_if_needed() {
  [ -e "$state/pending" ] || return 0
  local script=$HOME/$directory/$install
  [ -f "$script" ] || fail install "there is no $install at $ref"
  say step "running $install"
  # Its output may hold settings: it stays here, for the owner's eyes. PI_USER is whom the edge server runs as.
  if ! (umask 022 && cd "$(dirname "$script")" && as_root env PI_USER="$(id -un)" bash "$script") \
    >"$state/install.log" 2>&1 </dev/null 9>&-; then
    tail -n 20 "$state/install.log" >&2
    fail install "$install failed; its log on the host: $state/install.log"
  fi
  if [ -d /run/systemd/system ] && systemctl is-failed --quiet "$service"; then
    fail install "$service does not run; see journalctl -u $service"
  fi
  rm -f "$state/pending"
  say installed
}

# In one line: what follows on stdin is orders, and bash reads a script from there no further than it has run it. A lost
# connection ends the script where it next tells something, and so never in the middle of a write or of the installation.
main && exit
