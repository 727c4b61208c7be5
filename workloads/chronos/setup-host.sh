#!/bin/sh
# Prepares an Amazon Linux 2023 host for Chronos. May be run again at any time. Its last act is the marker .setup_complete
# that the application layer waits for; where a step fails there is .setup_failed instead, which names the step.
set -eu

markers=${ROOT:-}/home/ec2-user
packages="docker git rsync"
step=start

log() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }

finish() {
  code=$?
  if [ "$code" -eq 0 ]; then
    rm -f "$markers/.setup_failed"
    touch "$markers/.setup_complete"
    log "set-up complete"
  else
    rm -f "$markers/.setup_complete"
    echo "$step" >"$markers/.setup_failed"
    log "error: step $step failed with exit code $code; mend the cause and run $0 again"
  fi
}
trap finish EXIT

# cloud-init has tried before, and goes on where it failed
install_packages() {
  for try in 1 2 3 4 5; do
    # shellcheck disable=SC2086 # words
    if rpm -q $packages || dnf install -y $packages; then return; fi
    log "packages: try $try failed"
    sleep "${TRY_SECONDS:-10}"
  done
  return 1
}

start_docker() {
  systemctl enable --now docker
  usermod -aG docker ec2-user
}

# Amazon Linux packages Docker without its compose plugin
install_compose() {
  version=v2.39.4
  file=docker-compose-linux-$(uname -m)
  plugins=${ROOT:-}/usr/local/lib/docker/cli-plugins
  mkdir -p "$plugins"
  cd "$plugins"
  if ! docker compose version 2>/dev/null | grep -qF "$version"; then
    for name in "$file" "$file.sha256"; do
      # All errors: the address arrives meanwhile, and that breaks connections
      curl -fsSLO --retry 5 --retry-all-errors "https://github.com/docker/compose/releases/download/$version/$name"
    done
    sha256sum -c "$file.sha256"
    chmod 0755 "$file"
    mv "$file" docker-compose
    rm "$file.sha256"
  fi
  docker compose version
}

enable_health() {
  systemctl daemon-reload
  systemctl enable --now chronos-health.timer
}

for step in install_packages start_docker install_compose enable_health; do
  log "step $step"
  "$step"
done
