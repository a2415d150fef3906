//! What the record says about itself: removals and legal holds.

use jiff::{Timestamp, ToSpan};

use super::{Keeping, UpkeepError};
use crate::audit::entry::{Entry, Parameter};
use crate::audit::event::Event;
use crate::audit::writer::{Log, Receipt};

/// Records it, and returns once that is durable.
pub(super) fn record(
    log: &Log,
    keeping: &Keeping,
    now: Timestamp,
    code: &str,
    parameters: &[(&str, &str)],
) -> Result<Receipt, UpkeepError> {
    let parameters: Vec<_> = parameters.iter().map(|&(name, value)| Parameter { name, value }).collect();
    let entry = Entry::<&str> {
        code: Some(code),
        parameters: &parameters,
        retain: keeping.day(now).checked_add(keeping.period.days()).ok(),
        ..Entry::new(Event::Audit)
    };
    Ok(log.append_own(&entry)?)
}
