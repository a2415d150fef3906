//! HTTP/2 frame by frame, for messages that no library would send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// How the guard answered on a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a body; informational heads and trailers come to nothing here.
    Body(String),
    /// The stream or the whole connection was given up.
    GivenUp,
}

impl Ending {
    /// The code of a problem; `given up` where there is none.
    pub fn code(&self) -> String {
        match self {
            Self::Body(text) => {
                let problem: serde_json::Value = serde_json::from_str(text).unwrap();
                problem["code"].as_str().unwrap_or("200").to_owned()
            }
            Self::GivenUp => "given up".to_owned(),
        }
    }
}

/// A connection whose every frame is written by hand.
pub struct Frames(TcpStream);

impl Frames {
    pub fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut this = Self(stream);
        this.send(SETTINGS, 0, 0, b"");
        this
    }

    /// Sends a frame; whether the other side still takes it is seen when it is read.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        let _ = self.0.write_all(&frame);
    }

    /// Sends a whole head that ends its stream.
    pub fn head(&mut self, stream: u32, fields: &[(&str, &str)]) {
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &block(fields));
    }

    /// Reads until the stream has ended one way or the other.
    pub fn ending(&mut self, stream: u32) -> Ending {
        let mut body = Vec::new();
        while let Some((kind, flags, id, payload)) = self.frame() {
            match kind {
                SETTINGS if flags & ACK == 0 => self.send(SETTINGS, ACK, 0, b""),
                PING if flags & ACK == 0 => self.send(PING, ACK, 0, &payload),
                GOAWAY => return Ending::GivenUp,
                RESET if id == stream && body.is_empty() => return Ending::GivenUp,
                DATA if id == stream => body.extend(payload),
                _ => {}
            }
            if id == stream && matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
                return if body.is_empty() { Ending::GivenUp } else { Ending::Body(String::from_utf8(body).unwrap()) };
            }
        }
        Ending::GivenUp
    }

    fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        Some((head[3], head[4], stream, payload))
    }
}

/// Fields as literals that no table remembers, texts as they are.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        for text in [name, value] {
            length(&mut out, text.len());
            out.extend(text.as_bytes());
        }
    }
    out
}

/// A number with a prefix of seven bits.
fn length(out: &mut Vec<u8>, value: usize) {
    if value < 127 {
        out.push(u8::try_from(value).unwrap());
        return;
    }
    out.push(127);
    let mut rest = value - 127;
    while rest >= 128 {
        out.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    out.push(u8::try_from(rest).unwrap());
}
