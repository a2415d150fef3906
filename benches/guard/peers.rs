//! Plain hops through Envoy and nginx, one worker each, with connections kept open upstream.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Running, free_address};

/// Installs what is missing; gives the folder of Envoy.
pub fn install() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers.sh");
    let output = Command::new(script).stderr(std::process::Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "benches/peers.sh failed");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

pub fn envoy(cache: &Path, folder: &Path, upstream: SocketAddr) -> (SocketAddr, Running) {
    let address = free_address();
    let config = format!(
        r#"
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {listen}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          route_config:
            virtual_hosts:
            - {{name: all, domains: ["*"], routes: [{{match: {{prefix: "/"}}, route: {{cluster: upstream}}}}]}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: upstream
    type: STATIC
    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}
"#,
        listen = address.port(),
        upstream = upstream.port()
    );
    let file = folder.join("envoy.yaml");
    fs::write(&file, config).unwrap();
    // the real program, not the wheel's script around it: its time is what is measured
    let program = find(cache, "envoy").expect("Envoy's program in its wheel");
    let mut command = Command::new(program);
    command.arg("-c").arg(file).args(["--concurrency", "1", "--log-level", "off", "--use-dynamic-base-id"]);
    (address, Running::start(&mut command, address))
}

pub fn nginx(folder: &Path, upstream: SocketAddr) -> Option<(SocketAddr, Running)> {
    let program =
        ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"].into_iter().find(|p| Path::new(p).exists())?;
    let address = free_address();
    let here = folder.display();
    let config = format!(
        "daemon off; master_process off; worker_processes 1; pid {here}/nginx.pid; error_log /dev/null;
        events {{ worker_connections 1024; }}
        http {{
          access_log off; keepalive_requests 1000000000; proxy_buffers 16 16k; proxy_busy_buffers_size 64k;
          client_body_temp_path {here}/t1; proxy_temp_path {here}/t2; fastcgi_temp_path {here}/t3;
          uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;
          upstream up {{ server {upstream}; keepalive 128; keepalive_requests 1000000000; }}
          server {{
            listen {address};
            location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}
          }}
        }}"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(program);
    command.arg("-c").arg(file).arg("-p").arg(folder).arg("-e").arg("/dev/null");
    Some((address, Running::start(&mut command, address)))
}

/// The largest file of this name: a program, not a script that starts it.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut best: Option<(u64, PathBuf)> = None;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let Ok(meta) = entry.path().symlink_metadata() else { continue };
            if meta.is_dir() {
                folders.push(entry.path());
            } else if entry.file_name() == name && best.as_ref().is_none_or(|(size, _)| meta.len() > *size) {
                best = Some((meta.len(), entry.path()));
            }
        }
    }
    best.map(|(_, path)| path)
}
