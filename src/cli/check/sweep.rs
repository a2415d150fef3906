//! All findings of one directory: of its files by themselves, of its signers, and of what its objects
//! mean to each other.

use std::path::Path;

use jiff::Timestamp;

use super::broken::Broken;
use super::finding::Told;
use super::places::Places;
use super::{CheckError, grants, references, signers};
use crate::cli::world::{World, WorldError};
use crate::clock::Clock;
use crate::judge::ledger::Ledger;
use crate::source::finding::Severity;
use crate::source::live::Live;

pub(super) fn sweep(root: &Path, now: Timestamp) -> Result<Vec<Told>, CheckError> {
    let world = match World::load(root, Ledger::default(), now) {
        Ok(world) => world,
        Err(WorldError::Live(error)) => return Err(error.into()),
        Err(WorldError::Settings(..)) => {
            // without settings nothing is judged, but files can be read
            let live = Live::open(root, Clock::system(), &mut |_| {})?;
            return Ok(live.findings().into_iter().map(Told::from).collect());
        }
    };
    let mut told: Vec<Told> = world.findings.iter().cloned().map(Told::from).collect();
    told.extend(signers::findings(&world.signers_text));
    let mut places = Places::below(root);
    for (key, place, error) in &world.unreadable {
        let mut one = Told::of(
            Severity::Error,
            "value-invalid",
            key,
            error.member.as_str(),
            error.message.as_str(),
            "mend this member; until then the object counts as absent",
        );
        one.file = place.file.to_string();
        one.line = places.line(key, place, &error.member);
        told.push(one);
    }
    let broken = Broken::of(&told, root);
    for (key, all) in &world.objects {
        for (object, place) in all {
            let mut found = references::findings(&world, object, &broken, now);
            found.extend(grants::findings(&world, object, &broken, now));
            for mut one in found {
                one.file = place.file.to_string();
                one.line = places.line(key, place, one.member.as_deref().unwrap_or_default());
                told.push(one);
            }
        }
    }
    Ok(told)
}
