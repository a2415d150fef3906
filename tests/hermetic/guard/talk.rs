//! A caller that writes exactly the bytes it is told to, and reads one answer at a time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::world::{PROVIDER, RESOURCE, World, token};

/// One answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("https://datashare.dev/problems/{code}"));
        code
    }

    pub fn receipt(&self) -> &str {
        self.header("datashare-record").unwrap_or_else(|| panic!("no receipt: {self:?}"))
    }
}

/// A connection to the guard.
pub struct Caller(TcpStream);

impl Caller {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The next answer; `None` when the connection is closed instead.
    pub fn read(&mut self) -> Option<Reply> {
        read_reply(&mut self.0, false)
    }

    /// The next answer, to a HEAD request.
    pub fn read_head(&mut self) -> Option<Reply> {
        read_reply(&mut self.0, true)
    }

    /// Whether not one byte has come that was not read yet.
    pub fn has_nothing(&mut self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let seen = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        matches!(seen, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Whether the guard has closed the connection and sent nothing more.
    pub fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.0.read(&mut byte), Ok(0)) || {
            // a reset is as good as an end
            matches!(self.0.read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset)
        }
    }
}

pub fn read_reply(stream: &mut impl Read, head_only: bool) -> Option<Reply> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ if head.is_empty() => return None,
            other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&head)),
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; if head_only { 0 } else { length }];
    stream.read_exact(&mut body).unwrap();
    Some(Reply { status, headers, body })
}

/// The path of the usual call.
pub fn path(id: &str) -> String {
    format!("/{PROVIDER}/{RESOURCE}/owners/{id}")
}

/// A request line with the usual headers and these.
pub fn request(line: &str, grant: &str, headers: &str) -> String {
    with_token(line, &token(grant), headers)
}

/// The same with a token as it is.
pub fn with_token(line: &str, token: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: guard\r\nAuthorization: Bearer {token}\r\n{headers}\r\n")
}

impl World {
    /// Sends bytes on a connection of their own and reads one answer.
    pub fn raw(&self, bytes: &[u8]) -> Reply {
        let mut caller = Caller::connect(self.address);
        caller.send(bytes);
        caller.read().expect("the guard closed the connection without an answer")
    }

    /// `GET` of the usual call with a grant's token.
    pub fn get(&self, grant: &str, id: &str) -> Reply {
        self.get_with(grant, &path(id), "")
    }

    pub fn get_with(&self, grant: &str, target: &str, headers: &str) -> Reply {
        self.raw(request(&format!("GET {target}"), grant, headers).as_bytes())
    }
}
