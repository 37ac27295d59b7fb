#!/usr/bin/env bash
# apt_install.sh PACKAGE...: installs packages, as root, for their programs only. No service is started or enabled and
# no database cluster is made: what we use is started by ourselves, in folders of our own. What runs is left alone.
set -euo pipefail

services_policy=/usr/sbin/policy-rc.d # asked by the package scripts before they start anything: 101 means no
cluster_settings=/etc/postgresql-common/createcluster.d/forebay-dev.conf
ours=()

cleanup() {
  ((${#ours[@]} == 0)) || rm -f "${ours[@]}"
  rmdir --ignore-fail-on-non-empty "${cluster_settings%/*}" 2>/dev/null || true
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [[ ! -e $services_policy ]]; then
  ours+=("$services_policy")
  printf '#!/bin/sh\nexit 101\n' >"$services_policy"
  chmod 755 "$services_policy"
fi
if [[ ! -e $cluster_settings ]]; then
  ours+=("$cluster_settings")
  mkdir -p "${cluster_settings%/*}"
  echo 'create_main_cluster = false' >"$cluster_settings"
fi

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
updated=no
update() {
  echo "== apt-get update: $1"
  updated=yes
  "${apt[@]}" update
}

for package in "$@"; do
  if ! apt-cache show "$package" >/dev/null 2>&1; then
    update "this machine's lists do not know $package"
    break
  fi
done
if ! "${apt[@]}" install -y --no-install-recommends "$@"; then
  [[ $updated == no ]] || exit 1
  update "the lists may be older than the archive"
  "${apt[@]}" install -y --no-install-recommends "$@"
fi

# A service that came with one of them would start with the next boot.
for package in "$@"; do
  dpkg -L "$package" | sed -n 's#^/etc/init.d/\(.*\)$#\1#p' | while read -r service; do
    update-rc.d "$service" disable
  done
  command -v systemctl >/dev/null || continue
  dpkg -L "$package" | sed -n 's#^\(/usr\)\?/lib/systemd/system/\([^/@]*\.service\)$#\2#p' | while read -r unit; do
    systemctl --root=/ --quiet disable "$unit"
  done
done
