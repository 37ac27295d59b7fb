#!/usr/bin/env bash
# Read by ./dev. fuzz TARGET|all [SECONDS]: runs one fuzz target, or all of them one after the other; without
# arguments: which there are.
# What a run has learnt stays in build/fuzz/corpus/TARGET; it starts from tests/fuzz/corpus/TARGET.

fuzz_targets() {
  find tests/fuzz -name '*_fuzz.cpp' -printf '%f\n' | sed 's/_fuzz\.cpp$//' | sort
}

fuzz_one() {
  local target=$1 seconds=$2 learnt=build/fuzz/corpus/$1 seeds=()
  [[ ! -d tests/fuzz/corpus/$target ]] || seeds=("tests/fuzz/corpus/$target")
  mkdir -p "$learnt"
  say "Fuzzing $target for $seconds s"
  "build/fuzz/tests/fuzz/${target}_fuzz" -max_total_time="$seconds" -print_final_stats=1 -rss_limit_mb=1024 \
    -timeout=10 -artifact_prefix="build/fuzz/$target-" "$learnt" "${seeds[@]}"
}

fuzz_all() {
  local target failed=()
  for target in $(fuzz_targets); do
    fuzz_one "$target" "$1" || failed+=("$target")
  done
  ((${#failed[@]} == 0)) || fail "Failed: ${failed[*]}; the inputs are in build/fuzz"
}

fuzz() {
  local target=$1 seconds=${2:-60}
  if [[ $target == all ]]; then
    # shellcheck disable=SC2046  # a list of words
    build fuzz $(fuzz_targets | sed 's/$/_fuzz/')
    fuzz_all "$seconds"
    return
  fi
  [[ -e tests/fuzz/${target}_fuzz.cpp ]] || fail "there is no fuzz target '$target': ./dev fuzz lists them"
  build fuzz "${target}_fuzz"
  fuzz_one "$target" "$seconds"
}
