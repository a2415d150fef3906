//! What a new Revocation ends, in a sentence and a list.

use std::io::{self, Write};

use jiff::Timestamp;

use super::draft::Draft;
use crate::cli::audit::plain;
use crate::cli::world::World;
use crate::judge::facts::{Key, Revocation};
use crate::judge::index::Standing;
use crate::judge::status::{Observed, View};

/// Grants that are listed one by one.
const MAX_LISTED: usize = 20;

pub(super) fn tell(world: &World, draft: &Draft, now: Timestamp, messages: &mut dyn Write) -> io::Result<()> {
    let key = Key::new(draft.namespace.as_str(), draft.name.as_str());
    let Ok(revocation) = Revocation::read(key, &draft.spec) else { return Ok(()) };
    let observed = Observed::default();
    let view = View { index: &world.index, observed: &observed, now };
    let matched = view.matched(&revocation);
    if matched.is_empty() {
        return writeln!(messages, "no grant in {} is concerned now; compare what you named", draft.namespace);
    }
    let what = match (&draft.spec.target.person, matched.len()) {
        (Some(person), n) => format!("bars {} under {n} grants", plain(&person.id)),
        (None, 1) => "ends 1 grant".to_owned(),
        (None, n) => format!("ends {n} grants"),
    };
    writeln!(messages, "{what}:")?;
    for key in matched.iter().take(MAX_LISTED) {
        let Some(grant) = world.index.grant(key) else { continue };
        let by = world.index.request(&grant.request);
        let by = by.map_or_else(String::new, |r| format!(", {} ({})", plain(&r.unit.name), plain(&r.system)));
        let standing = match view.index.standing(key, now) {
            Some(Standing::Serves) => "serves now",
            _ => "does not serve now",
        };
        writeln!(messages, "  {key} {}: {}{by}, {standing}", plain(&grant.serial), grant.resource)?;
    }
    let more = matched.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        writeln!(messages, "  and {more} more")?;
    }
    Ok(())
}
