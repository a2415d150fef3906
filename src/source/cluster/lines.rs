//! The lines of a watch as they come in, none longer than the server's largest object.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use kube::client::Body;

use super::endpoint::Trouble;

/// etcd takes 1.5 MiB; the same object as JSON is larger, but not so large.
const LONGEST: usize = 16 << 20;

/// An answer that goes on.
pub struct Lines {
    body: Body,
    buffer: BytesMut,
    /// So much of the buffer holds no newline.
    scanned: usize,
}

impl Lines {
    pub fn new(body: Body) -> Self {
        Self { body, buffer: BytesMut::new(), scanned: 0 }
    }

    /// The next line, without its newline; `None` at the end. What is left without a newline at the end was cut off.
    pub async fn next(&mut self, patience: Duration) -> Result<Option<Bytes>, Trouble> {
        loop {
            let unseen = self.buffer.get(self.scanned..).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unseen) {
                let mut line = self.buffer.split_to(self.scanned + at + 1);
                line.truncate(self.scanned + at);
                self.scanned = 0;
                return Ok(Some(line.freeze()));
            }
            self.scanned = self.buffer.len();
            if self.scanned > LONGEST {
                return Err(Trouble::Broken(format!("a line is longer than {LONGEST} bytes")));
            }
            let frame = tokio::time::timeout(patience, self.body.frame()).await.map_err(|_| Trouble::Silent)?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(Trouble::Broken(error.to_string())),
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gives_whole_lines_only() {
        let mut lines = Lines::new(Body::from(b"one\n\ntwo\nhal".to_vec()));
        let mut told = Vec::new();
        while let Some(line) = lines.next(Duration::from_secs(5)).await.unwrap() {
            told.push(String::from_utf8(line.to_vec()).unwrap());
        }
        assert_eq!(told, ["one", "", "two"]);
    }
}
