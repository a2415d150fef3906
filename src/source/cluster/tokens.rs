//! The hashes of a grant's live tokens, from its `status.credentials`: the only status that is relied on.
//! It opens nothing that the signed terms do not allow.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::written::Written;
use crate::api::v1alpha1::access_grant::CredentialPolicy;
use crate::api::v1alpha1::status::CredentialHash;
use crate::api::v1alpha1::validate::syntax;
use crate::approval::canonical::Digest;
use crate::judge::facts::Rotation;
use crate::judge::index::Issued;
use crate::judge::permit::Credential;

/// More than the definition allows are not looked at.
const MOST: usize = 8;

/// The tokens of a grant as it was written, and what is wrong with those that do not count.
pub fn read(written: &Written) -> (Vec<Issued>, Vec<String>) {
    let (mut issued, mut faults) = (Vec::new(), Vec::new());
    let serial = written.spec.get("serial").and_then(Value::as_str).unwrap_or_default();
    let policy = written.spec.get("credential").and_then(|policy| CredentialPolicy::deserialize(policy).ok());
    let Ok(rotation) = Rotation::read(policy.as_ref()) else { return (issued, faults) };
    let all = written.status.get("credentials").and_then(Value::as_array);
    for (at, value) in all.into_iter().flatten().take(MOST).enumerate() {
        let read = CredentialHash::deserialize(value).map_err(|error| error.to_string());
        match read.and_then(|hash| one(hash, serial, rotation).map_err(str::to_owned)) {
            Ok(token) => issued.push(token),
            Err(fault) => faults.push(format!("status.credentials[{at}]: {fault}; this token is not known")),
        }
    }
    (issued, faults)
}

fn one(hash: CredentialHash, serial: &str, rotation: Rotation) -> Result<Issued, &'static str> {
    let digest: Digest = format!("sha256:{}", hash.sha256).parse().map_err(|_| "sha256 is no hash")?;
    let time = |text: &str| syntax::time(text).ok_or("notBefore and notAfter must be times");
    let (not_before, not_after) = (time(&hash.not_before)?, time(&hash.not_after)?);
    let rotate_by = not_before.checked_add(rotation.every).unwrap_or(Timestamp::MAX).min(not_after);
    Ok(Issued {
        serial: hash.serial.as_deref().unwrap_or(serial).into(),
        hash: *digest.as_bytes(),
        credential: Credential { id: hash.id.into(), not_before, not_after, rotate_by },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_is_right_and_says_what_is_not() {
        let token = |id: &str, sha256: &str| {
            json!({
                "id": id, "sha256": sha256, "notBefore": "2026-11-05T00:00:00Z", "notAfter": "2026-11-17T00:00:00Z",
            })
        };
        let (good, mut older) = ("ab".repeat(32), token("older", &"cd".repeat(32)));
        older["serial"] = json!("S-1");
        let written: Written = serde_json::from_value(json!({
            "spec": {"serial": "S-2", "credential": {"rotateEvery": "10d", "overlap": "48h"}},
            "status": {"credentials": [token("new", &good), older, token("bad", "xy"), 7], "phase": "anything"},
        }))
        .unwrap();
        let (issued, faults) = read(&written);
        let known: Vec<_> = issued.iter().map(|i| (&*i.serial, &*i.credential.id, i.hash)).collect();
        assert_eq!(known, [("S-2", "new", [0xab; 32]), ("S-1", "older", [0xcd; 32])]);
        assert_eq!(issued[0].credential.rotate_by, "2026-11-15T00:00:00Z".parse().unwrap());
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert_eq!(read(&Written::default()), (Vec::new(), Vec::new()));
    }
}
