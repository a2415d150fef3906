//! JSON put together by hand, straight into the buffer that goes to disk. Exactly one way to write
//! each value, the one `serde_json` would choose, so that a search can look for the bytes of a value.

use std::io::Write;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// The length of a time as every entry has it: `2026-11-24T00:27:36.000000Z`.
pub const TIME_LENGTH: usize = 27;

/// A string with its quotes.
pub fn string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let mut rest = value.as_bytes();
    // the first look is a loop without branches, and nearly always the only one
    while rest.iter().fold(false, |found, &byte| found | needs_escape(byte)) {
        let clean = rest.iter().position(|&byte| needs_escape(byte)).unwrap_or(rest.len());
        let (before, from) = rest.split_at_checked(clean).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        let Some((&byte, after)) = from.split_first() else { break };
        escape(out, byte);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    matches!(byte, ..0x20 | b'"' | b'\\')
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[nibble(byte >> 4), nibble(byte & 0xf)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// A whole number.
pub fn number(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Lower-case hexadecimal, without quotes.
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes.iter().flat_map(|byte| [nibble(byte >> 4), nibble(byte & 0xf)]));
}

fn nibble(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + (value - 10) }
}

/// A day, with its quotes.
pub fn day(out: &mut Vec<u8>, day: Date) {
    out.push(b'"');
    date(out, day);
    out.push(b'"');
}

/// An address, with its quotes.
pub fn address(out: &mut Vec<u8>, address: IpAddr) {
    out.push(b'"');
    match address {
        IpAddr::V4(address) => {
            for (place, octet) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                number(out, octet.into());
            }
        }
        IpAddr::V6(address) => {
            // writing into memory cannot fail
            let _ = write!(out, "{address}");
        }
    }
    out.push(b'"');
}

fn date(out: &mut Vec<u8>, day: Date) {
    digits(out, u32::try_from(day.year()).unwrap_or(0), 1000);
    out.push(b'-');
    digits(out, u32::from(day.month().unsigned_abs()), 10);
    out.push(b'-');
    digits(out, u32::from(day.day().unsigned_abs()), 10);
}

/// A number with its leading zeros, from the digit that stands for `unit` on.
fn digits(out: &mut Vec<u8>, value: u32, mut unit: u32) {
    while unit > 0 {
        out.push(b'0' + u8::try_from(value / unit % 10).unwrap_or(0));
        unit /= 10;
    }
}

/// Writes times, and remembers the second it wrote last: most entries share it with their neighbour.
#[derive(Debug, Default)]
pub struct Stamp {
    second: Option<i64>,
    text: Vec<u8>,
}

impl Stamp {
    /// A time in UTC with microseconds, without quotes. Years outside 0 to 9999 are written as the nearest of them.
    pub fn write(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        let micros = time.as_microsecond();
        let second = micros.div_euclid(1_000_000);
        if self.second != Some(second) {
            let at = Offset::UTC.to_datetime(Timestamp::from_second(second).unwrap_or(Timestamp::MIN));
            self.text.clear();
            date(&mut self.text, at.date());
            for (lead, part) in [(b'T', at.hour()), (b':', at.minute()), (b':', at.second())] {
                self.text.push(lead);
                digits(&mut self.text, u32::from(part.unsigned_abs()), 10);
            }
            self.text.push(b'.');
            self.second = Some(second);
        }
        out.extend_from_slice(&self.text);
        let fraction = u32::try_from(micros.rem_euclid(1_000_000)).unwrap_or(0);
        digits(out, fraction, 100_000);
        out.push(b'Z');
    }
}

/// A time as it stands in an entry; such texts sort as the times do.
#[must_use]
pub fn time_text(time: Timestamp) -> [u8; TIME_LENGTH] {
    let mut out = Vec::with_capacity(TIME_LENGTH);
    Stamp::default().write(&mut out, time);
    out.try_into().unwrap_or([b'9'; TIME_LENGTH])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(value in any::<String>()) {
            let mut out = Vec::new();
            string(&mut out, &value);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&value).unwrap());
        }

        #[test]
        fn times_read_back_and_sort(a in 0_i64..250_000_000_000_000_000, b in 0_i64..250_000_000_000_000_000) {
            let (a, b) = (Timestamp::from_microsecond(a).unwrap(), Timestamp::from_microsecond(b).unwrap());
            let text = String::from_utf8(time_text(a).to_vec()).unwrap();
            prop_assert_eq!(text.parse::<Timestamp>().unwrap(), a);
            prop_assert_eq!(time_text(a).cmp(&time_text(b)), a.cmp(&b));
        }
    }

    proptest! {
        #[test]
        fn days_and_addresses_are_written_as_they_print(
            year in 0_i16..9999, month in 1_i8..=12, of_month in 1_i8..=28, v4 in any::<[u8; 4]>(), v6 in any::<[u8; 16]>(),
        ) {
            let date = Date::new(year, month, of_month).unwrap();
            let mut out = Vec::new();
            day(&mut out, date);
            address(&mut out, v4.into());
            address(&mut out, v6.into());
            let printed = format!("\"{date}\"\"{}\"\"{}\"", IpAddr::from(v4), IpAddr::from(v6));
            prop_assert_eq!(String::from_utf8(out).unwrap(), printed);
        }
    }

    #[test]
    fn control_characters_have_one_form() {
        for byte in 0..=0x7f_u8 {
            let value = char::from(byte).to_string();
            let mut out = Vec::new();
            string(&mut out, &value);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&value).unwrap());
        }
    }

    #[test]
    fn a_stamp_reused_within_a_second_changes_only_its_fraction() {
        let mut stamp = Stamp::default();
        let mut out = Vec::new();
        for micros in [1_700_000_000_000_001_i64, 1_700_000_000_999_999, 1_700_000_001_000_000] {
            stamp.write(&mut out, Timestamp::from_microsecond(micros).unwrap());
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2023-11-14T22:13:20.000001Z2023-11-14T22:13:20.999999Z2023-11-14T22:13:21.000000Z"
        );
    }
}
