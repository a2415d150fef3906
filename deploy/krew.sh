#!/usr/bin/env bash
# Packs the plugin for krew: one archive for each platform and the manifest that names them with their hashes.
# The same binaries give the same bytes.
#
#   deploy/krew.sh FOLDER BASE-URL OS/ARCH=BINARY...
set -euo pipefail

[ "$#" -ge 3 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$1 base=$2
shift 2
root=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

platforms=""
for pair in "$@"; do
  platform=${pair%%=*} binary=${pair#*=}
  os=${platform%/*} arch=${platform#*/}
  archive=kubectl-datashare-v$version-$os-$arch.tar.gz
  install -m 755 "$binary" "$work/kubectl-datashare"
  install -m 644 "$root/LICENSE" "$work/LICENSE"
  tar -C "$work" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - LICENSE kubectl-datashare |
    gzip -n >"$out/$archive"
  hash=$(sha256sum "$out/$archive" | cut -d ' ' -f 1)
  platforms+="  - selector: {matchLabels: {os: $os, arch: $arch}}
    uri: $base/$archive
    sha256: $hash
    bin: kubectl-datashare
    files:
    - {from: kubectl-datashare, to: .}
    - {from: LICENSE, to: .}
"
done
while IFS= read -r line; do
  case $line in
    "# "*) ;;
    @PLATFORMS@) printf '%s' "$platforms" ;;
    *) echo "${line//@VERSION@/$version}" ;;
  esac
done <"$root/deploy/krew.yaml" >"$out/datashare.yaml"
