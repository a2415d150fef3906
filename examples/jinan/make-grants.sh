#!/bin/sh
# Signs the grants of this example again, after a request, a resource or the terms of a grant have
# been edited on purpose. The terms of a grant are its file up to "approvals:"; this script puts the
# two digests of what is reviewed into them and appends the signatures of the table below, made with
# plain ssh-keygen over the bytes that "datashare statement" prints. Ed25519 signatures and the times
# are fixed, so a second run changes no byte.
#
#   DATASHARE=target/release/datashare examples/jinan/make-grants.sh [grant…]
set -eu
umask 077
datashare=${DATASHARE:-datashare}
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Copies that only their owner can read: ssh-keygen insists, and Git does not keep the mode.
for key in "$here"/demo-keys/*.jinan; do
  cp "$key" "$tmp/"
done

# digest KIND FILE...: the digest that "datashare digest" prints for KIND
digest() {
  kind=$1
  shift
  "$datashare" digest "$@" | awk -v kind="$kind" '$1 == kind { print $3; found = 1; exit } END { exit !found }'
}

# member FILE SECTION MEMBER: a member of one of the two references
member() {
  awk -v section="  $2:" -v member="$3:" '
    $0 == section { inside = 1; next }
    inside && !/^    / { exit }
    inside && $1 == member { print $2; exit }' "$1"
}

# sign GRANT ROLE PRINCIPAL TIME: appends one signature
sign() {
  file=$here/grants/$1.yaml
  "$datashare" statement "$file" --role "$2" --principal "$3" --approved-at "$4" --dir "$here" >"$tmp/statement"
  signature=$(ssh-keygen -Y sign -q -n approval@datashare.dev -f "$tmp/$3" <"$tmp/statement")
  grep -q '^  approvals:$' "$file" || echo '  approvals:' >>"$file"
  {
    printf '  - role: %s\n    principal: %s\n    approvedAt: "%s"\n    signature: |\n' "$2" "$3" "$4"
    echo "$signature" | sed 's/^/      /'
  } >>"$file"
}

# terms GRANT: drops the signatures and names what is reviewed as it stands now
terms() {
  file=$here/grants/$1.yaml
  sed '/^  approvals:$/,$d' "$file" >"$tmp/terms"
  cat "$tmp/terms" >"$file"
  request=$(digest DataShareRequest "$here/requests/$(member "$file" requestRef namespace)/$(member "$file" requestRef name).yaml")
  slice=$(digest SharedResource "$file")
  awk -v request="$request" -v slice="$slice" '
    /^  [a-zA-Z]+:/ { section = $1 }
    $1 == "digest:" && section == "requestRef:" { print "    digest: " request; next }
    $1 == "digest:" && section == "resourceRef:" { print "    digest: " slice; next }
    { print }' "$tmp/terms" >"$file"
}

wanted=" $* "
last=
while IFS='|' read -r grant role principal time; do
  case "$wanted" in "  " | *" $grant "*) ;; *) continue ;; esac
  if [ "$grant" != "$last" ]; then
    terms "$grant"
    last=$grant
    echo "$grant" >&2
  fi
  sign "$grant" "$role" "$principal" "$time" </dev/null
done <<'TABLE'
deed-tax|Provider|director@registration.jinan|2026-11-18T10:12:00+08:00
deed-tax|DataAuthority|share@bigdata.jinan|2026-11-19T15:40:00+08:00
home-purchase-2025|Provider|director@registration.jinan|2025-12-22T09:30:00+08:00
home-purchase-2025|DataAuthority|share@bigdata.jinan|2025-12-23T11:05:00+08:00
home-purchase|Provider|director@registration.jinan|2026-11-11T14:20:00+08:00
home-purchase|DataAuthority|share@bigdata.jinan|2026-11-13T09:55:00+08:00
judicial-enforcement|Provider|director@registration.jinan|2026-11-23T16:05:00+08:00
inheritance-denied|Provider|director@registration.jinan|2026-11-16T17:30:00+08:00
loan-review|Provider|director@registration.jinan|2025-10-27T10:00:00+08:00
loan-review|DataAuthority|share@bigdata.jinan|2025-10-28T16:45:00+08:00
identity-check|Leader|leader@registration.jinan|2026-11-12T09:10:00+08:00
marriage-check|Leader|leader@registration.jinan|2026-11-12T09:25:00+08:00
second-hand-transfer|Leader|leader@registration.jinan|2026-11-13T10:40:00+08:00
planning-check|Leader|leader@registration.jinan|2026-11-13T10:55:00+08:00
planning-check|Provider|data@planning.jinan|2026-11-13T15:20:00+08:00
tax-check|Leader|leader@registration.jinan|2026-11-13T11:15:00+08:00
tax-check|DataAuthority|share@bigdata.jinan|2026-11-13T16:30:00+08:00
TABLE
