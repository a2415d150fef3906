//! Sealing and copies: the same lines in every form, read back, and never trusted without it.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use datashare::audit::upkeep::Running;
use datashare::audit::usage::Usage;
use datashare::audit::{Filter, Storage};
use jiff::Timestamp;
use parking_lot::Condvar;

use super::*;

#[test]
fn a_closed_segment_is_sealed_and_copied_and_reads_the_same_in_every_form() {
    let mut world = World::new();
    world.write("a", 184);
    world.write("b", 184);
    let before = world.asked(&Filter::default());
    let report = world.round();
    assert_eq!((names(&world.stream()), report.sealed, report.troubles.len()), (vec![plain(0)], 0, 0));

    // quiet: nothing is written, and the segment is closed at its age all the same
    world.advance(1);
    let report = world.round();
    assert_eq!(names(&world.stream()), [sealed(0), plain(3)]);
    assert_eq!(names(&world.archived()), [sealed(0)]);
    assert_eq!(
        (report.archived_through, report.lags_since, report.last_archived),
        (Some(3), None, Some(world.clock.now()))
    );
    let paths = [&world.stream(), &world.archived()].map(|folder| folder.join("entries").join(sealed(0)));
    assert_eq!(fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
    assert_eq!(world.asked(&Filter::default()), before);

    // from the archive alone, and used grants are counted as before
    fs::remove_file(&paths[0]).unwrap();
    assert_eq!(world.asked(&Filter::default()), before);
    fs::copy(&paths[1], &paths[0]).unwrap();
    let epoch = Timestamp::UNIX_EPOCH;
    assert_eq!(Usage::read(&world.log(), epoch, epoch).unwrap().summary.unreadable, 0);

    // and the stream goes on after it
    world.start(roomy(), Arc::new(Unhindered));
    let index = world.write("c", 184);
    assert_eq!(index, 4);
    let user = Filter { user: Some("c".to_owned()), ..Filter::default() };
    assert_eq!(world.asked(&user).len(), 1);
    assert_eq!(world.asked(&Filter::default()).len(), before.len() + 2);
}

#[test]
fn what_is_archived_is_proven_to_its_last_entry_and_the_list_of_checkpoints_grows_with_the_segments() {
    let mut world = World::new();
    world.running.as_ref().unwrap().0.set_checkpoint_every(Duration::ZERO);
    for hour in 0..30 {
        for user in 0..20 {
            world.write(&format!("u-{hour}-{user}"), 184);
        }
        world.advance(1);
        world.round();
        let known = Known { keys: None, first_keys: &[], witnesses: &[], seen: None, now: world.clock.now() };
        let place = Folder(world.archive().join(SITE));
        let verdict = verify::verify(&place, STREAM, &known, &|_| {}).unwrap();
        assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
        assert_eq!((verdict.unproven(), verdict.entries), (0, 1 + (hour + 1) * 20));
    }
    // one for each of 600 moments would be far more
    for folder in [world.stream(), world.archived()] {
        let list = fs::read_to_string(folder.join("checkpoints.jsonl")).unwrap();
        assert!(list.lines().count() <= 31, "{}", list.lines().count());
    }
}

#[test]
fn the_policy_in_force_decides_when_a_segment_is_closed() {
    let mut world = World::new();
    world.write("a", 184);
    world.keeping.lock().segment_age = SignedDuration::from_mins(5);
    world.clock.advance(SignedDuration::from_mins(5));
    world.round();
    assert_eq!(names(&world.stream()), [sealed(0), plain(2)]);
    world.keeping.lock().segment_bytes = 1;
    world.round();
    world.write("b", 184);
    world.write("c", 184);
    assert_eq!(names(&world.stream()), [sealed(0), plain(2), plain(3)]);
}

#[test]
fn a_damaged_sealed_segment_is_reported_and_not_copied() {
    let mut world = World::new();
    world.keeping.lock().archives[0].url = format!("file://{}/not-there/archive", world.folder.path().display());
    world.write("a", 184);
    world.advance(1);
    let report = world.round();
    let url = world.keeping.lock().archives[0].url.clone();
    assert_eq!((report.sealed, report.archived_through), (1, Some(0)));
    assert!(report.troubles.contains_key(&url), "{report:?}");
    let path = world.stream().join("entries").join(sealed(0));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    world.keeping.lock().archives[0].url = format!("file://{}", world.archive().display());
    let report = world.round();
    let said = &report.troubles[&world.keeping.lock().archives[0].url].message;
    assert!(said.contains("is not what was sealed"), "{said}");
    assert!(names(&world.archived()).is_empty());
    assert!(!report.troubles.contains_key(&url), "nobody asks for that archive any more");
}

#[test]
fn an_archive_that_cannot_be_reached_stops_no_call_and_is_told_at_once() {
    let mut world = World::new();
    let away = world.folder.path().join("unmounted");
    let url = format!("file://{}/archive", away.display());
    world.keeping.lock().archives[0].url = url.clone();
    world.write("a", 184);
    let begun = world.clock.now();
    world.advance(1);
    let report = world.round();
    assert_eq!(report.troubles[&url].since, world.clock.now());
    assert_eq!(report.lags_since, Some(begun));
    for _ in 0..50 {
        world.write("b", 184);
        world.advance(1);
        let report = world.round();
        assert_eq!(report.lags_since, Some(begun));
    }
    assert_eq!(world.said.lock().len(), 1, "one line, not fifty: {:?}", world.said.lock());
    assert_eq!(world.lines().len(), 52);

    fs::create_dir(&away).unwrap();
    world.advance(1);
    let report = world.round();
    assert_eq!((report.troubles.len(), report.lags_since), (0, None));
    assert!(world.said.lock().last().unwrap().ends_with("well again"), "{:?}", world.said.lock());
    let archived = away.join("archive").join(SITE).join(STREAM);
    assert_eq!(names(&archived).len(), names(&world.stream()).len() - 1);
}

#[test]
fn an_archive_that_lies_is_found_and_the_local_copy_stays() {
    let mut world = World::new();
    world.write("a", 1096);
    world.advance(1);
    world.round();
    let there = world.archived().join("entries").join(sealed(0));
    let right = fs::read(&there).unwrap();

    // bytes of the right number that are others: seen before the local copy would go
    let mut wrong = right.clone();
    *wrong.last_mut().unwrap() ^= 1;
    fs::write(&there, &wrong).unwrap();
    world.advance(401 * 24);
    let report = world.round();
    let trouble = &report.troubles["retention"].message;
    assert!(trouble.contains("holds other bytes") && trouble.contains(&sealed(0)), "{trouble}");
    assert!(names(&world.stream()).contains(&sealed(0)));
    // it stays reported, is not written over, and lags
    world.advance(1);
    let report = world.round();
    assert!(report.lags_since.is_some(), "{report:?}");
    assert_eq!(fs::read(&there).unwrap(), wrong);
    assert!(names(&world.stream()).contains(&sealed(0)));

    // set right, the local copy goes and leaves its hashes
    fs::write(&there, &right).unwrap();
    world.advance(1);
    world.round();
    let report = world.round();
    assert_eq!(report.troubles.len(), 0, "{report:?}");
    assert!(!names(&world.stream()).contains(&sealed(0)));
    let pruned = fs::read_to_string(world.stream().join("pruned.jsonl")).unwrap();
    assert!(pruned.starts_with("{\"from\":0,\"to\":2,\"nodes\":[{\"level\":1,"), "{pruned}");
    assert!(!world.archived().join("pruned.jsonl").exists(), "it is still in the archive");
}

#[test]
fn what_lies_there_already_is_not_written_over() {
    let mut world = World::new();
    world.write("a", 184);
    fs::create_dir_all(world.archived().join("entries")).unwrap();
    let there = world.archived().join("entries").join(sealed(0));
    fs::write(&there, b"somebody else's").unwrap();
    world.advance(1);
    world.round();
    let report = world.round();
    assert_eq!(fs::read(&there).unwrap(), b"somebody else's");
    assert_eq!((report.archived_through, report.troubles.len()), (Some(0), 1), "{report:?}");
    assert!(names(&world.stream()).contains(&sealed(0)));
}

/// Five days, with a segment each that is archived.
fn five_days(disk: &Moody) -> World {
    let mut world = World::on(Arc::new(disk.clone()), Arc::new(Unhindered));
    for _ in 0..5 {
        world.write("a", 1096);
        world.advance(24);
        world.round();
    }
    world
}

/// The first segment has left this disk.
fn only_archived() -> World {
    let mut world = World::new();
    world.write("a", 1096);
    world.advance(1);
    world.round();
    world.advance(401 * 24);
    world.round();
    assert!(!names(&world.stream()).contains(&sealed(0)));
    world
}

#[test]
fn a_short_disk_gets_room_from_what_the_archive_has_but_not_from_the_newest() {
    let disk = Moody::new();
    let mut world = five_days(&disk);
    assert_eq!(names(&world.stream()).len(), 6);
    disk.set_free(1 << 30);
    let report = world.round();
    assert!(report.troubles["disk"].message.contains("1024 MiB"), "{report:?}");
    // two days stay: quotas are counted from them
    assert_eq!(names(&world.stream()).len(), 2);
    assert_eq!(names(&world.archived()).len(), 5);
    // with an entry about each that left
    assert_eq!(world.lines().len(), 10);
    // and the stream starts although its first segments are elsewhere
    world.start(Arc::new(disk.clone()), Arc::new(Unhindered));
    assert_eq!(world.write("b", 184), 11);
    assert_eq!(disk.free(&world.stream()).unwrap(), 1 << 30);
}

#[test]
fn what_only_the_archive_has_is_learned_again_when_the_inventory_is_lost() {
    let mut world = only_archived();
    fs::remove_file(world.stream().join("sealed.jsonl")).unwrap();
    world.start(roomy(), Arc::new(Unhindered));
    let report = world.round();
    assert_eq!(report.troubles.len(), 0, "{report:?}");
    assert_eq!(report.oldest, Some(BEGIN.parse().unwrap()));
    world.advance(696 * 24);
    let report = world.round();
    assert_eq!(report.pruned, 2, "with that of the second start: {report:?}");
    assert!(!names(&world.archived()).contains(&sealed(0)));
    assert!(world.archived().join("pruned.jsonl").exists());
}

#[test]
fn what_an_archive_lost_is_put_again_and_the_others_make_room_meanwhile() {
    let disk = Moody::new();
    let mut world = five_days(&disk);
    let lost = world.archived().join("entries").join(sealed(0));
    fs::remove_file(&lost).unwrap();
    disk.set_free(1 << 30);
    let report = world.round();
    assert!(report.troubles["retention"].message.contains("not there any more"), "{report:?}");
    assert_eq!(names(&world.stream())[0], sealed(0), "the only copy stays");
    assert_eq!(names(&world.stream()).len(), 3, "and what the archive has goes: {:?}", names(&world.stream()));
    world.advance(1);
    world.round();
    assert!(lost.exists(), "it is put there again");
    world.advance(1);
    let report = world.round();
    assert!(!report.troubles.contains_key("retention"), "{report:?}");
    assert!(!names(&world.stream()).contains(&sealed(0)));
    world.verified();
}

#[test]
fn an_archive_that_comes_in_place_of_another_gets_what_only_that_one_has() {
    let mut world = only_archived();
    let moved = format!("file://{}", world.folder.path().join("moved").display());
    world.keeping.lock().archives[0].url.clone_from(&moved);
    world.advance(1);
    let report = world.round();
    assert_eq!(report.troubles.len(), 0, "{report:?}");
    let there = world.folder.path().join("moved").join(SITE).join(STREAM);
    assert!(names(&there).contains(&sealed(0)), "{:?}", names(&there));
    assert!(names(&world.archived()).iter().all(|name| names(&there).contains(name)));
}

/// A pipe in the place of the first segment's copy: whoever opens it waits until somebody writes.
fn a_folder_that_hangs(world: &World) -> PathBuf {
    let pipe = world.archived().join("entries").join(sealed(0));
    fs::create_dir_all(pipe.parent().unwrap()).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    pipe
}

/// Whether a stop, with the record's last entry, is over in this time.
fn stops(log: &Log, running: Running, within: Duration) -> bool {
    let (done, over) = std::sync::mpsc::channel();
    let log = log.clone();
    std::thread::spawn(move || {
        running.stop();
        log.close().unwrap();
        // nobody waits any more if this comes too late
        let _ = done.send(());
    });
    over.recv_timeout(within).is_ok()
}

#[test]
fn an_archive_that_hangs_holds_up_no_stop() {
    let mut world = World::new();
    let pipe = a_folder_that_hangs(&world);
    world.write("a", 400);
    world.advance(1);
    let (log, upkeep) = world.running.take().unwrap();
    let standing = upkeep.standing();
    let running = upkeep.start().unwrap();
    while standing.report().sealed == 0 {
        std::thread::yield_now();
    }
    // the round goes on to the archive, and reads there what nobody writes
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
    let writer = loop {
        match fs::File::options().write(true).custom_flags(nonblocking).open(&pipe) {
            Ok(writer) => break writer,
            Err(_) => std::thread::yield_now(),
        }
    };
    let stopped = stops(&log, running, Duration::from_secs(8));
    // whoever waits at the pipe may go
    drop(writer);
    assert!(stopped);
}

/// Waits before every step until told that it is over.
#[derive(Default)]
struct Hangs {
    over: Mutex<bool>,
    told: Condvar,
    reached: AtomicBool,
}

impl Steps for Hangs {
    fn before(&self, _: Step) -> io::Result<()> {
        self.reached.store(true, Ordering::Release);
        let mut over = self.over.lock();
        self.told.wait_while(&mut over, |over| !*over);
        Ok(())
    }
}

#[test]
fn a_round_that_hangs_is_left_to_itself() {
    let steps = Arc::new(Hangs::default());
    let mut world = World::on(roomy(), steps.clone());
    world.write("a", 400);
    world.advance(1);
    let (log, upkeep) = world.running.take().unwrap();
    let running = upkeep.start().unwrap();
    while !steps.reached.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    let stopped = stops(&log, running, Duration::from_secs(30));
    *steps.over.lock() = true;
    steps.told.notify_all();
    assert!(stopped);
}
