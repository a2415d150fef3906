//! `GET /.well-known/datashare/grant`: what the holder of a token may do, in the words of its grant.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::judge::permit::Holder;
use crate::judge::refusal::Refusal;
use crate::judge::served::Served;

/// The one path that no resource can have.
pub const PATH: &str = "/.well-known/datashare/grant";

/// A grant as its holder sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Description<'a> {
    grant: GrantName<'a>,
    resource: Name<'a>,
    unit: Unit<'a>,
    system: &'a str,
    fields: &'a [Arc<str>],
    operations: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<&'a [Arc<str>]>,
    requires: Requires,
    not_before: Timestamp,
    not_after: Timestamp,
    quota: Quota,
    credential: Credential<'a>,
}

#[derive(Debug, Serialize)]
struct GrantName<'a> {
    namespace: &'a str,
    name: &'a str,
    serial: &'a str,
}

#[derive(Debug, Serialize)]
struct Name<'a> {
    namespace: &'a str,
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct Unit<'a> {
    name: &'a str,
    code: &'a str,
}

#[derive(Debug, Serialize)]
struct Requires {
    user: bool,
    case: bool,
    consent: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Quota {
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_today: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Credential<'a> {
    id: &'a str,
    not_after: Timestamp,
    rotate_by: Timestamp,
}

impl<'a> Description<'a> {
    /// Describes a grant that serves; for any other the refusal says why it does not.
    pub fn of(holder: &'a Holder, used_today: u32) -> Result<Self, Refusal> {
        let served: &Served = holder.served().map_err(Clone::clone)?;
        let Served { grant, request, plan, requires, .. } = served;
        Ok(Self {
            grant: GrantName { namespace: &grant.key.namespace, name: &grant.key.name, serial: &grant.serial },
            resource: Name { namespace: &plan.resource.key.namespace, name: &plan.resource.key.name },
            unit: Unit { name: &request.unit.name, code: &request.unit.code },
            system: &request.system,
            fields: &plan.fields,
            operations: plan.operations.iter().map(|operation| &*operation.name).collect(),
            users: grant.users.as_deref(),
            requires: Requires { user: requires.user, case: requires.case, consent: requires.consent },
            not_before: grant.not_before,
            not_after: grant.not_after,
            quota: Quota {
                per_second: grant.quota.per_second,
                per_day: grant.quota.per_day,
                left_today: grant.quota.per_day.map(|ceiling| ceiling.saturating_sub(used_today)),
            },
            credential: Credential {
                id: &holder.credential.id,
                not_after: holder.credential.not_after,
                rotate_by: holder.credential.rotate_by,
            },
        })
    }

    /// As it is sent.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // strings, numbers and times always have a JSON form
        serde_json::to_vec(self).unwrap_or_default()
    }
}
