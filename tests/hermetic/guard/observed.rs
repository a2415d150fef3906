//! Metrics and health, on a socket of their own.

use std::net::SocketAddr;

use datashare::guard::observe;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::talk::Caller;
use super::upstream::Upstream;
use super::world::{Plan, World};

struct Observed {
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Observed {
    fn of(world: &World) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let (guard, token) = (world.guard.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                observe::serve(guard, listener, token).await;
            });
        });
        Self { address, stop, thread: Some(thread) }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut caller = Caller::connect(self.address);
        caller.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let reply = caller.read().unwrap();
        (reply.status, String::from_utf8(reply.body).unwrap())
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.stop.cancel();
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn metrics_count_by_code_and_health_follows_view_and_record() {
    let upstream = Upstream::usual();
    let world = Plan::new(upstream.address).start();
    let observed = Observed::of(&world);
    assert_eq!(world.get("deed-tax", "1").status, 200);
    assert_eq!(world.get("nobody", "1").status, 401);
    let (status, text) = observed.get("/metrics");
    assert_eq!(status, 200);
    for line in [
        "datashare_guard_calls_total{code=\"released\"} 1\n",
        "datashare_guard_calls_total{code=\"credential-invalid\"} 1\n",
        "datashare_guard_upstream_seconds_count 1\n",
        "datashare_guard_record_seconds_count 1\n",
        "datashare_guard_open_calls 0\n",
        "datashare_guard_grants 1\n",
        "datashare_guard_view_age_seconds 0.0\n",
    ] {
        assert!(text.contains(line), "{line} not in {text}");
    }
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(observed.get("/healthz").0, 200);
    assert_eq!(observed.get("/readyz").0, 200);
    assert_eq!(observed.get("/other").0, 404);
    world.clock.advance(SignedDuration::from_secs(31));
    assert_eq!(observed.get("/readyz").0, 503);
    assert_eq!(observed.get("/healthz").0, 200);
}
