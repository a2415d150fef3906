//! The source of the data: answers from memory, as cheaply as it can.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves on a thread of its own; paths that end in `/large` get the large document.
pub fn start(small: &[u8], large: &[u8]) -> SocketAddr {
    let answers = Arc::new([answer(small), answer(large)]);
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            send.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let answers = answers.clone();
                tokio::spawn(async move {
                    let _ = serve(stream, &answers).await;
                });
            }
        });
    });
    receive.recv().unwrap()
}

fn answer(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

async fn serve(mut stream: TcpStream, answers: &[Vec<u8>; 2]) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(4096);
    while stream.read_buf(&mut head).await? > 0 {
        if head.ends_with(b"\r\n\r\n") {
            let line = head.split(|byte| *byte == b'\r').next().unwrap();
            let large = line.ends_with(b"/large HTTP/1.1");
            stream.write_all(&answers[usize::from(large)]).await?;
            head.clear();
        }
    }
    Ok(())
}
