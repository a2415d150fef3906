//! Contour, as it runs outside a cluster: for the one Gateway that it is told of. Envoy is started here.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::programs::{Gateways, Program, envoy};
use super::site::Site;
use crate::control_plane::eventually;

pub const CONTROLLER: &str = "projectcontour.io/gateway-controller";
pub const PORT: u16 = 8080;
const CONFIGURATION: u16 = 8001;

pub fn start(site: &Site) -> Vec<Program> {
    let gateways = Gateways::with(&["envoy", "contour"]);
    site.define(&gateways.find("contour-definitions"));
    let folder = site.folder.path();
    let gateway = controller(&gateways, site);
    eventually("Contour tells what it knows", || {
        std::net::TcpStream::connect(("127.0.0.1", CONFIGURATION)).is_ok().then_some(())
    });
    let bootstrap = folder.join("envoy.json");
    let mut made = Command::new(gateways.find("contour"));
    made.arg("bootstrap").arg(&bootstrap).arg("--admin-address").arg(folder.join("admin"));
    made.args(["--xds-address", "127.0.0.1", "--xds-port", &CONFIGURATION.to_string(), "--dns-lookup-family", "v4"]);
    let output = made.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    vec![envoy(&gateways, &folder.join("envoy"), &bootstrap), gateway]
}

fn controller(gateways: &Gateways, site: &Site) -> Program {
    let settings = json!({"gateway": {"gatewayRef": {"namespace": "gateways", "name": "city"}}});
    let settings = site.write("contour.yaml", &settings);
    let kubeconfig = site.plane.kubeconfig(None).display().to_string();
    let program = gateways.find("contour").display().to_string();
    let mut command = vec![program, "serve".to_owned(), "--config-path".to_owned(), settings];
    command.extend(["--kubeconfig".to_owned(), kubeconfig]);
    command.extend(["--insecure", "--disable-leader-election", "--xds-address", "127.0.0.1"].map(str::to_owned));
    // what the standard channel of Gateway API does not have, or has in another version
    command.extend(["tlsroutes", "tcproutes", "backendtlspolicies"].map(|name| format!("--disable-feature={name}")));
    Program::start(Path::new(&site.folder.path().join("contour")), &[], &command)
}
