#!/usr/bin/env bash
# Says whether the scheduler and the OAuth web server work, one line each; with `publish` also to CloudWatch, as metric
# Healthy (1 or 0) in Landfall/XScheduler. A dead host publishes nothing, which its alarms take for a fault.
#
# usage: health.sh check|publish
# Exit code: 0 both are healthy (publish: the metric was put), 1 otherwise, 2 wrong usage.
#
# The scheduler may touch the file that HEARTBEAT_FILE names; once it has, it must do so at least every
# HEARTBEAT_MAX_AGE seconds.
set -euo pipefail

ROOT=${ROOT:-}
HEALTH_PATH=${HEALTH_PATH:-/}
HEARTBEAT_MAX_AGE=${HEARTBEAT_MAX_AGE:-300}
settings=$ROOT/etc/landfall/host.env
heartbeat=$ROOT/var/lib/x-scheduler/heartbeat

setting() { sed -n "s/^$1=//p" "$settings" | tail -n 1; }

# Each prints what is wrong, or nothing
unit_problem() {
  local state
  state=$(systemctl is-active "$1" || true)
  if [ "$state" != active ]; then echo "$1 is ${state:-unknown}; see journalctl -u $1"; fi
}

scheduler_problem() {
  local problem age
  problem=$(unit_problem x-scheduler.service)
  if [ -z "$problem" ] && [ -e "$heartbeat" ]; then
    age=$(($(date +%s) - $(stat -c %Y "$heartbeat")))
    if [ "$age" -gt "$HEARTBEAT_MAX_AGE" ]; then problem="its last heartbeat was $age s ago"; fi
  fi
  echo "$problem"
}

web_problem() {
  local problem url answer
  problem=$(unit_problem x-scheduler-oauth-web.service)
  if [ -z "$problem" ]; then
    url=http://127.0.0.1:$(setting OAUTH_PORT)$HEALTH_PATH
    # Any answer but a server's own error: which pages there are is the application's affair
    answer=$(curl --silent --output /dev/null --max-time 5 --noproxy '*' --write-out '%{http_code}' "$url" || true)
    case $answer in
      [1-4]??) ;;
      000 | "") problem="no answer from $url" ;;
      *) problem="$url answers $answer" ;;
    esac
  fi
  echo "$problem"
}

report() { if [ -z "$2" ]; then echo "$1: healthy"; else echo "$1: not healthy: $2"; fi; }

metric() {
  printf '{"MetricName":"Healthy","Value":%s,"Dimensions":[{"Name":"Environment","Value":"%s"},{"Name":"Service","Value":"%s"}]}' \
    "$([ -z "$2" ] && echo 1 || echo 0)" "$environment" "$1"
}

case "$#:${1:-}" in 1:check | 1:publish) ;; *)
  echo "usage: health.sh check|publish" >&2
  exit 2
  ;;
esac

scheduler=$(scheduler_problem)
web=$(web_problem)
report x-scheduler "$scheduler"
report x-scheduler-oauth-web "$web"
if [ "$1" = check ]; then
  [ -z "$scheduler$web" ]
  exit
fi

# /stage/x-scheduler/ belongs to stage
environment=$(setting PARAMETER_STORE_PREFIX | cut -d / -f 2)
aws cloudwatch put-metric-data --region "$(setting AWS_REGION)" --namespace Landfall/XScheduler \
  --metric-data "[$(metric x-scheduler "$scheduler"),$(metric x-scheduler-oauth-web "$web")]"
