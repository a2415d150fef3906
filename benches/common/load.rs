//! Keep-alive connections that ask the same thing again and again, with as little work as possible
//! between two calls.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What one round gave.
pub struct Round {
    pub calls: u64,
    pub wall: Duration,
    /// In microseconds, sorted.
    pub latencies: Vec<u32>,
}

impl Round {
    pub fn quantile(&self, q: f64) -> f64 {
        let at = (self.latencies.len() as f64 * q) as usize;
        f64::from(*self.latencies.get(at).or(self.latencies.last()).unwrap())
    }
}

/// One request.
pub fn request(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// Calls from `connections` at once for this long; every answer must be 200.
pub fn run(address: SocketAddr, request: &[u8], connections: usize, time: Duration) -> Round {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..connections {
            streams.push(Client::connect(address).await);
        }
        let begun = Instant::now();
        let until = begun + time;
        let tasks: Vec<_> = streams
            .into_iter()
            .map(|mut client| {
                let request = request.to_vec();
                tokio::spawn(async move {
                    let mut latencies = Vec::with_capacity(1 << 16);
                    let mut now = Instant::now();
                    while now < until {
                        assert_eq!(client.call(&request).await.0, 200);
                        let done = Instant::now();
                        latencies.push(u32::try_from((done - now).as_micros()).unwrap());
                        now = done;
                    }
                    latencies
                })
            })
            .collect();
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await.unwrap());
        }
        let wall = begun.elapsed();
        latencies.sort_unstable();
        Round { calls: latencies.len() as u64, wall, latencies }
    })
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(128 << 10) }
    }

    /// Sends a request; gives status, head and body.
    pub async fn call(&mut self, request: &[u8]) -> (u16, &[u8], &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        let (head, length) = loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the connection was closed");
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                let head = &self.buffer[..end];
                let at = head.windows(16).position(|w| w.eq_ignore_ascii_case(b"\ncontent-length:")).expect("a length");
                let digits = head[at + 16..].trim_ascii_start().iter().take_while(|b| b.is_ascii_digit());
                break (end + 4, digits.fold(0_usize, |n, digit| n * 10 + usize::from(digit - b'0')));
            }
        };
        while self.buffer.len() < head + length {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the connection was closed");
        }
        let status = self.buffer[9..12].iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
        (status, &self.buffer[..head], &self.buffer[head..])
    }
}
