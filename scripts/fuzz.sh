#!/usr/bin/env bash
# Read by ./dev. fuzz [TARGET] [SECONDS]: runs one fuzz target, or all of them one after the other; -l lists them.
# What a run has learnt stays in build/fuzz/corpus/TARGET; it starts from tests/fuzz/corpus/TARGET.

fuzz_targets() {
  find build/fuzz -type f -executable -name '*_fuzz' -printf '%f\n' | sed 's/_fuzz$//' | sort
}

fuzz_one() {
  local target=$1 seconds=$2 program learnt=build/fuzz/corpus/$1 seeds=()
  program=$(find build/fuzz -type f -executable -name "${target}_fuzz")
  [[ -n $program ]] || fail "there is no fuzz target '$target': ./dev fuzz -l lists them"
  [[ ! -d tests/fuzz/corpus/$target ]] || seeds=("tests/fuzz/corpus/$target")
  mkdir -p "$learnt"
  say "Fuzzing $target for $seconds s"
  "$program" -max_total_time="$seconds" -print_final_stats=1 -rss_limit_mb=2048 -timeout=10 \
    -artifact_prefix="build/fuzz/$target-" "$learnt" "${seeds[@]}"
}

fuzz() {
  local target=all seconds=60
  build fuzz
  if [[ ${1:-} == -l ]]; then
    fuzz_targets
    return
  fi
  case $# in
    0) ;;
    1) if [[ $1 =~ ^[0-9]+$ ]]; then seconds=$1; else target=$1; fi ;;
    *) target=$1 seconds=$2 ;;
  esac
  if [[ $target != all ]]; then
    fuzz_one "$target" "$seconds"
    return
  fi
  local failed=()
  for target in $(fuzz_targets); do
    fuzz_one "$target" "$seconds" || failed+=("$target")
  done
  ((${#failed[@]} == 0)) || fail "Failed: ${failed[*]}; the inputs are in build/fuzz"
}
