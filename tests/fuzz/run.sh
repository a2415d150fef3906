#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (60), or those that are named, and ends non-zero on a finding. What the fuzzer
# learns is kept in FUZZ_CORPUS, outside the tree, and is where the next run goes on.
set -euo pipefail
cd "$(dirname "$0")/../.."

corpus="${FUZZ_CORPUS:-${XDG_CACHE_HOME:-$HOME/.cache}/datashare-fuzz}"
seconds="${FUZZ_SECONDS:-60}"
command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked
# without a sanitizer no nightly compiler is needed; there is no unsafe code to watch
build=(--fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer none)
cargo fuzz build "${build[@]}"

targets=("$@")
[ "${#targets[@]}" -gt 0 ] || mapfile -t targets < <(cd tests/fuzz/targets && printf '%s\n' *.rs | sed 's/\.rs$//')
failed=()
for target in "${targets[@]}"; do
  case "$target" in
    yaml | object | insert) seeds=(tests/objects examples/jinan) ;;
    *) seeds=("tests/fuzz/seeds/$target") ;;
  esac
  echo "fuzz $target for $seconds seconds"
  mkdir -p "$corpus/$target" "$corpus/findings/$target"
  cargo fuzz run "${build[@]}" "$target" "$corpus/$target" "${seeds[@]}" -- \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -artifact_prefix="$corpus/findings/$target/" \
    -print_final_stats=1 >"$corpus/$target.log" 2>&1 || failed+=("$target")
  grep -E 'stat::number_of_executed_units|panicked at|^assertion|left:|right:|SUMMARY|Test unit written' "$corpus/$target.log" || true
done
[ "${#failed[@]}" -eq 0 ] && exit 0
echo "findings in: ${failed[*]}; the inputs are in $corpus/findings, the words in $corpus/TARGET.log" >&2
exit 1
