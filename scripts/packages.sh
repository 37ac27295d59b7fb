#!/usr/bin/env bash
# Read by ./dev. need GROUP...: installs what those groups of packages.txt list and this machine lacks.

# Prints "package [program]" of each group named.
packages_of() {
  awk -v wanted=" $* " '
    /^\[/ { group = substr($1, 2, length($1) - 2); next }
    /^(#|$)/ { next }
    index(wanted, " " group " ")' scripts/packages.txt
}

missing_packages() {
  local installed package program
  installed=" $(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | awk '$1 == "installed" { printf "%s ", $2 }')"
  packages_of "$@" | sort -u | while read -r package program; do
    [[ $installed == *" $package "* ]] && continue
    [[ -n $program ]] && command -v "$program" >/dev/null && continue
    echo "$package"
  done
}

need() {
  command -v dpkg-query >/dev/null ||
    fail "this script knows Debian 12's package tools only. Needed: $(packages_of "$@" | tr '\n' ' ')"
  local missing as_root=()
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  say "Installing ${#missing[@]} packages of Debian, needed for: $*"
  say "  ${missing[*]}"
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "neither root nor sudo; needed: apt-get install ${missing[*]}"
    as_root=(sudo)
    say "  (with sudo, which may ask for your password)"
  fi
  "${as_root[@]}" bash scripts/apt_install.sh "${missing[@]}" || fail "apt-get did not succeed (see above)"
}
