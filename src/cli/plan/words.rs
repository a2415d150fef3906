//! Times and fields in words.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::access::FieldWords;

/// A moment at the site.
pub(super) fn moment(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
}

/// Name, title and, where it needs special care, class.
pub(super) fn field(field: &FieldWords) -> String {
    let mark = if field.sensitive { format!(" [{}]", field.class) } else { String::new() };
    format!("{} {}{mark}", field.name, field.title).trim_end().to_owned()
}

pub(super) fn fields(count: usize) -> String {
    format!("{count} {}", if count == 1 { "field" } else { "fields" })
}
