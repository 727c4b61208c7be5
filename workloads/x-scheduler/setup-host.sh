#!/usr/bin/env bash
# Prepares an Amazon Linux 2023 host for X-Scheduler and installs its first release. May be run again at any time. Its
# last act is the marker .setup_complete; where a step fails there is .setup_failed instead, which names the step.
#
# Environment: MARKERS (folder of the two markers, /home/ec2-user), ROOT (before each path; for tests).
set -euo pipefail
umask 022

ROOT=${ROOT:-}
MARKERS=${MARKERS:-$ROOT/home/ec2-user}
export HOME="${HOME:-/root}" # cloud-init sets none

settings=$ROOT/etc/landfall/host.env
agent_config=$ROOT/etc/landfall/amazon-cloudwatch-agent.json
step=start

log() { echo "$(date -u +%FT%TZ) $*"; }

finish() {
  local code=$?
  if [ "$code" -eq 0 ]; then
    rm -f "$MARKERS/.setup_failed"
    touch "$MARKERS/.setup_complete"
    log "set-up complete"
  else
    rm -f "$MARKERS/.setup_complete"
    echo "$step" >"$MARKERS/.setup_failed"
    log "error: step $step failed with exit code $code; mend the cause and run $0 again"
  fi
}
trap finish EXIT

setting() { sed -n "s/^$1=//p" "$settings" | tail -n 1; }

check_settings() {
  local name
  for name in AWS_REGION AWS_S3_BUCKET DYNAMODB_TABLE PARAMETER_STORE_PREFIX OAUTH_PORT LOG_GROUP_PREFIX; do
    [ -n "$(setting "$name")" ] || {
      log "error: no $name in $settings"
      return 1
    }
  done
}

# ffmpeg is in no repository of Amazon Linux; the application brings it as a Python package if it needs it
install_packages() {
  local try
  for try in 1 2 3 4 5; do
    if dnf install -y -q python3.11 python3.11-pip git rsyslog logrotate amazon-cloudwatch-agent; then return; fi
    log "packages: try $try failed"
    sleep "${RETRY_SECONDS:-15}"
  done
  return 1
}

check_tools() {
  local tool
  for tool in python3.11 git curl flock aws python3 systemctl; do
    command -v "$tool" >/dev/null || {
      log "error: no command $tool on this host"
      return 1
    }
  done
}

make_user() {
  getent passwd xscheduler >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/x-scheduler --shell /sbin/nologin xscheduler
  # The agent reads the application's log by its group
  if getent passwd cwagent >/dev/null; then usermod -aG xscheduler cwagent; fi
}

make_folders() {
  local group=root
  if getent group cwagent >/dev/null; then group=cwagent; fi
  install -d -m 0755 "$ROOT/opt/x-scheduler" "$ROOT/opt/x-scheduler/releases"
  install -d -m 0750 -o xscheduler -g xscheduler "$ROOT/var/log/x-scheduler"
  install -d -m 0700 -o xscheduler -g xscheduler "$ROOT/var/lib/x-scheduler"
  install -d -m 0750 -g "$group" "$ROOT/var/log/landfall"
}

enable_units() {
  systemctl daemon-reload
  systemctl enable x-scheduler.service x-scheduler-oauth-web.service
  systemctl enable --now x-scheduler-health.timer logrotate.timer
}

# The CloudWatch agent reads files, so rsyslog copies the two units' journal to files
start_journal_copy() {
  systemctl enable rsyslog.service
  systemctl restart rsyslog.service
}

start_agent() {
  sed "s|LOG_GROUP_PREFIX|$(setting LOG_GROUP_PREFIX)|" "$agent_config.template" >"$agent_config"
  "$ROOT/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl" \
    -a fetch-config -m ec2 -s -c "file:$agent_config"
}

install_release() { "$ROOT/opt/x-scheduler/bin/update.sh" update; }

for step in check_settings install_packages check_tools make_user make_folders enable_units start_journal_copy \
  start_agent install_release; do
  log "step $step"
  "$step"
done
