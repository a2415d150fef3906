//! `datashare get` and `token` over a state directory.

use datashare::api::v1alpha1::{AccessGrant, AuditPolicy, DataShareRequest, Revocation, SharedResource};
use datashare::delivery::state_dir::StateDir;
use kube::CustomResourceExt;

use super::{datashare, edit, jinan};

#[test]
fn columns_are_those_of_the_definitions() {
    let (place, root) = jinan();
    let _held = StateDir::hold(&place.path().join(".datashare"), &root).unwrap();
    let revoked =
        datashare(&root, &["revoke", "--person", "p-1", "--clause", "4.3.1", "--reason", "r", "--decided-by", "d"]);
    assert_eq!(revoked.code, 0, "{}", revoked.messages);
    let kinds = [
        ("shr", SharedResource::crd()),
        ("DataShareRequests", DataShareRequest::crd()),
        ("accessgrant", AccessGrant::crd()),
        ("AP", AuditPolicy::crd()),
        ("rev", Revocation::crd()),
    ];
    for (word, crd) in kinds {
        let columns: Vec<_> = crd.spec.versions[0].additional_printer_columns.clone().unwrap();
        let heading = |wide: bool| {
            let own = columns.iter().filter(|c| wide || c.priority.unwrap_or(0) == 0).map(|c| c.name.to_uppercase());
            ["NAMESPACE", "NAME"].map(str::to_owned).into_iter().chain(own).collect::<Vec<_>>()
        };
        for (form, wide) in [("table", false), ("wide", true)] {
            let ran = datashare(place.path(), &["get", word, "-o", form]);
            assert_eq!(ran.code, 0, "{}", ran.messages);
            let first = ran.out.lines().next().unwrap();
            let shown: Vec<_> = first.split("   ").map(str::trim).filter(|name| !name.is_empty()).collect();
            assert_eq!(shown, heading(wide), "{word} {form}");
        }
    }
    let all = datashare(place.path(), &["get", "dsr", "-A"]);
    assert_eq!(all.out, datashare(place.path(), &["get", "dsr"]).out);
    assert_eq!(datashare(place.path(), &["get", "dsr", "-A", "-n", "court"]).code, 2);
    let one = datashare(place.path(), &["get", "ag", "deed-tax", "-n", "jinan-registration"]);
    assert!(one.out.starts_with("NAME ") && one.out.lines().count() == 2, "{}", one.out);
    assert!(
        one.out.contains("济登共享") && one.out.contains("director@registration.jinan share@bigdata.jinan"),
        "{}",
        one.out
    );
}

#[test]
fn lists_hold_objects_with_status() {
    let (place, root) = jinan();
    let _held = StateDir::hold(&place.path().join(".datashare"), &root).unwrap();
    for name in [&[][..], &["deed-tax"]] {
        let words: Vec<&str> = ["get", "dsr"].iter().chain(name).chain(&["-o", "json"]).copied().collect();
        let list = datashare(place.path(), &words).json();
        assert_eq!((&list["kind"], &list["apiVersion"]), (&"List".into(), &"v1".into()));
        assert!(!list["items"].as_array().unwrap().is_empty());
        for item in list["items"].as_array().unwrap() {
            assert_eq!(item["kind"], "DataShareRequest");
            assert!(item["status"]["digest"].as_str().unwrap().starts_with("sha256:"), "{item}");
            assert!(item["status"]["dueBy"].is_string() && item["status"]["phase"].is_string(), "{item}");
            let ready: Vec<_> =
                item["status"]["conditions"].as_array().unwrap().iter().filter(|c| c["type"] == "Ready").collect();
            assert!(ready.len() == 1 && ready[0]["status"] == "False", "no token is minted: {item}");
        }
    }
    let denied = datashare(place.path(), &["get", "dsr", "inheritance", "-o", "json"]).json();
    assert_eq!(denied["items"][0]["status"]["phase"], "Denied");
    let yaml = datashare(place.path(), &["get", "ap", "-o", "yaml"]);
    assert!(yaml.code == 0 && yaml.out.starts_with("apiVersion: v1\nkind: List\n"), "{}", yaml.out);
}

#[test]
fn what_is_not_there_is_said() {
    let (place, root) = jinan();
    assert_eq!(datashare(place.path(), &["get", "ag"]).code, 2, "no state yet");
    let held = StateDir::hold(&place.path().join(".datashare"), &root).unwrap();
    let none = datashare(place.path(), &["get", "ag", "nobody"]);
    assert!(none.code == 1 && none.out.is_empty() && none.messages.contains("nobody"), "{}", none.messages);
    let near = datashare(place.path(), &["get", "ag", "deedtax"]);
    assert!(near.code == 1 && near.messages.contains("did you mean deed-tax?"), "{}", near.messages);
    let near = datashare(place.path(), &["token", "tax-bureau/deedtax"]);
    assert!(near.code == 1 && near.messages.contains("did you mean tax-bureau/deed-tax?"), "{}", near.messages);
    let empty = datashare(place.path(), &["get", "rev"]);
    assert_eq!((empty.code, empty.out.as_str(), empty.messages.as_str()), (0, "", "No resources found\n"));
    edit(&root.join("resources/household.yaml"), "title:", "titel:");
    let broken = datashare(place.path(), &["get", "shr"]);
    assert!(broken.code == 0 && broken.messages.contains("1 errors"), "{}", broken.messages);
    drop(held);
    let list = datashare(place.path(), &["get", "ap", "-o", "json"]).json();
    assert_eq!(list["items"][0]["status"]["conditions"][0]["reason"], "NoGuard", "nobody holds the state");
}

#[test]
fn tokens_are_for_granted_requests() {
    let (place, root) = jinan();
    let _held = StateDir::hold(&place.path().join(".datashare"), &root).unwrap();
    for (request, why) in [
        ("notary-office/inheritance", "Denied"),
        ("registration-staff/household-check", "pending"),
        ("nowhere/nothing", "no DataShareRequest"),
    ] {
        let ran = datashare(place.path(), &["token", request]);
        assert!(ran.code == 1 && ran.out.is_empty() && ran.messages.contains(why), "{request}: {}", ran.messages);
    }
}
