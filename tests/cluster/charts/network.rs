//! Who reaches whom, as the policies say it: only the gateway reaches the guards, only the guards reach upstreams.

use serde_json::{Value, json};

use super::helm::render;
use super::{VALUES, of};

fn policy(values: &str, name: &str) -> Value {
    of(&render("datashare", values), "NetworkPolicy", name).unwrap()["spec"].clone()
}

/// Peers that a policy lets in at a port.
fn callers(policy: &Value, port: &str) -> Vec<Value> {
    let rules = policy["ingress"].as_array().unwrap().iter();
    let at = rules.filter(|rule| rule["ports"].as_array().unwrap().contains(&json!({"port": port})));
    at.flat_map(|rule| rule["from"].as_array().unwrap().clone()).collect()
}

#[test]
fn only_the_gateway_reaches_the_guards() {
    assert_eq!(callers(&policy("{}", "datashare-guard"), "calls"), Vec::<Value>::new(), "without one, nobody");
    let of_gateway = json!({
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}},
        "podSelector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "city"}},
    });
    assert_eq!(callers(&policy(VALUES[1], "datashare-guard"), "calls"), [of_gateway]);
    let own = "networkPolicy: {callers: [{podSelector: {matchLabels: {app: envoy}}}]}";
    assert_eq!(
        callers(&policy(own, "datashare-guard"), "calls"),
        [json!({"podSelector": {"matchLabels": {"app": "envoy"}}})]
    );
    for values in VALUES.iter().take(3) {
        for name in ["datashare-guard", "datashare-operator"] {
            let policy = policy(values, name);
            assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
            let rules = policy["ingress"].as_array().unwrap();
            // an empty or absent list of peers or ports would be everybody and everything
            assert!(rules.iter().all(|rule| !rule["from"].as_array().unwrap().is_empty()), "{rules:?}");
            assert!(rules.iter().all(|rule| !rule["ports"].as_array().unwrap().is_empty()), "{rules:?}");
        }
    }
}

#[test]
fn only_auditors_reach_the_audit_port_and_no_other() {
    assert_eq!(callers(&policy("{}", "datashare-guard"), "audit"), Vec::<Value>::new(), "nobody unless named");
    let named = policy(VALUES[1], "datashare-guard");
    let auditors = json!({"ipBlock": {"cidr": "10.9.0.0/24"}});
    assert_eq!(callers(&named, "audit"), std::slice::from_ref(&auditors));
    for port in ["calls", "metrics"] {
        assert!(!callers(&named, port).contains(&auditors), "{port}");
    }
    let off = "networkPolicy: {auditors: [{ipBlock: {cidr: 10.9.0.0/24}}]}\nguard: {audit: {enabled: false}}";
    assert_eq!(callers(&policy(off, "datashare-guard"), "audit"), Vec::<Value>::new());
    let ports = |values: &str| {
        let objects = render("datashare", values);
        let guards = of(&objects, "StatefulSet", "datashare-guard").unwrap();
        let container = &guards["spec"]["template"]["spec"]["containers"][0];
        let audit = |word: &Value| word.as_str().unwrap().starts_with("--audit");
        let listens = container["args"].as_array().unwrap().iter().any(audit);
        let named = container["ports"].as_array().unwrap().iter().any(|port| port["name"] == "audit");
        let rights = of(&objects, "ClusterRoleBinding", "datashare-guard-audit").is_some();
        [listens, named, rights]
    };
    assert_eq!(ports("{}"), [true; 3]);
    assert_eq!(ports(VALUES[3]), [false; 3], "a right that nobody needs is not given");
}

#[test]
fn only_the_guards_reach_upstreams() {
    let guarded = policy(VALUES[1], "datashare-only-guards-0");
    assert_eq!(guarded["podSelector"], json!({"matchLabels": {"app": "marriages"}}));
    let guards =
        &of(&render("datashare", VALUES[1]), "StatefulSet", "datashare-guard").unwrap()["spec"]["selector"].clone();
    assert_eq!(
        guarded["ingress"],
        json!([{"from": [{
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": super::NAMESPACE}},
            "podSelector": guards,
        }]}])
    );
    // the operator reaches names and the API server
    let narrow = "networkPolicy: {apiServer: {ports: [6443], cidrs: [10.0.0.10/32]}}";
    assert_eq!(
        policy(narrow, "datashare-operator")["egress"],
        json!([
            {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
            {"ports": [{"port": 6443}], "to": [{"ipBlock": {"cidr": "10.0.0.10/32"}}]},
        ])
    );
    let ports = json!([{"port": 443}, {"port": 6443}]);
    assert_eq!(policy("{}", "datashare-operator")["egress"][1], json!({"ports": ports}));
    let guard = policy("{}", "datashare-guard");
    let to: Vec<_> =
        guard["egress"].as_array().unwrap().iter().filter_map(|rule| rule["to"].as_array()).flatten().collect();
    let metadata = to.iter().any(|peer| peer["ipBlock"]["except"] == json!(["169.254.0.0/16"]));
    assert!(metadata, "the machine's own metadata service is no upstream: {to:?}");
}
