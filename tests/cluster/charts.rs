//! The charts as helm renders them: without a complaint, strictly valid for the real API server whatever the values,
//! no values that make no sense, and nothing in a container that the restricted profile forbids.

mod arguments;
pub mod helm;
pub mod installed;
mod lifecycle;
mod network;
pub mod roles;

use std::fs;

use serde_json::{Value, json};

use crate::control_plane::eventually;
use helm::{chart, helm, render};
use installed::{NAMESPACE, installed};

/// Values that a real installation may have; each switch is thrown in one of them.
const VALUES: [&str; 4] = [
    "{}",
    "
watchNamespaces: [jinan-registration, tax-bureau]
gateway: {namespace: gateways, name: city, url: https://share.example}
image: {repository: registry.example/datashare, digest: 'sha256:0000000000000000000000000000000000000000000000000000000000000000'}
imagePullSecrets: [{name: pull}]
guard: {replicas: 3, threads: 4, antiAffinity: Required, tls: {secretName: guard-tls, caConfigMap: guard-ca}, archive: {secretName: archive}, siteKey: {secretName: site-key}, record: {size: 1Ti, storageClass: fast}}
networkPolicy:
  auditors: [{ipBlock: {cidr: 10.9.0.0/24}}]
  guarded: [{namespace: civil-affairs, podSelector: {matchLabels: {app: marriages}}}]
  monitoring: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
",
    "
settings: {site: jinan, timeZone: Asia/Shanghai, maxStaleness: 30s, trustedGateways: [10.244.0.0/16]}
signers: |
  director@registration.jinan ssh-ed25519 AAAA
  share@bigdata.jinan ssh-ed25519 BBBB
operator:
  replicas: 1
  podAnnotations: {team: registration}
  nodeSelector: {disk: fast}
  tolerations: [{key: dedicated, operator: Exists}]
  priorityClassName: system-cluster-critical
",
    "
guard: {audit: {enabled: false}}
admission: {enabled: false}
personas: {enabled: false}
networkPolicy: {enabled: false}
serviceMonitor: {enabled: true, interval: 10s, labels: {release: prometheus}}
prometheusRule: {enabled: true, labels: {release: prometheus}, runbook: https://wiki.example/datashare}
",
];

fn of<'a>(objects: &'a [Value], kind: &str, name: &str) -> Option<&'a Value> {
    objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
}

#[test]
fn charts_are_clean() {
    for name in ["datashare", "datashare-crds"] {
        let said = helm(None, &["lint", "--strict", &chart(name)]);
        assert!(said.ok, "{}{}", said.out, said.err);
        assert!(!said.out.contains("[WARNING]") && !said.out.contains("[ERROR]"), "{}", said.out);
    }
}

#[test]
fn every_rendering_is_strictly_valid() {
    let plane = installed();
    for namespace in ["jinan-registration", "tax-bureau", "gateways", "civil-affairs"] {
        plane.named_namespace(namespace);
    }
    // where nothing is installed: some of a StatefulSet is for ever
    let namespace = plane.namespace("rendered");
    for values in VALUES {
        let said = helm::template_for(&namespace, "datashare", values);
        let mut objects = helm::objects(&said.out);
        // its definition belongs to Prometheus' operator; and pods are tried below, where there is an account for them
        objects
            .retain(|object| !["ServiceMonitor", "PrometheusRule", "Pod"].contains(&object["kind"].as_str().unwrap()));
        assert!(objects.len() > 10, "{values}");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("all.json");
        fs::write(&file, list.to_string()).unwrap();
        let file = file.to_str().unwrap();
        let flags = ["--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict"];
        let said = plane.kubectl(&[&["apply", "-f", file][..], &flags].concat());
        assert!(said.ok, "{values}: {}", said.err);
        assert_eq!(said.err, "", "{values}: the server warns");
    }
}

#[test]
fn values_that_make_no_sense_are_refused_by_name() {
    for (values, member) in [
        ("guards: {replicas: 2}", "guards"),
        ("guard: {replicas: 0}", "replicas"),
        ("guard: {replica: 3}", "replica"),
        ("guard: {antiAffinity: Never}", "antiAffinity"),
        ("guard: {record: {size: big}}", "size"),
        ("guard: {audit: {enabled: maybe}}", "enabled"),
        ("networkPolicy: {auditors: [everybody]}", "auditors"),
        ("image: {digest: latest}", "digest"),
        ("gateway: {name: city}", "namespace"),
        ("gateway: {url: share.example}", "url"),
        ("guard: {tls: {secretName: guard-tls}}", "caConfigMap"),
        ("settings: {timeZone: UTC}", "site"),
        ("settings: {site: jinan, stale: 3s}", "stale"),
        ("settings: {site: jinan, maxStaleness: long}", "maxStaleness"),
        ("watchNamespaces: [Tax_Bureau]", "watchNamespaces"),
        ("admission: {policyGroups: []}", "policyGroups"),
        ("networkPolicy: {guarded: [{namespace: a}]}", "podSelector"),
    ] {
        let said = helm::template("datashare", values);
        assert!(!said.ok, "{values} was taken");
        assert!(said.err.contains(member), "{values}: {}", said.err);
    }
}

#[test]
fn the_definitions_are_the_committed_ones_and_outlive_the_chart() {
    let rendered = render("datashare-crds", "{}");
    let mut committed = Vec::new();
    for kind in datashare::api::v1alpha1::Kind::ALL {
        let mut definition = datashare::api::v1alpha1::definition::definition(kind);
        definition["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
        committed.push(definition);
    }
    let by_name = |all: &mut Vec<Value>| all.sort_by_key(|object| object["metadata"]["name"].to_string());
    let mut rendered = rendered;
    by_name(&mut rendered);
    by_name(&mut committed);
    assert_eq!(rendered, committed);
}

#[test]
fn pods_keep_to_the_restricted_profile() {
    let plane = installed();
    let namespace = plane.namespace("restricted");
    let labels = json!({"metadata": {"labels": {
        "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest",
    }}});
    assert_eq!(plane.ask("PATCH", &format!("/api/v1/namespaces/{namespace}"), &labels).status, 200);
    for account in ["datashare-operator", "datashare-guard", "default"] {
        let uri = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        // a controller may have made the default one
        let status = plane.ask("POST", &uri, &json!({"metadata": {"name": account}})).status;
        assert!(matches!(status, 201 | 409), "{account}: {status}");
    }
    let uri = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict");
    let mut seen = 0;
    for values in VALUES {
        let values = values.replace("priorityClassName: system-cluster-critical", "");
        for object in render("datashare", &values) {
            let template = match object["kind"].as_str() {
                Some("Pod") => &object,
                Some("Deployment" | "StatefulSet") => &object["spec"]["template"],
                _ => continue,
            };
            let mut pod = json!({"metadata": {"name": "tried"}, "spec": template["spec"]});
            // what the controller of a StatefulSet adds
            if object["kind"] == "StatefulSet" {
                let mut volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
                volumes.push(json!({"name": "record", "persistentVolumeClaim": {"claimName": "record"}}));
                pod["spec"]["volumes"] = json!(volumes);
            }
            // the account's existence is told to the server's admission by a watch
            eventually("the pod is admitted", || {
                let answer = plane.ask("POST", &uri, &pod);
                assert!(!answer.message().contains("PodSecurity"), "{}", answer.message());
                (answer.status == 201).then_some(())
            });
            seen += 1;
        }
    }
    assert_eq!(seen, 3 * VALUES.len());
}

#[test]
fn guards_keep_their_record_and_never_leave_all_at_once() {
    let objects = render("datashare", VALUES[1]);
    let guards = &of(&objects, "StatefulSet", "datashare-guard").unwrap()["spec"];
    assert_eq!(guards["replicas"], 3);
    assert_eq!(
        guards["persistentVolumeClaimRetentionPolicy"],
        json!({"whenDeleted": "Retain", "whenScaled": "Retain"})
    );
    let claim = &guards["volumeClaimTemplates"][0];
    assert_eq!(claim["spec"]["storageClassName"], "fast");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "1Ti");
    let container = &guards["template"]["spec"]["containers"][0];
    assert!(container["image"].as_str().unwrap().starts_with("registry.example/datashare@sha256:"));
    let mount = json!({"name": "record", "mountPath": "/var/lib/datashare"});
    assert!(container["volumeMounts"].as_array().unwrap().contains(&mount));
    let affinity = &guards["template"]["spec"]["affinity"]["podAntiAffinity"];
    assert_eq!(
        affinity["requiredDuringSchedulingIgnoredDuringExecution"][0]["labelSelector"]["matchLabels"],
        guards["selector"]["matchLabels"]
    );
    for name in ["datashare-guard", "datashare-operator"] {
        assert_eq!(of(&objects, "PodDisruptionBudget", name).unwrap()["spec"]["maxUnavailable"], 1);
    }
    let preferred = render("datashare", "{}");
    let guards = &of(&preferred, "StatefulSet", "datashare-guard").unwrap()["spec"]["template"]["spec"];
    let term = &guards["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0];
    assert_eq!(term["podAffinityTerm"]["topologyKey"], "kubernetes.io/hostname");
}

#[test]
fn settings_and_signers_are_what_the_product_reads() {
    let objects = render("datashare", VALUES[2]);
    let map = of(&objects, "ConfigMap", "datashare-settings").unwrap();
    let text = map["data"]["datashare.yaml"].as_str().unwrap();
    let read = datashare::source::yaml::parse(text).remove(0).unwrap().value;
    let settings: datashare::settings::Settings = serde_json::from_value(read).unwrap();
    assert_eq!(settings.site, "jinan");
    assert_eq!(settings.trusted_gateways.len(), 1);
    let map = of(&objects, "ConfigMap", "datashare-signers").unwrap();
    let lines: Vec<_> = map["data"]["allowed_signers"].as_str().unwrap().lines().collect();
    assert_eq!(lines, ["director@registration.jinan ssh-ed25519 AAAA", "share@bigdata.jinan ssh-ed25519 BBBB"]);
    for map in ["datashare-settings", "datashare-signers"] {
        assert_eq!(
            of(&objects, "ConfigMap", map).unwrap()["metadata"]["labels"]["app.kubernetes.io/part-of"],
            "datashare"
        );
        assert_eq!(of(&render("datashare", "{}"), "ConfigMap", map), None, "yours, unless the values have them");
    }
}

#[test]
fn rights_end_where_watching_ends() {
    for (values, kind, many) in [(VALUES[0], "ClusterRoleBinding", 1), (VALUES[1], "RoleBinding", 2)] {
        let objects = render("datashare", values);
        for name in ["datashare-operator", "datashare-guard"] {
            let bindings = objects.iter().filter(|object| {
                object["metadata"]["name"] == name
                    && object["roleRef"]
                        == json!({
                            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name,
                        })
            });
            let kinds: Vec<_> = bindings.map(|binding| binding["kind"].as_str().unwrap()).collect();
            assert_eq!(kinds, vec![kind; many], "{name}");
        }
    }
}

#[test]
fn every_service_and_budget_finds_its_pods() {
    for values in VALUES {
        let objects = render("datashare", values);
        let pods: Vec<&Value> = objects
            .iter()
            .filter(|object| matches!(object["kind"].as_str(), Some("Deployment" | "StatefulSet")))
            .map(|object| &object["spec"]["template"])
            .collect();
        for object in &objects {
            let selector = match object["kind"].as_str() {
                Some("Service") => &object["spec"]["selector"],
                Some("PodDisruptionBudget" | "Deployment" | "StatefulSet") => {
                    &object["spec"]["selector"]["matchLabels"]
                }
                _ => continue,
            };
            let selector = selector.as_object().unwrap();
            let found: Vec<_> = pods
                .iter()
                .filter(|pod| selector.iter().all(|(name, value)| pod["metadata"]["labels"][name] == *value))
                .collect();
            assert_eq!(found.len(), 1, "{object}");
            let ports = found[0]["spec"]["containers"][0]["ports"].as_array().unwrap();
            for port in object["spec"]["ports"].as_array().into_iter().flatten() {
                assert!(ports.iter().any(|own| own["name"] == port["targetPort"]), "{port}");
            }
        }
        let monitor = of(&objects, "ServiceMonitor", "datashare");
        assert_eq!(monitor.is_some(), values.contains("serviceMonitor"));
        let rules = of(&objects, "PrometheusRule", "datashare");
        assert_eq!(rules.is_some(), values.contains("prometheusRule"));
        for rule in rules.iter().flat_map(|rules| rules["spec"]["groups"].as_array().unwrap()) {
            for alert in rule["rules"].as_array().unwrap() {
                let link = alert["annotations"]["runbook_url"].as_str().unwrap();
                assert!(link.starts_with("https://wiki.example/datashare#datashare"), "{alert}");
            }
        }
    }
}
