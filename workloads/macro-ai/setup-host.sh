#!/bin/bash
# Prepares an Amazon Linux 2023 host for the Macro AI API, and deploys the current release. Run again it changes nothing.
#
# Every step is in /var/log/user-data.log. The end is a marker in /home/ec2-user, .setup_complete or .setup_failed with the
# step's name, and the answer to the Auto Scaling group that may be waiting for this instance.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/local/bin
umask 027

pm2_version=7.0.4
pnpm_version=10.34.8

ROOT=${ROOT:-}
settings=$ROOT/etc/landfall/host.env
app_user=${APP_USER:-macroai}
base=$ROOT/opt/macro-ai
log_file=$ROOT/var/log/user-data.log
complete=$ROOT/home/ec2-user/.setup_complete
failed=$ROOT/home/ec2-user/.setup_failed
metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
current_step=start

exec 3>&1
say() {
  printf '%s setup-host: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" | tee -a "$log_file" >&3
}

fail() {
  say "ERROR $1"
  exit 1
}

# Tells the Auto Scaling group, where there is one that waits: CONTINUE or ABANDON
answer_group() {
  if [ -z "${LIFECYCLE_HOOK:-}" ] || [ -e "$complete" ]; then return 0; fi
  aws autoscaling complete-lifecycle-action --region "$AWS_REGION" --lifecycle-hook-name "$LIFECYCLE_HOOK" \
    --auto-scaling-group-name "$AUTO_SCALING_GROUP" --lifecycle-action-result "$1" \
    --instance-id "$(cat "$ROOT/var/lib/cloud/data/instance-id")" >>"$log_file" 2>&1 || say "ERROR cannot answer $LIFECYCLE_HOOK with $1"
}

on_exit() {
  local code=$?
  if [ "$code" = 0 ]; then return; fi
  set +e
  say "ERROR step $current_step failed with exit code $code"
  answer_group ABANDON
  rm -f "$complete"
  echo "$current_step" >"$failed"
  chmod 0644 "$failed"
}

# step NAME COMMAND…: with its output in the log
step() {
  current_step=$1
  shift
  say "$current_step: begins"
  "$@" >>"$log_file" 2>&1
  say "$current_step: done"
}

check_prerequisites() {
  local token free
  [ "$(id -u)" = 0 ] || fail "must run as root"
  # shellcheck source=/dev/null
  (. "$ROOT/etc/os-release" && [ "$ID-$VERSION_ID" = amzn-2023 ]) || fail "this is not Amazon Linux 2023"
  free=$(df -Pm "$ROOT/opt" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge 1024 ] || fail "$free MB are free in /opt, 1024 are needed: give the host a larger volume"
  token=$(curl --fail --silent --show-error --retry 5 --retry-connrefused --max-time 10 --request PUT \
    --header "X-aws-ec2-metadata-token-ttl-seconds: 60" "$metadata/latest/api/token") || token=
  [ -n "$token" ] ||
    fail "the instance metadata service does not answer at $metadata"
  # Any answer will do: what is checked is the way out
  curl --silent --show-error --retry 5 --retry-all-errors --max-time 15 --output /dev/null https://registry.npmjs.org/ ||
    fail "no way to the npm registry: the host needs HTTPS to the internet"
}

install_packages() {
  local packages=(nodejs20 nodejs20-npm tar gzip diffutils util-linux logrotate rsyslog dnf-automatic amazon-cloudwatch-agent awscli-2)
  rpm -q "${packages[@]}" || dnf install -y "${packages[@]}"
  alternatives --set node /usr/bin/node-20
  node --version | grep '^v20\.'
}

installed_version() { node -p "require('$ROOT/usr/local/lib/node_modules/$1/package.json').version" 2>/dev/null || true; }

# Their own install scripts are not needed
install_node_tools() {
  if [ "$(installed_version pm2)" = "$pm2_version" ] && [ "$(installed_version pnpm)" = "$pnpm_version" ]; then return; fi
  (umask 022 && npm install --global --prefix "$ROOT/usr/local" --ignore-scripts --no-audit --no-fund \
    "pm2@$pm2_version" "pnpm@$pnpm_version")
}

create_user() {
  id -u "$app_user" || useradd --system --user-group --home-dir /var/lib/macro-ai --no-create-home --shell /sbin/nologin "$app_user"
}

# put FILE, content from stdin: for all to read, untouched where it is so already
put() {
  local new
  new=$(mktemp)
  cat >"$new"
  if ! cmp -s "$new" "$1"; then install -D -m 0644 "$new" "$1.new" && mv -f "$1.new" "$1"; fi
  rm "$new"
}

create_tree() {
  local group
  group=$(id -gn "$app_user")
  install -d -m 0750 -o root -g "$group" "$base" "$base/releases" "$base/shared"
  install -d -m 0750 -o "$app_user" -g "$group" "$ROOT/var/log/macro-ai"
  install -d -m 0750 -o "$app_user" -g "$group" "$ROOT/var/lib/macro-ai"
  chown root:root "$base/deploy.sh"
  chmod 0750 "$base/deploy.sh"
  chown "root:$group" "$base/ecosystem.config.js"
  chmod 0640 "$base/ecosystem.config.js"
  [ "$(readlink "$base/.env")" = "$settings" ] || ln -sfnT "$settings" "$base/.env"
}

enable_service() {
  systemctl daemon-reload
  systemctl enable macro-ai.service
  systemctl enable --now macro-ai-health.timer
}

# Amazon Linux 2023 has /var/log/messages only by rsyslog
configure_logs() {
  systemctl enable --now rsyslog.service logrotate.timer
}

configure_cloudwatch() {
  local agent=$ROOT/opt/aws/amazon-cloudwatch-agent target rules=(-e "s#@LOG_GROUP_PREFIX@#${LOG_GROUP_PREFIX%/}#") before
  target=$agent/etc/landfall.json
  # On a single host there is no group to count by
  if [ -z "${AUTO_SCALING_GROUP:-}" ]; then rules+=(-e '/"AutoScalingGroupName": /d' -e 's/\["AutoScalingGroupName"\], //'); fi
  before=$(cat "$target" 2>/dev/null || true)
  sed "${rules[@]}" "$ROOT/etc/landfall/amazon-cloudwatch-agent.json" | put "$target"
  if [ "$before" = "$(cat "$target")" ] && systemctl is-active amazon-cloudwatch-agent.service; then return; fi
  "$agent/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s -c "file:$target"
  systemctl enable amazon-cloudwatch-agent.service
}

# An image of Amazon Linux 2023 is locked to its own release: without this variable there is never an update to apply
schedule_updates() {
  echo latest | put "$ROOT/etc/dnf/vars/releasever"
  systemctl enable --now dnf-automatic.timer
}

# Waits for the first release where an Auto Scaling group holds this instance back
deploy_release() { "$base/deploy.sh" current >/dev/null; } # it writes to the same log

mkdir -p "$ROOT/var/log"
touch "$log_file"
chmod 0640 "$log_file"
trap on_exit EXIT
[ -r "$settings" ] || fail "there is no $settings"
# shellcheck source=/dev/null
. "$settings"

step prerequisites check_prerequisites
step packages install_packages
step node-tools install_node_tools
step user create_user
step tree create_tree
step service enable_service
step logs configure_logs
step cloudwatch configure_cloudwatch
step updates schedule_updates
step release deploy_release
current_step=answer
answer_group CONTINUE
rm -f "$failed"
[ -e "$complete" ] || touch "$complete"
say "set-up complete"
