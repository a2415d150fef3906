//! `GET /.well-known/datashare/grant`: what the holder of a token may do.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{self, HeaderValue};
use jiff::Timestamp;
use serde_json::json;

use super::Guard;
use super::problem::Body;
use crate::judge::permit::Holder;
use crate::judge::served::Served;

/// Path of the question.
pub const PATH: &str = "/.well-known/datashare/grant";

pub fn answer(guard: &Guard, holder: &Holder, served: &Served, now: Timestamp) -> Response<Body> {
    let grant = &served.grant;
    let left = guard.quotas.left_today(grant, guard.index.read().site(), now);
    let operations: Vec<&str> = served.plan.operations.iter().map(|operation| &*operation.name).collect();
    let mut quota = serde_json::Map::new();
    for (name, value) in [
        ("perSecond", grant.quota.per_second.map(u64::from)),
        ("perDay", grant.quota.per_day.map(u64::from)),
        ("leftToday", left),
    ] {
        if let Some(value) = value {
            quota.insert(name.into(), value.into());
        }
    }
    let mut body = json!({
        "grant": {"namespace": grant.key.namespace, "name": grant.key.name, "serial": grant.serial},
        "resource": {"namespace": grant.key.namespace, "name": grant.resource},
        "unit": {"name": served.request.unit.name, "code": served.request.unit.code},
        "system": served.request.system,
        "fields": grant.fields,
        "operations": operations,
        "requires": {
            "user": served.requires.user, "case": served.requires.case, "consent": served.requires.consent,
        },
        "notBefore": grant.not_before.to_string(),
        "notAfter": grant.not_after.to_string(),
        "quota": quota,
        "credential": {
            "id": holder.credential.id,
            "notAfter": holder.credential.not_after.to_string(),
            "rotateBy": holder.credential.rotate_by.to_string(),
        },
    });
    if let (Some(users), Some(members)) = (&grant.users, body.as_object_mut()) {
        members.insert("users".into(), json!(users));
    }
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
