//! Status of an audit policy: the streams it holds for.

use super::View;
use super::conditions::condition;
use crate::api::v1alpha1::status::AuditPolicyStatus;
use crate::judge::facts::Key;

impl View<'_> {
    /// Status of an audit policy.
    #[must_use]
    pub fn policy(&self, key: &Key) -> AuditPolicyStatus {
        let (reason, message) = if self.is_guarded() {
            ("InForce", "every guard records under it")
        } else {
            ("NoGuard", "no guard is running; start one")
        };
        AuditPolicyStatus {
            conditions: Some(vec![condition("Ready", self.is_guarded(), reason, message, self.now)]),
            last_inspection: self.observed.inspections.get(key).cloned(),
            streams: Some(self.observed.streams.clone()).filter(|streams| !streams.is_empty()),
            ..AuditPolicyStatus::default()
        }
    }
}
