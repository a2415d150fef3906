//! An upstream that sends exactly the bytes a test wants, and remembers what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Marks everything that must never leave the guard.
pub const CANARY: &str = "CANARY";

/// Answers one request head on its connection; whether the connection stays open.
pub type Script = dyn Fn(&str, &mut TcpStream) -> bool + Send + Sync;

/// A scripted upstream. Its threads end with their connections.
pub struct Upstream {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    pub fn new(script: impl Fn(&str, &mut TcpStream) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, connections) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(AtomicUsize::new(0)));
        let script: Arc<Script> = Arc::new(script);
        let (heard, counted) = (asked.clone(), connections.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                counted.fetch_add(1, Ordering::SeqCst);
                let (script, heard) = (script.clone(), heard.clone());
                std::thread::spawn(move || {
                    stream.set_nodelay(true).unwrap();
                    while let Some(head) = read_head(&mut stream) {
                        heard.lock().push(head.clone());
                        if !script(&head, &mut stream) {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, asked, connections }
    }

    /// One that answers every call with two owners.
    pub fn usual() -> Self {
        Self::new(|_, stream| {
            stream.write_all(&json(OWNERS)).unwrap();
            true
        })
    }

    /// One that always sends these bytes, and keeps the connection.
    pub fn sending(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::new(move |_, stream| stream.write_all(&bytes).is_ok())
    }

    /// One that always sends these bytes and closes.
    pub fn sending_and_closing(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::new(move |_, stream| {
            let _ = stream.write_all(&bytes);
            false
        })
    }

    /// The heads of all requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Two owners, with members that nobody was granted.
pub const OWNERS: &str = r#"{"total": 2, "data": [
    {"ownerName": "张三", "certificateNumber": "CANARY-1", "idNumber": "CANARY-2", "more": {"deep": ["CANARY-3"]}},
    {"idNumber": "CANARY-4", "ownerName": "李四"}
], "trace": "CANARY-5"}"#;

/// What of them is released.
pub const RELEASED: &str = r#"{"data":[{"ownerName":"张三"},{"ownerName":"李四"}]}"#;

/// A 200 with this JSON.
pub fn json(body: &str) -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\nX-Internal: CANARY-6\r\nSet-Cookie: CANARY=7\r\n", body)
}

/// An answer with a length.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8(head).unwrap())
}
