#!/usr/bin/env bash
# Connects X-Scheduler with an X account: runs `main.py --setup-oauth` of the current release, as the service's user and
# with its environment. It asks and answers on the terminal; the token goes to the DynamoDB table. Needs root.
#
# usage: setup-oauth.sh [ARGUMENT...]     arguments are handed on to main.py
set -euo pipefail

ROOT=${ROOT:-}
home=$ROOT/opt/x-scheduler

if [ "${1:-}" = --help ]; then
  sed -n '2,5s/^# \{0,1\}//p' "$0"
  exit 0
fi
if [ -z "$ROOT" ] && [ "$(id -u)" -ne 0 ]; then
  echo "error: needs root: sudo $0" >&2
  exit 1
fi
if [ ! -e "$home/current/src/main.py" ]; then
  echo "error: no release on this host yet: $home/bin/update.sh update" >&2
  exit 1
fi

terminal=--pipe
if [ -t 0 ]; then terminal=--pty; fi

"$home/bin/write-secrets.py"
# systemd reads the secrets by itself, so that they are in nobody's arguments
exec systemd-run --quiet --wait --collect "$terminal" --service-type=exec --uid=xscheduler --gid=xscheduler \
  --working-directory="$home/current" \
  --property=EnvironmentFile="$ROOT/etc/landfall/host.env" \
  --property=EnvironmentFile="$ROOT/run/x-scheduler/secrets.env" \
  --setenv=HOME=/var/lib/x-scheduler \
  --property=ProtectSystem=strict --property=NoNewPrivileges=yes --property=PrivateTmp=yes \
  --property=ReadWritePaths=/var/lib/x-scheduler --property=ReadWritePaths=/var/log/x-scheduler \
  -- "$home/current/.venv/bin/python" -u src/main.py --setup-oauth "$@"
