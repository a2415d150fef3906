//! Objects from files: every mistake is named with its place, nothing half-written opens anything,
//! and a followed directory tells what changed.

mod bad_input;
mod follow;
mod scale;
mod truncation;

pub const RESOURCE: &str = "\
apiVersion: datashare.dev/v1alpha1
kind: SharedResource
metadata:
  namespace: jinan
  name: marriage
spec:
  title: 婚姻登记信息
  direction: Out
  provider: {name: 济南市民政局, code: \"11370100004188127J\"}
  channel:
    tier: City
  sharing: Conditional
  fields:
  - {name: id, title: 身份证号, path: \"$.data[*].id\", type: String, class: Personal}
  - name: date
    title: 登记日期
    path: $.data[*].date
    type: String
    class: Internal
  interface:
    standard: 接口标准
    upstream: {url: \"https://platform.example/api\", timeout: 5s}
    operations:
    - {name: by-id, method: GET, path: \"/marriages/{id}\", parameters: [{name: id, in: Path, sensitive: true}]}
  approval:
  - {role: Provider, principals: [director@registration.jinan], threshold: 1}
  requires: {user: true, case: true, consent: true}
";

pub const REVOCATION: &str = "\
apiVersion: datashare.dev/v1alpha1
kind: Revocation
metadata:
  namespace: jinan
  name: leak
spec:
  target:
    unit: {code: \"11370100004188127J\"}
  resources: [marriage]
  clause: Leak
  reason: 凭证泄露
  decidedBy: director@registration.jinan
  decidedAt: \"2026-11-05T00:00:00+08:00\"
";

pub const GRANT: &str = "\
apiVersion: datashare.dev/v1alpha1
kind: AccessGrant
metadata:
  namespace: jinan
  name: deed-tax
spec:
  serial: 济登共享〔2026〕12号
  requestRef:
    namespace: tax-bureau
    name: deed-tax
    digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  resourceRef:
    name: marriage
    digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  decision: Approved
  fields: [date]
  operations: [by-id]
  notBefore: \"2026-11-05T00:00:00+08:00\"
  notAfter: \"2027-10-31T00:00:00+08:00\"
  quota:
    perSecond: 20
  approvals:
  - role: Provider
    principal: director@registration.jinan
    approvedAt: \"2026-11-05T00:00:00+08:00\"
    signature: |
      -----BEGIN SSH SIGNATURE-----
      U1NIU0lHAAAAAQ
      -----END SSH SIGNATURE-----
";
