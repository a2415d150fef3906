//! A generated world: one resource of 12 fields, and as many requests with signed grants of three of
//! them as a benchmark wants. Keys are made here and thrown away.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::fs;
use std::path::Path;

use datashare::api::v1alpha1::common::Mode;
use datashare::api::v1alpha1::{AccessGrantSpec, DataShareRequestSpec, SharedResourceSpec};
use datashare::approval::canonical::Digest;
use datashare::approval::digests;
use datashare::approval::signing::SigningKey;
use datashare::approval::statement::Statement;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rayon::prelude::*;
use serde_json::{Value, json};
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey};

pub const SITE: &str = "bench";
const DIRECTOR: &str = "director@provider.bench";
const FIELDS: [&str; 12] = [
    "certificateNumber",
    "unitNumber",
    "address",
    "plannedUse",
    "area",
    "registeredOn",
    "ownerName",
    "ownerId",
    "share",
    "mortgaged",
    "mortgagee",
    "remark",
];
pub const GRANTED: [&str; 3] = ["certificateNumber", "area", "ownerName"];
/// Grants in one folder.
const FOLDER: usize = 1000;

/// An answer of the upstream with this many items, about 500 bytes each.
pub fn document(items: usize) -> Vec<u8> {
    let owners = ["张示例", "欧阳明月", "李示例"];
    let item = |n: usize| {
        json!({
            "certificateNumber": format!("鲁(2026)济南市不动产权第{:07}号", n * 7919 % 9_999_991),
            "unitNumber": format!("370102{:06}GB{:05}F{:08}", n % 999_983, n % 99_991, n * 31 % 99_999_989),
            "address": format!("济南市历下区示例北路{}号{}单元{}室", n % 900 + 1, n % 8 + 1, 100 + n % 30),
            "plannedUse": "城镇住宅用地/住宅",
            "area": 60.25 + f64::from(u32::try_from(n % 140).unwrap()),
            "registeredOn": "2024-03-14T09:26:53+08:00",
            "ownerName": owners[n % 3],
            "ownerId": format!("99010119{:010}", n * 104_729 % 9_999_999_967),
            "share": "单独所有",
            "mortgaged": n.is_multiple_of(3),
            "mortgagee": "示例银行股份有限公司济南分行",
            "remark": "本证附页记载的事项以登记簿为准",
        })
    };
    let items: Vec<Value> = (0..items).map(item).collect();
    json!({"code": 200, "message": "查询成功", "total": items.len(), "data": items}).to_string().into_bytes()
}

/// Writes a directory that `datashare up` serves.
pub fn write(root: &Path, upstream: &str, grants: usize) {
    fs::create_dir_all(root.join("grants")).unwrap();
    let key = key(&root.with_extension("key"));
    fs::write(
        root.join("datashare.yaml"),
        format!("site: {SITE}\ntimeZone: UTC\nmaxStaleness: 30s\ntrustedGateways: []\n"),
    )
    .unwrap();
    fs::write(root.join("allowed_signers"), signers(&key)).unwrap();
    write_resource(root, upstream);
    let slice = slice("homes", upstream);
    for folder in 0..grants.div_ceil(FOLDER) {
        fs::create_dir_all(root.join(format!("grants/{folder:03}"))).unwrap();
    }
    let today = Times::new(Timestamp::now());
    (0..grants).into_par_iter().for_each(|n| {
        let [request, grant] = pair(n, "homes", &key, slice, &today);
        let text = format!("{}---\n{}", text(&request), text(&grant));
        fs::write(root.join(format!("grants/{:03}/{n:06}.yaml", n / FOLDER)), text).unwrap();
    });
}

/// Writes the resource alone, for another upstream.
pub fn write_resource(root: &Path, upstream: &str) {
    fs::write(root.join("resource.yaml"), text(&resource_named("homes", upstream))).unwrap();
}

/// A new key, by way of a file that is there for a moment.
pub fn key(file: &Path) -> SigningKey {
    let key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap();
    fs::write(file, key.to_openssh(LineEnding::LF).unwrap()).unwrap();
    let key = SigningKey::open(file, None, &mut |_| None).unwrap();
    fs::remove_file(file).unwrap();
    key
}

/// The one who may sign.
pub fn signers(key: &SigningKey) -> String {
    format!("{DIRECTOR} namespaces=\"approval@datashare.dev\" {}\n", key.public_line())
}

/// What a grant relies on of a resource.
pub fn slice(resource_name: &str, upstream: &str) -> Digest {
    let resource: SharedResourceSpec = serde_json::from_value(resource(upstream)).unwrap();
    digests::slice("provider", resource_name, &resource, &GRANTED, &["by-size"], Mode::Interface).unwrap()
}

pub fn resource_named(name: &str, upstream: &str) -> Value {
    object("SharedResource", "provider", name, &resource(upstream))
}

/// The serial of grant `n`.
pub fn serial(n: usize) -> String {
    format!("bench-{n:06}")
}

/// The name of grant `n` in namespace `provider`.
pub fn name(n: usize) -> String {
    format!("g-{n:06}")
}

/// A Revocation of grant `n`, as a file.
pub fn revocation(n: usize) -> String {
    text(&end(n))
}

/// A Revocation of grant `n`.
pub fn end(n: usize) -> Value {
    object(
        "Revocation",
        "provider",
        &format!("end-{n:06}"),
        &json!({
            "target": {"grant": {"serial": serial(n)}}, "clause": "End", "reason": "benchmark",
            "decidedBy": DIRECTOR, "decidedAt": Timestamp::now().round(jiff::Unit::Second).unwrap().to_string(),
        }),
    )
}

/// Days around now.
pub struct Times {
    day: String,
    approved: String,
    begins: String,
    ends: String,
    last_day: String,
}

impl Times {
    pub fn new(now: Timestamp) -> Self {
        let now = now.to_zoned(TimeZone::UTC).start_of_day().unwrap();
        let day = |days: i64| now.checked_add(days.days()).unwrap();
        Self {
            day: day(-3).date().to_string(),
            approved: day(-2).timestamp().to_string(),
            begins: day(-1).timestamp().to_string(),
            ends: day(90).timestamp().to_string(),
            last_day: day(100).date().to_string(),
        }
    }
}

fn resource(upstream: &str) -> Value {
    let kind = |name: &str| match name {
        "area" => "Number",
        "mortgaged" => "Boolean",
        _ => "String",
    };
    let field = |name: &&str| json!({"name": name, "title": name, "path": format!("$.data[*].{name}"), "type": kind(name), "class": "Internal"});
    json!({
        "title": "Homes", "direction": "Out",
        "provider": {"name": "Provider", "code": "12370100DEM000284H"},
        "channel": {"tier": "City", "platform": "bench"},
        "sharing": "Conditional",
        "fields": FIELDS.iter().map(field).collect::<Vec<_>>(),
        "interface": {
            "standard": "bench",
            "upstream": {"url": upstream, "timeout": "10s"},
            "operations": [{
                "name": "by-size", "title": "By size", "method": "GET", "path": "/homes/{size}",
                "parameters": [{"name": "size", "in": "Path"}],
            }],
        },
        "approval": [{"role": "Provider", "principals": [DIRECTOR], "threshold": 1}],
        "limits": {"maxResponseBytes": 8_388_608},
    })
}

/// Request `n` for a resource, and its signed grant.
pub fn pair(n: usize, resource: &str, key: &SigningKey, slice: Digest, times: &Times) -> [Value; 2] {
    let request = json!({
        "date": times.day,
        "applicant": {
            "unit": {"name": "国家税务总局济南市税务局（示例）", "code": "11370100DEM000268Y"},
            "person": "周示例", "phone": "0531-00000117",
            "system": {"name": format!("契税征管系统 {n}"), "sources": ["10.20.0.0/16", "127.0.0.0/8"]},
        },
        "receivedBy": "intake@provider.bench",
        "resourceRef": {"namespace": "provider", "name": resource},
        "purpose": "存量房交易契税申报时核对不动产坐落、面积、用途和权利人，减少纳税人提交纸质权属证明。",
        "legalBasis": "《中华人民共和国契税法》第十三条",
        "fields": GRANTED, "mode": "Interface", "operations": ["by-size"], "notAfter": times.last_day,
        "form": {"uri": "https://scans.example/a.pdf", "sha256": "0".repeat(64)},
        "commitment": {
            "uri": "https://scans.example/b.pdf", "sha256": "0".repeat(64),
            "accepts": ["ScopeOnly", "RotateCredentials", "ConsentProof", "NoCopy", "ThirdParty", "Recall", "Handover"],
        },
    });
    let request_name = format!("r-{n:06}");
    let spec: DataShareRequestSpec = serde_json::from_value(request.clone()).unwrap();
    let digest = digests::request("consumer", &request_name, &spec).unwrap();
    let mut grant = json!({
        "serial": serial(n),
        "requestRef": {"namespace": "consumer", "name": request_name, "digest": digest.to_string()},
        "resourceRef": {"name": resource, "digest": slice.to_string()},
        "decision": "Approved",
        "provider": {"contact": "孙示例", "phone": "0531-00000100", "email": "share@provider.example", "office": "济南市示例路1号"},
        "fields": GRANTED, "operations": ["by-size"],
        "notBefore": times.begins, "notAfter": times.ends,
        "credential": {"rotateEvery": "90d", "overlap": "24h"},
    });
    let spec: AccessGrantSpec = serde_json::from_value(grant.clone()).unwrap();
    let statement = Statement::new(SITE, "provider", &name(n), &spec).unwrap();
    let signature = key.sign(&statement.bytes("Provider", DIRECTOR, &times.approved).unwrap()).unwrap();
    grant["approvals"] = json!([
        {"role": "Provider", "principal": DIRECTOR, "approvedAt": times.approved, "signature": signature}
    ]);
    [
        object("DataShareRequest", "consumer", &request_name, &request),
        object("AccessGrant", "provider", &name(n), &grant),
    ]
}

fn object(kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "datashare.dev/v1alpha1", "kind": kind,
        "metadata": {"namespace": namespace, "name": name}, "spec": spec,
    })
}

fn text(object: &Value) -> String {
    serde_yaml::to_string(object).unwrap()
}
