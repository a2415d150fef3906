#!/usr/bin/env bash
# Provides what the suite "cluster" runs for real: etcd, kube-apiserver, kube-controller-manager, kubectl, helm and the
# definitions of Gateway API. Prints the folders they lie in, as PATH is written; everything else goes to stderr.
#
# Each program is taken from the first of: KUBEBUILDER_ASSETS, the cache, the published test binaries, a build of its Go
# module. With none of them it says so and fails: nothing is ever skipped. Cached, it takes no time. Two may run at once.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kubernetes=$(sed -n 's/^\tk8s\.io\/kubernetes v//p' "$here/go.mod")
helm=4.3.1
gateway=1.6.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/datashare-control-plane/$kubernetes-helm-$helm-gateway-$gateway

missing() {
  local name
  for name in etcd kube-apiserver kube-controller-manager kubectl helm gateway-api; do
    [ -e "${KUBEBUILDER_ASSETS:-$cache}/$name" ] || [ -e "$cache/$name" ] || echo "$name"
  done
}

finish() {
  echo "${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS:}$cache"
  exit 0
}

say() { echo "control plane: $*" >&2; }

[ -n "$(missing)" ] || finish
mkdir -p "$cache"
if command -v flock >/dev/null; then # without it, two would only do the same work twice
  exec 9>"$cache/.lock"
  flock 9
  [ -n "$(missing)" ] || finish # another has done it meanwhile
  chmod -R u+w "$cache"/.new.* 2>/dev/null || true
  rm -rf "$cache"/.new.* # of one that was killed
fi

compiler=$(command -v go || echo /usr/local/go/bin/go)
if ! command -v "$compiler" >/dev/null; then
  say "missing: $(missing | tr '\n' ' ')- install Go (1.26 or newer) to build them, or set KUBEBUILDER_ASSETS to a" \
    "folder that has them (gateway-api: a folder of Gateway API's definitions)"
  exit 1
fi
new=$(mktemp -d "$cache/.new.XXXXXX")
trap 'chmod -R u+w "$new"; rm -rf "$new"' EXIT
go() { "$compiler" "$@" 9>&-; } # what it leaves running may not keep the lock
export CGO_ENABLED=0 GOWORK=off GOBIN=$new
cd "$new"

keep() { # moved at once, so that nobody ever starts half a program
  mv -f "$new/$1" "$cache/$1"
  say "$1 is ready"
}

# Kubernetes' own test binaries, by its own tool, which verifies their checksums; out of reach behind many firewalls,
# so it is given little time, and what it does not give is built
published() {
  local folder program
  go install sigs.k8s.io/controller-runtime/tools/setup-envtest@v0.25.1 || return 0
  if folder=$(timeout 120 "$new/setup-envtest" use -p path --bin-dir "$new/published" "${kubernetes%.*}.x"); then
    for program in "$folder"/*; do
      cp "$program" "$new/" && keep "$(basename "$program")"
    done
  fi
}

build() {
  local version=k8s.io/component-base/version
  local flags="-s -w -X $version.gitVersion=v$kubernetes -X $version.gitMajor=${kubernetes%%.*}"
  flags+=" -X $version.gitMinor=$(cut -d. -f2 <<<"$kubernetes")"
  say "building $1 (minutes, once)"
  (cd "$here" && go build -mod=readonly -trimpath -ldflags "$flags" -o "$new/$1" "$2")
  keep "$1"
}

if missing | grep -q '^etcd$\|^kube-apiserver$'; then published; fi
for program in $(missing); do
  case $program in
    etcd) build etcd go.etcd.io/etcd/server/v3 ;;
    kube*) build "$program" "k8s.io/kubernetes/cmd/$program" ;;
    helm)
      say "building helm (minutes, once)"
      go install -trimpath -ldflags '-s -w' "helm.sh/helm/v4/cmd/helm@v$helm"
      keep helm
      ;;
    gateway-api)
      folder=$(go mod download -json "sigs.k8s.io/gateway-api@v$gateway" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
      cp -R "$folder/config/crd/standard" "$new/gateway-api"
      chmod -R u+w "$new/gateway-api"
      keep gateway-api
      ;;
  esac
done
finish
