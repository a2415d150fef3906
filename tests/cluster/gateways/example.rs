//! The tax bureau's case of the example, with dates around today and signed again by the example's own keys: one
//! resource with an upstream of the test's, its request and its grant.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use datashare::api::v1alpha1::{AccessGrantSpec, DataShareRequestSpec, Kind, SharedResourceSpec};
use datashare::approval::digests;
use datashare::approval::signing::SigningKey;
use datashare::approval::statement::Statement;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::corpus;

pub const PROVIDER: &str = "jinan-registration";
pub const CONSUMER: &str = "tax-bureau";
pub const RESOURCE: &str = "property-ownership";
pub const NAME: &str = "deed-tax";
const SITE: &str = "jinan-demo";

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jinan")
}

fn days(days: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn day(number: i64) -> String {
    days(number).split('T').next().unwrap().to_owned()
}

fn object(kind: Kind, name: &str) -> Value {
    let all = corpus::examples();
    all.into_iter().find(|object| object["kind"] == kind.name() && object["metadata"]["name"] == name).unwrap()
}

/// In the order in which people write them.
pub fn objects(upstream: SocketAddr) -> [Value; 4] {
    let mut resource = object(Kind::SharedResource, RESOURCE);
    resource["spec"]["interface"]["upstream"]["url"] = json!(format!("http://{upstream}/api/v2"));
    let mut request = object(Kind::DataShareRequest, NAME);
    request["spec"]["date"] = json!(day(-10));
    request["spec"]["notAfter"] = json!(day(120));
    let grant = signed(object(Kind::AccessGrant, NAME), &request["spec"], &resource["spec"]);
    [object(Kind::AuditPolicy, "default"), resource, request, grant]
}

fn signed(mut grant: Value, request: &Value, resource: &Value) -> Value {
    let request: DataShareRequestSpec = serde_json::from_value(request.clone()).unwrap();
    let resource: SharedResourceSpec = serde_json::from_value(resource.clone()).unwrap();
    let spec = &mut grant["spec"];
    spec["notBefore"] = json!(days(-2));
    spec["notAfter"] = json!(days(100));
    spec["requestRef"]["digest"] = json!(digests::request(CONSUMER, NAME, &request).unwrap());
    let unsigned: AccessGrantSpec = serde_json::from_value(spec.clone()).unwrap();
    let (fields, operations) = (unsigned.fields.unwrap(), unsigned.operations.unwrap());
    let slice = digests::slice(PROVIDER, RESOURCE, &resource, &fields, &operations, request.mode);
    spec["resourceRef"]["digest"] = json!(slice.unwrap());
    let unsigned: AccessGrantSpec = serde_json::from_value(spec.clone()).unwrap();
    let statement = Statement::new(SITE, PROVIDER, NAME, &unsigned).unwrap();
    for approval in spec["approvals"].as_array_mut().unwrap() {
        let text = |member: &str| approval[member].as_str().unwrap().to_owned();
        let (role, principal, at) = (text("role"), text("principal"), days(-1));
        let key = SigningKey::open(&folder().join("demo-keys").join(&principal), None, &mut |_| None).unwrap();
        let signature = key.sign(&statement.bytes(&role, &principal, &at).unwrap()).unwrap();
        approval["approvedAt"] = json!(at);
        approval["signature"] = json!(signature);
    }
    grant
}

pub fn revocation() -> Value {
    json!({
        "apiVersion": "datashare.dev/v1alpha1", "kind": "Revocation",
        "metadata": {"namespace": PROVIDER, "name": "end-deed-tax"},
        "spec": {"target": {"grant": {"serial": object(Kind::AccessGrant, NAME)["spec"]["serial"]}}, "clause": "4.3.2",
            "reason": "the test is over", "decidedBy": "director@registration.jinan", "decidedAt": days(0)},
    })
}
