//! Envoy Gateway, as it runs outside a cluster: it only tells Envoy what to do, and Envoy is started here. It reads its
//! certificates at a fixed place, so it gets a root of its own. That a Gateway is programmed it says when the
//! Deployment and the Service that it would make are there; they are only said to be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::programs::{Gateways, Program, envoy};
use super::site::Site;
use crate::control_plane::eventually;

pub const CONTROLLER: &str = "gateway.envoyproxy.io/gatewayclass-controller";
pub const PORT: u16 = 10080;
const NAMESPACE: &str = "envoy-gateway-system";
const CONFIGURATION: u16 = 18000;

pub fn start(site: &Site) -> Vec<Program> {
    let gateways = Gateways::with(&["envoy", "envoy-gateway"]);
    site.define(&gateways.find("envoy-gateway-definitions"));
    stand_in(site);
    let folder = site.folder.path();
    let certificates = certificates(&gateways, site);
    let gateway = controller(&gateways, site, &certificates);
    eventually("Envoy Gateway tells what it knows", || {
        std::net::TcpStream::connect(("127.0.0.1", CONFIGURATION)).is_ok().then_some(())
    });
    let bootstrap = site.write("envoy.json", &bootstrap(folder, &certificates.join("envoy")));
    vec![envoy(&gateways, &folder.join("envoy"), Path::new(&bootstrap)), gateway]
}

/// What it would make for the Gateway.
fn stand_in(site: &Site) {
    site.plane.named_namespace(NAMESPACE);
    let labels = json!({
        "app.kubernetes.io/component": "proxy", "app.kubernetes.io/managed-by": "envoy-gateway",
        "app.kubernetes.io/name": "envoy", "gateway.envoyproxy.io/owning-gateway-name": "city",
        "gateway.envoyproxy.io/owning-gateway-namespace": "gateways",
    });
    let metadata = json!({"name": "envoy-city", "namespace": NAMESPACE, "labels": labels});
    site.apply(&json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata,
        "spec": {"type": "ClusterIP", "selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": PORT}]},
    }));
    site.apply(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "envoy", "image": "envoy"}]},
        }},
    }));
    let uri = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/envoy-city/status");
    let status = json!({"status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}});
    let answer = site.plane.ask("PATCH", &uri, &status);
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Made as an installation makes them: Secrets in the cluster. Below the folder `envoy-gateway` and `envoy`.
fn certificates(gateways: &Gateways, site: &Site) -> PathBuf {
    let mut made = Command::new(gateways.find("envoy-gateway"));
    made.args(["certgen", "--disable-topology-injector"]).env("ENVOY_GATEWAY_NAMESPACE", NAMESPACE);
    let output = made.env("KUBECONFIG", site.plane.kubeconfig(None)).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let folder = site.folder.path().join("certificates");
    for name in ["envoy-gateway", "envoy"] {
        let secret = site.get(&format!("/api/v1/namespaces/{NAMESPACE}/secrets/{name}")).unwrap();
        fs::create_dir_all(folder.join(name)).unwrap();
        for file in ["ca.crt", "tls.crt", "tls.key"] {
            let content = STANDARD.decode(secret["data"][file].as_str().unwrap()).unwrap();
            fs::write(folder.join(name).join(file), content).unwrap();
        }
    }
    folder
}

fn controller(gateways: &Gateways, site: &Site, certificates: &Path) -> Program {
    let root = site.folder.path().join("root");
    fs::create_dir_all(root.join("tmp")).unwrap();
    fs::rename(certificates.join("envoy-gateway"), root.join("certs")).unwrap();
    let program = gateways.find("envoy-gateway");
    fs::hard_link(&program, root.join("program"))
        .or_else(|_| fs::copy(&program, root.join("program")).map(drop))
        .unwrap();
    fs::copy(site.plane.kubeconfig(None), root.join("kubeconfig")).unwrap();
    let settings = json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyGateway",
        "gateway": {"controllerName": CONTROLLER},
        "provider": {"type": "Custom", "custom": {"resource": {"type": "Kubernetes", "kubernetes": {
            "client": {"rateLimit": {"qps": 500, "burst": 1000}}, "leaderElection": {"disable": true},
        }}}},
    });
    fs::write(root.join("settings.yaml"), settings.to_string()).unwrap();
    let variables = ["KUBECONFIG=/kubeconfig".to_owned(), format!("ENVOY_GATEWAY_NAMESPACE={NAMESPACE}")];
    let root = root.display().to_string();
    let command = ["chroot", &root, "/program", "server", "--config-path", "/settings.yaml"].map(str::to_owned);
    Program::start(&site.folder.path().join("envoy-gateway"), &variables, &command)
}

fn bootstrap(folder: &Path, certificates: &Path) -> Value {
    let file = |name: &str| json!({"filename": certificates.join(name)});
    let http2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let (from, tls) =
        (json!({"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}), "tls_certificates");
    json!({
        "admin": {"address": {"pipe": {"path": folder.join("admin")}}},
        "dynamic_resources": {
            "ads_config": {"api_type": "DELTA_GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": true,
                // without it Envoy comes back up to half a minute late
                "grpc_services": [{"envoy_grpc": {"cluster_name": "gateway",
                    "retry_policy": {"retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"}}}}]},
            "lds_config": from, "cds_config": from,
        },
        "static_resources": {"clusters": [{
            "name": "gateway", "type": "STATIC", "connect_timeout": "5s",
            "load_assignment": {"cluster_name": "gateway", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
                "socket_address": {"address": "127.0.0.1", "port_value": CONFIGURATION}}}}]}]},
            "typed_extension_protocol_options": {http2: {
                "@type": format!("type.googleapis.com/{http2}"), "explicit_http_config": {"http2_protocol_options": {}}}},
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": {
                    "tls_params": {"tls_maximum_protocol_version": "TLSv1_3"},
                    tls: [{"certificate_chain": file("tls.crt"), "private_key": file("tls.key")}],
                    "validation_context": {"trusted_ca": file("ca.crt")},
                }}},
        }]},
    })
}
