//! A way to the API server that a test can cut: silently, as a broken network does, or by closing every connection.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

use crate::control_plane::{ControlPlane, Identity};

const OPEN: u8 = 0;
/// Connections stay, and nothing comes through.
const SILENT: u8 = 1;
/// Connections end, and new ones too.
const CLOSED: u8 = 2;

/// Its threads end with the connections.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<AtomicU8>,
}

impl Proxy {
    /// A way to this server.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::new(AtomicU8::new(OPEN)));
        let shared = state.clone();
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                // while the server is away a connection ends at once
                let Ok(far) = TcpStream::connect(server) else { continue };
                pump(near.try_clone().unwrap(), far.try_clone().unwrap(), shared.clone());
                pump(far, near, shared.clone());
            }
        });
        Self { address, state }
    }

    pub fn silence(&self) {
        self.state.store(SILENT, Ordering::SeqCst);
    }

    pub fn close(&self) {
        self.state.store(CLOSED, Ordering::SeqCst);
    }

    pub fn mend(&self) {
        self.state.store(OPEN, Ordering::SeqCst);
    }

    /// Somebody's kubeconfig that leads through here.
    pub fn kubeconfig(&self, plane: &ControlPlane, identity: Option<&Identity>) -> PathBuf {
        let given = plane.kubeconfig(identity);
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&given).unwrap()).unwrap();
        config["clusters"][0]["cluster"]["server"] = Value::from(format!("https://{}", self.address));
        let own = given.with_extension(format!("{}.kubeconfig", self.address.port()));
        fs::write(&own, config.to_string()).unwrap();
        own
    }

    pub fn client(&self, plane: &ControlPlane, identity: Option<&Identity>) -> Client {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig(plane, identity)).unwrap();
        plane.run(async {
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
            Client::try_from(config).unwrap()
        })
    }
}

/// Where a control plane's API server answers.
pub fn server(plane: &ControlPlane) -> SocketAddr {
    let config: Value = serde_json::from_str(&fs::read_to_string(plane.kubeconfig(None)).unwrap()).unwrap();
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
    server.strip_prefix("https://").unwrap().parse().unwrap()
}

fn pump(mut from: TcpStream, mut to: TcpStream, state: Arc<AtomicU8>) {
    from.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = from.read(&mut buffer);
            while state.load(Ordering::SeqCst) == SILENT {
                thread::sleep(Duration::from_millis(5));
            }
            let waits = |error: &std::io::Error| {
                matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
            };
            match read {
                _ if state.load(Ordering::SeqCst) == CLOSED => break,
                Err(error) if waits(&error) => {}
                Ok(0) | Err(_) => break,
                Ok(length) => {
                    if to.write_all(&buffer[..length]).is_err() {
                        break;
                    }
                }
            }
        }
        // one way is over, so is the other
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}
