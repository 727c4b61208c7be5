#!/usr/bin/env bash
# Says whether the API answers its health check, in one line; with `publish` also to CloudWatch, as metric Healthy (1 or
# 0) in Landfall/MacroAi. A dead host publishes nothing, which the alarm takes for a fault.
#
# usage: health.sh check|publish
# Exit code: 0 it is healthy (publish: the metric was put), 1 otherwise, 2 wrong usage.
set -euo pipefail

settings=${ROOT:-}/etc/landfall/host.env

setting() {
  local value
  value=$(sed -n "s/^$1=//p" "$settings" | tail -n 1)
  [ -n "$value" ] || {
    echo "error: no $1 in $settings" >&2
    return 1
  }
  echo "$value"
}

case "$#:${1:-}" in 1:check | 1:publish) ;; *)
  echo "usage: health.sh check|publish" >&2
  exit 2
  ;;
esac

port=$(setting PORT)
url=http://127.0.0.1:$port/api/health
answer=$(curl --silent --output /dev/null --max-time 5 --noproxy '*' --write-out '%{http_code}' "$url" || true)
case $answer in
  # As the load balancer of a group has it
  200) problem= ;;
  000 | "") problem="no answer from $url; see journalctl -u macro-ai" ;;
  *) problem="$url answers $answer" ;;
esac
if [ -z "$problem" ]; then echo "macro-ai: healthy"; else echo "macro-ai: not healthy: $problem"; fi
if [ "$1" = check ]; then
  [ -z "$problem" ]
  exit
fi

region=$(setting AWS_REGION)
# /stage/macro-ai/ belongs to stage
environment=$(setting PARAMETER_STORE_PREFIX | cut -d / -f 2)
value=$([ -z "$problem" ] && echo 1 || echo 0)
metric=$(printf '{"MetricName":"Healthy","Value":%s,"Dimensions":[{"Name":"Environment","Value":"%s"}]}' "$value" "$environment")
aws cloudwatch put-metric-data --region "$region" --namespace Landfall/MacroAi --metric-data "[$metric]"
