//! The lines of a watch on a bad day: each event twice, and an end as servers put it when they have forgotten a version.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Frame;
use kube::client::Body;
use tokio::sync::{mpsc, watch};

use super::Weather;

const GONE: &str = r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}"#;

/// What comes out of a channel, as a body.
struct Lines(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

/// The same watch, told so.
pub fn told(
    mut body: Body,
    weather: Arc<Weather>,
    mut forgotten: watch::Receiver<u64>,
) -> UnsyncBoxBody<Bytes, io::Error> {
    let twice = weather.twice.load(Ordering::SeqCst);
    let (out, lines) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut rest = BytesMut::new();
        loop {
            let frame = tokio::select! {
                _ = forgotten.changed() => {
                    // nobody listens any more: then it does not matter
                    let _ = out.send(Bytes::from(format!("{GONE}\n"))).await;
                    return;
                }
                frame = body.frame() => frame,
            };
            let Some(Ok(frame)) = frame else { return };
            let Ok(data) = frame.into_data() else { continue };
            rest.extend_from_slice(&data);
            while let Some(end) = memchr::memchr(b'\n', &rest) {
                let line = rest.split_to(end + 1).freeze();
                if let Some(version) = version(&line) {
                    weather.newest.fetch_max(version, Ordering::SeqCst);
                }
                let again = twice && !line.starts_with(br#"{"type":"BOOKMARK""#);
                for _ in 0..=usize::from(again) {
                    if out.send(line.clone()).await.is_err() {
                        return;
                    }
                }
            }
        }
    });
    Lines(lines).boxed_unsync()
}

/// The version of what a line tells of.
fn version(line: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"resourceVersion\":\"";
    let at = memchr::memmem::find(line, NAME)? + NAME.len();
    std::str::from_utf8(&line[at..]).ok()?.split('"').next()?.parse().ok()
}
