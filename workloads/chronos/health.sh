#!/usr/bin/env bash
# Says whether the host does what it is for, in one line: a dashboard serves its site, an edge host runs its service. With
# `publish` also to CloudWatch, as metric Healthy (1 or 0) in Landfall/Chronos; a dashboard's TLS port has one of its own,
# for sites that have no other. A dead host publishes nothing, which its alarm takes for a fault.
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

# Each prints what is wrong, or nothing
site_problem() { # PORT
  local scheme url answer problem="no answer from 127.0.0.1:$1; see journalctl -u chronos"
  # The settings do not say which of the two the port speaks
  for scheme in http https; do
    url=$scheme://127.0.0.1:$1/
    # Not the certificate's name: it is for the site's
    answer=$(curl --silent --insecure --output /dev/null --max-time 5 --noproxy '*' --write-out '%{http_code}' "$url" || true)
    case $answer in
      # Any answer but a server's own error: which pages there are is the application's affair
      [1-4]??) return ;;
      5??) problem="$url answers $answer" ;;
    esac
  done
  echo "$problem"
}

unit_problem() { # UNIT
  local state
  state=$(systemctl is-active "$1" || true)
  if [ "$state" != active ]; then echo "$1 is ${state:-unknown}; see journalctl -u $1"; fi
}

case "$#:${1:-}" in 1:check | 1:publish) ;; *)
  echo "usage: health.sh check|publish" >&2
  exit 2
  ;;
esac

host=$(setting HOST)
tls_port='' tls_problem=''
role=$(setting ROLE)
case $role in
  dashboard)
    port=$(setting PORT)
    problem=$(site_problem "$port")
    # Not by what is open from outside: another setting would be another host
    tls_port=$(sed -n 's/^TLS_PORT=//p' "$settings")
    if [ -n "$tls_port" ]; then tls_problem=$(site_problem "$tls_port"); fi
    ;;
  edge) problem=$(unit_problem chronos-edge.service) ;;
  *)
    echo "error: ROLE is $role in $settings; it must be dashboard or edge" >&2
    exit 1
    ;;
esac
# Either port does to serve the site
if [ -z "$problem" ] || { [ -n "$tls_port" ] && [ -z "$tls_problem" ]; }; then
  healthy=1
  echo "$host: healthy"
else
  healthy=
  echo "$host: not healthy: $problem${tls_problem:+; $tls_problem}"
fi
if [ "$1" = check ]; then
  [ -n "$healthy" ]
  exit
fi

region=$(setting AWS_REGION)
environment=$(setting ENVIRONMENT)

metric() { # PROBLEM [FURTHER DIMENSION]
  local value=1
  [ -z "$1" ] || value=0
  printf '{"MetricName":"Healthy","Value":%s,"Dimensions":[{"Name":"Environment","Value":"%s"},{"Name":"Host","Value":"%s"}%s]}' \
    "$value" "$environment" "$host" "${2:-}"
}
metrics=$(metric "$problem")
if [ -n "$tls_port" ]; then
  metrics+=,$(metric "$tls_problem" ",{\"Name\":\"Port\",\"Value\":\"$tls_port\"}")
fi
aws cloudwatch put-metric-data --region "$region" --namespace Landfall/Chronos --metric-data "[$metrics]"
