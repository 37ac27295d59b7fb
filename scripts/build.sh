#!/usr/bin/env bash
# Read by ./dev. build PRESET [TARGET...]: configures if need be and builds; ninja shows the progress.

# One compiler per processor, and 1.5 GB for each.
build_jobs() {
  local by_memory
  by_memory=$(awk '/^MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo)
  local jobs
  jobs=$(nproc)
  ((jobs <= by_memory)) || jobs=$by_memory
  echo $((jobs > 0 ? jobs : 1))
}

configure() {
  [[ -e build/$1/build.ninja ]] && return
  say "Configuring build/$1"
  mkdir -p "build/$1"
  if ! cmake --preset "$1" >"build/$1/configure.log" 2>&1; then
    cat "build/$1/configure.log"
    fail "cmake did not succeed"
  fi
}

build() {
  local preset=$1
  shift
  configure "$preset"
  say "Building $preset${*:+ ($*)}"
  ninja -C "build/$preset" -j "$(build_jobs)" "$@" || fail "the build did not succeed"
}
