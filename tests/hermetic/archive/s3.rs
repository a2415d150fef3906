//! The archive in a real S3 server: `make test-archive`, because the server takes a minute to build, once. What a bucket
//! with a past makes of a removal is tested on the little of a server that it takes.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use datashare::audit::archive::Place;

use super::*;

const USER: &str = "records";
const PASSWORD: &str = "records-secret";
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const PLACE: Place<'static> = Place { site: SITE, stream: STREAM };

/// versitygw over two folders, with a bucket that keeps versions and locks.
struct Server {
    folder: TempDir,
    address: String,
    running: Option<Child>,
}

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut server =
            Self { folder: tempfile::tempdir().unwrap(), address: format!("127.0.0.1:{port}"), running: None };
        for name in ["data", "versions"] {
            fs::create_dir(server.folder.path().join(name)).unwrap();
        }
        server.go_on();
        let made = server.ask("PUT", "records", &["x-amz-bucket-object-lock-enabled: true"]);
        assert!(made.is_empty(), "{made}");
        server
    }

    fn go_on(&mut self) {
        let install = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/archive-server/install.sh");
        let installed = Command::new(install).stderr(Stdio::inherit()).output().unwrap();
        assert!(installed.status.success());
        let program = String::from_utf8(installed.stdout).unwrap();
        let mut command = Command::new(program.trim());
        command.args(["--port", &self.address, "--quiet", "posix", "--versioning-dir"]);
        command.arg(self.folder.path().join("versions")).arg(self.folder.path().join("data"));
        command.env("ROOT_ACCESS_KEY", USER).env("ROOT_SECRET_KEY", PASSWORD);
        self.running = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the S3 server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The answer to a signed request, by curl.
    fn ask(&self, method: &str, path: &str, headers: &[&str]) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-X", method, "--aws-sigv4", "aws:amz:us-east-1:s3"]);
        curl.args(["--user", &format!("{USER}:{PASSWORD}"), "-H", &format!("x-amz-content-sha256: {NOTHING}")]);
        headers.iter().for_each(|header| {
            curl.args(["-H", header]);
        });
        let answer = curl.arg(format!("http://{}/{path}", self.address)).output().unwrap();
        String::from_utf8(answer.stdout).unwrap()
    }

    fn environment(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://{}", self.address);
        let all = [
            ("AWS_ACCESS_KEY_ID", USER),
            ("AWS_SECRET_ACCESS_KEY", PASSWORD),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT", &endpoint),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_PAGER", "of another program"),
        ];
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn archive(&self, lock: Lock) -> Archive {
        Archive::open_by("s3://records/log/", lock, self.environment()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn world(server: &Server, lock: Lock) -> World {
    // the server's clock is the real one
    let mut world = World::since(Timestamp::now(), roomy(), Arc::new(Unhindered));
    world.environment = server.environment();
    world.keeping.lock().archives = vec![Wanted { url: "s3://records/log".to_owned(), lock }];
    world.start(roomy(), Arc::new(Unhindered));
    world
}

#[test]
#[ignore = "make test-archive"]
fn what_is_put_is_locked_until_its_time_and_then_goes_with_every_version() {
    let server = Server::start();
    for lock in [Lock::Governance, Lock::Compliance] {
        let archive = server.archive(lock);
        let until = Timestamp::now().checked_add(SignedDuration::from_secs(4)).unwrap();
        assert!(archive.put(PLACE, 0, Bytes::from_static(b"sealed"), Some(until)).unwrap());
        assert!(!archive.put(PLACE, 0, Bytes::from_static(b"others"), Some(until)).unwrap(), "written over");
        assert_eq!(archive.read(PLACE, 0).unwrap().unwrap(), "sealed");
        assert_eq!(archive.segments(PLACE).unwrap(), [(0, 6)].into());
        let refused = archive.remove(PLACE, 0).unwrap_err().to_string();
        assert!(refused.contains("403"), "{refused}");
        assert!(!refused.contains("Signature"), "a signature in a message: {refused}");
        let begun = Instant::now();
        while archive.remove(PLACE, 0).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "still locked");
            std::thread::sleep(Duration::from_millis(200));
        }
        assert!(Timestamp::now() >= until);
        assert_eq!(archive.segments(PLACE).unwrap(), BTreeMap::new());
        let versions = server.ask("GET", "records?versions=", &[]);
        assert!(versions.contains("ListVersionsResult"), "{versions}");
        assert!(!versions.contains("<Version>") && !versions.contains("<DeleteMarker>"), "{versions}");
    }
}

#[test]
#[ignore = "make test-archive"]
fn segments_go_to_s3_are_read_there_and_wait_while_it_is_away() {
    let mut server = Server::start();
    let mut world = world(&server, Lock::Compliance);
    world.write("a", 400);
    world.advance(1);
    let report = world.round();
    assert_eq!((report.troubles.len(), report.archived_through), (0, Some(3)), "{report:?}");
    let archive = server.archive(Lock::None);
    assert_eq!(archive.sites().unwrap(), [SITE]);
    let found = |world: &World, archive: &Archive| {
        let places = Places::log(&world.log()).unwrap().and(Places::archive(archive, SITE).unwrap());
        query::search(&places, &Filter::default(), None, &mut |_| Ok(()), &|_| ()).unwrap().found
    };
    assert_eq!(found(&world, &archive), 3);
    fs::remove_file(world.stream().join("entries").join(sealed(0))).unwrap();
    assert_eq!(found(&world, &archive), 3);
    let since = Filter { since: Some(world.clock.now()), ..Filter::default() };
    let places = Places::archive(&archive, SITE).unwrap();
    let summary = query::search(&places, &since, None, &mut |_| Ok(()), &|_| ()).unwrap();
    assert_eq!(summary.found, 0);

    server.stop();
    world.write("b", 400);
    world.advance(1);
    let report = world.round();
    assert!(report.troubles.contains_key("s3://records/log") && report.lags_since.is_some(), "{report:?}");
    server.go_on();
    world.advance(1);
    let report = world.round();
    assert_eq!((report.troubles.len(), report.lags_since), (0, None), "{report:?}");
    assert_eq!(server.archive(Lock::None).segments(PLACE).unwrap().len(), 2);
}

#[test]
#[ignore = "make test-archive"]
fn a_bucket_that_gives_other_bytes_is_found() {
    let server = Server::start();
    let mut world = world(&server, Lock::None);
    world.write("a", 1096);
    world.advance(1);
    world.round();
    let object = server.folder.path().join("data/records/log").join(SITE).join(STREAM).join("entries").join(sealed(0));
    let mut bytes = fs::read(&object).unwrap();
    bytes[9] ^= 1;
    fs::write(&object, bytes).unwrap();
    world.advance(401 * 24);
    let report = world.round();
    assert!(report.troubles["retention"].message.contains("holds other bytes"), "{report:?}");
    assert!(names(&world.stream()).contains(&sealed(0)));
}

/// Key, version, and whether it is the mark of a removal; the newest last.
type Versions = Arc<Mutex<Vec<(String, &'static str, bool)>>>;

const OBJECT: &str = "log/jinan/guard-0/entries/00000000000000000000.jsonl.zst";

/// A bucket of these versions; gives the archive in it.
fn bucket(versions: &Versions, lists: bool) -> Archive {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let there = versions.clone();
    // ends with the process
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).unwrap() > 0 {}
            let answer = answer(&mut there.lock(), head.lines().next().unwrap_or_default(), lists);
            stream.get_mut().write_all(format!("HTTP/1.1 {answer}").as_bytes()).unwrap();
        }
    });
    let environment = [
        ("AWS_ACCESS_KEY_ID", USER),
        ("AWS_SECRET_ACCESS_KEY", PASSWORD),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT", &endpoint),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Archive::open_by("s3://records/log", Lock::None, environment).unwrap()
}

fn answer(versions: &mut Vec<(String, &'static str, bool)>, line: &str, lists: bool) -> String {
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = path.strip_prefix("/records/").unwrap_or_default();
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("versionId="));
    let empty = |status: &str| format!("{status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    match (method, asked) {
        ("HEAD", None) => match versions.iter().rfind(|(of, ..)| of == key) {
            Some((_, version, false)) => format!(
                "200 OK\r\nConnection: close\r\nContent-Length: 6\r\nETag: \"x\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nx-amz-version-id: {version}\r\n\r\n"
            ),
            _ => empty("404 Not Found"),
        },
        ("DELETE", Some(asked)) => {
            versions.retain(|(of, version, _)| of != key || *version != asked);
            empty("204 No Content")
        }
        ("GET", None) if query.split('&').any(|pair| pair.starts_with("versions")) && lists => {
            let items: String = versions
                .iter()
                .map(|(of, version, mark)| {
                    let kind = if *mark { "DeleteMarker" } else { "Version" };
                    format!("<{kind}><Key>{of}</Key><VersionId>{version}</VersionId></{kind}>")
                })
                .collect();
            let list = format!("<ListVersionsResult>{items}</ListVersionsResult>");
            format!("200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{list}", list.len())
        }
        _ => empty("403 Forbidden"),
    }
}

#[test]
fn a_removal_leaves_no_version_whatever_the_bucket_has_been_through() {
    let pasts: [&[(&str, bool)]; 5] = [
        // versions are kept only since
        &[("null", false)],
        // somebody has hidden it
        &[("v1", false), ("m2", true)],
        &[("null", false), ("m1", true), ("m2", true)],
        &[("v1", false), ("m2", true), ("v3", false)],
        &[],
    ];
    let place = Place { site: "jinan", stream: STREAM };
    for past in pasts {
        let other = (format!("{OBJECT}.other"), "v9", false);
        let all = past.iter().map(|(version, mark)| (OBJECT.to_owned(), *version, *mark));
        let versions: Versions = Arc::new(Mutex::new(all.chain([other.clone()]).collect()));
        bucket(&versions, true).remove(place, 0).unwrap();
        assert_eq!(*versions.lock(), [other], "{past:?}");
    }
    let hidden = [("v1", false), ("m2", true)].map(|(version, mark)| (OBJECT.to_owned(), version, mark));
    let versions: Versions = Arc::new(Mutex::new(hidden.to_vec()));
    let refused = bucket(&versions, false).remove(place, 0).unwrap_err().to_string();
    assert!(refused.contains("cannot be listed: 403"), "{refused}");
    assert!(!refused.contains("Signature"), "a signature in a message: {refused}");
}
