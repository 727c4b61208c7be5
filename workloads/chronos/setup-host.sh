#!/bin/sh
# Prepares an Amazon Linux 2023 host for Chronos. Its last act is the marker that the application layer waits for; where
# a step fails there is none.
set -eu

systemctl enable --now docker
usermod -aG docker ec2-user

# Amazon Linux packages Docker without its compose plugin
version=v2.39.4
file=docker-compose-linux-$(uname -m)
plugins=/usr/local/lib/docker/cli-plugins
mkdir -p "$plugins"
cd "$plugins"
for name in "$file" "$file.sha256"; do
  # All errors: the address arrives meanwhile, and that breaks connections
  curl -fsSLO --retry 5 --retry-all-errors "https://github.com/docker/compose/releases/download/$version/$name"
done
sha256sum -c "$file.sha256"
chmod 0755 "$file"
mv "$file" docker-compose
rm "$file.sha256"
docker compose version

touch /home/ec2-user/.setup_complete
