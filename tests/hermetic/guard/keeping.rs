//! `up` keeps its record by the policy in force: segments are closed, sealed and archived while it runs.

use datashare::audit::upkeep::last_kept;
use jiff::SignedDuration;
use serde_json::json;

use super::site::{Site, until};
use super::upstream::Upstream;
use super::world::{PROVIDER, Plan, SITE};

#[test]
fn what_was_recorded_goes_to_the_archive_that_the_policy_names() {
    let upstream = Upstream::usual();
    let site = Site::new(&Plan::new(upstream.address));
    let archive = site.beside("archive");
    let policy = |url: &str| {
        let archive = json!({"url": url});
        site.put(
            "AuditPolicy",
            PROVIDER,
            "default",
            &json!({"retention": {"period": "184d"}, "archive": archive, "seal": {"maxAge": "1m"}}),
        );
    };
    policy(&format!("file://{}/not-there/archive", archive.display()));
    let up = site.up();
    assert_eq!(up.get("nobody").status, 401);
    let stream = site.streams().remove(0);
    // more than maxAge, in steps that leave the view fresh
    (0..5).for_each(|_| up.advance(SignedDuration::from_secs(15)));
    until("an archive that is not there is told", || {
        last_kept(&stream).is_some_and(|kept| kept.has_archive && kept.troubles.len() == 1)
    });
    policy(&format!("file://{}", archive.display()));
    let there = archive.join(SITE).join(stream.file_name().unwrap());
    let sealed = there.join("entries/00000000000000000000.jsonl.zst");
    until("it is in the archive", || {
        up.advance(SignedDuration::from_secs(1));
        sealed.exists()
    });
    until("and so is what proves it", || {
        up.advance(SignedDuration::from_secs(1));
        there.join("checkpoint").exists() && last_kept(&stream).is_some_and(|kept| kept.troubles.is_empty())
    });
    let text = zstd::decode_all(&*std::fs::read(&sealed).unwrap()).unwrap();
    assert!(text.starts_with(b"{\"v\":1,\"stream\":"), "{}", String::from_utf8_lossy(&text));
    up.stop().unwrap();
}
