//! A real Chromium without a screen: it draws the page on a wide and on a narrow screen and prints it, runs
//! nothing and asks nobody. The pictures stay where `DATASHARE_SCREENSHOTS` says, for people to look at.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Site, fill, text};

/// Runs the browser over a page, in a profile of its own, with every name leading to a proxy of ours.
fn chromium(folder: &Path, proxy: u16, words: &[&str], page: &Path) -> Vec<u8> {
    let profile = tempfile::tempdir_in(folder).unwrap();
    let done = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
        ])
        .arg(format!("--proxy-server=http://127.0.0.1:{proxy}"))
        .arg("--proxy-bypass-list=<-loopback>")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(words)
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .expect("chromium is part of the test tools: tests/require.sh installs it");
    assert!(done.status.success(), "{words:?}");
    done.stdout
}

/// A proxy that notes who asks for anything of the page's, and gives nothing.
fn proxy() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 1024];
            let got = stream.read(&mut head).unwrap_or(0);
            // the browser's own errands are none of the page's
            if String::from_utf8_lossy(&head[..got]).contains(".example") {
                count.fetch_add(1, Ordering::SeqCst);
            }
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (port, asked)
}

fn pictures(site: &Site) -> PathBuf {
    let folder =
        std::env::var_os("DATASHARE_SCREENSHOTS").map_or_else(|| site.place.path().join("pictures"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Width and height of a PNG.
fn size(png: &[u8]) -> (u32, u32) {
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn chromium_draws_and_prints_the_page_and_asks_nobody() {
    let (full, empty) = (Site::new(), Site::new());
    fill(&full).close().unwrap();
    empty.log().close().unwrap();
    let folder = pictures(&full);
    let (port, asked) = proxy();
    for (site, name, lang) in [(&full, "full", "zh"), (&full, "full-en", "en"), (&empty, "empty", "zh")] {
        let page = site.saved(&format!("{name}.html"), &["--lang", lang]);
        for (screen, width, height) in [("wide", 1280, 3600), ("narrow", 500, 5200)] {
            let picture = folder.join(format!("{name}-{screen}.png"));
            let words = [format!("--window-size={width},{height}"), format!("--screenshot={}", picture.display())];
            chromium(&folder, port, &[&words[0], &words[1]], &page);
            let png = std::fs::read(&picture).unwrap();
            assert_eq!(size(&png), (width, height), "{name} {screen}");
            assert!(png.len() > 20_000, "{name} {screen}: {} bytes are an empty page", png.len());
        }
        let print = folder.join(format!("{name}.pdf"));
        chromium(&folder, port, &[&format!("--print-to-pdf={}", print.display()), "--no-pdf-header-footer"], &page);
        let pdf = std::fs::read(&print).unwrap();
        assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000, "{name}: {} bytes", pdf.len());
        // what the browser made of it: no element came out of a name, and nothing changed the page
        let dom = String::from_utf8(chromium(&folder, port, &["--dump-dom"], &page)).unwrap();
        assert!(!dom.contains("<script") && !dom.contains("<img"), "{name}");
        assert_eq!(dom.matches("<section").count(), text(&page).matches("<section").count(), "{name}");
        assert_eq!(dom.matches("<details").count(), text(&page).matches("<details").count(), "{name}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the page asked the network for something");
}

#[test]
fn a_column_opens_the_receipts_it_leads_to() {
    let site = Site::new();
    fill(&site).close().unwrap();
    let page = site.saved("page.html", &["--lang", "en"]);
    let (folder, (port, _)) = (pictures(&site), proxy());
    let open = |place: &str| {
        let there = PathBuf::from(format!("{}{place}", page.display()));
        let dom = String::from_utf8(chromium(&folder, port, &["--dump-dom"], &there)).unwrap();
        dom.contains("<details open=\"\"><summary><span class=\"row\"><span>2026-11-03</span>")
    };
    assert!(text(&page).contains("href=\"#day-3\""));
    assert!(!open("") && !open("#day-2"), "closed until it is asked for");
    assert!(open("#day-3"), "the day's own fold");
}

#[test]
fn the_proxy_would_notice_a_page_that_asks() {
    let site = Site::new();
    site.log().close().unwrap();
    let folder = pictures(&site);
    let (port, asked) = proxy();
    let asking = site.place.path().join("asking.html");
    std::fs::write(&asking, "<img src=http://evil.example/x>").unwrap();
    chromium(&folder, port, &["--dump-dom"], &asking);
    assert!(asked.load(Ordering::SeqCst) > 0);
}
