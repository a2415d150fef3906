#!/usr/bin/env bash
# Provides the S3 server that the archive is tested against: versitygw, a real one with versions, conditional writes and
# Object Lock, built from its Go module. Prints the program's path; everything else goes to stderr. Cached outside the
# tree, where it takes no time; the first build takes a minute or two. Nothing is skipped: without Go it says so and fails.
set -euo pipefail

version=v1.8.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/datashare-archive-server/$version
program=$cache/versitygw

if [ ! -x "$program" ]; then
  mkdir -p "$cache"
  if command -v flock >/dev/null; then # without it, two would only do the same work twice
    exec 9>"$cache/.lock"
    flock 9
  fi
fi
if [ ! -x "$program" ]; then
  compiler=$(command -v go || echo /usr/local/go/bin/go)
  if ! command -v "$compiler" >/dev/null; then
    echo "the archive's tests need the S3 server versitygw: install Go (1.26 or newer) to build it" >&2
    exit 1
  fi
  new=$(mktemp -d "$cache/.new.XXXXXX")
  trap 'rm -rf "$new"' EXIT
  echo "building versitygw (a minute or two, once)" >&2
  CGO_ENABLED=0 GOWORK=off GOBIN=$new "$compiler" install -ldflags "-s -w" \
    "github.com/versity/versitygw/cmd/versitygw@$version" 9>&-
  mv -f "$new/versitygw" "$program" # at once, so that nobody ever starts half a program
fi
echo "$program"
