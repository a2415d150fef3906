//! A network of a test's own: the test runs itself again in a namespace whose only interface is the loopback, with a
//! few addresses more on it. Gateways may take the ports they want there, EndpointSlices get addresses that are no
//! loopback addresses, and the machine's own network is not touched. It goes away with the test.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

use rustix::process::geteuid;
use tokio::net::TcpSocket;

use crate::guard::running::{Reply, get_over};

/// Where gateway and guard answer.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 231, 0, 1);
/// A consumer as the request names it, and one that it does not name.
pub const CONSUMER: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 9);
pub const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 21, 0, 9);

/// Set in the copy of a test that is inside.
const INSIDE: &str = "CLUSTER_SUITE_IS_INSIDE";

const PREPARE: &str = r#"
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
for address in $ADDRESSES; do ip address add "$address/32" dev lo; done
exec "$@"
"#;

/// Runs a test, by its full name, inside.
pub fn inside(test: &str, body: impl FnOnce()) {
    if std::env::var(INSIDE).is_ok_and(|name| name == test) {
        return body();
    }
    let mut copy = Command::new("unshare");
    if !geteuid().is_root() {
        copy.args(["--user", "--map-root-user"]);
    }
    copy.args(["--net", "--fork", "--kill-child", "sh", "-euc", PREPARE, "sh"]);
    copy.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--include-ignored", "--nocapture"]);
    copy.env(INSIDE, test).env("ADDRESSES", [GATEWAY, CONSUMER, STRANGER].map(|address| address.to_string()).join(" "));
    // what it says is shown where this test's own words are
    let mut copy = copy.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut said = String::new();
    copy.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    println!("{said}");
    let ended = copy.wait().unwrap();
    assert!(ended.success() && said.contains("1 passed"), "inside its own network: {ended}");
}

/// Asks the gateway from an address of this network.
pub async fn get_from(from: Ipv4Addr, to: SocketAddr, path: &str, head: &str) -> Option<Reply> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    // until the gateway has its configuration nobody listens
    let stream = socket.connect(to).await.ok()?.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    Some(get_over(stream, path, head))
}
