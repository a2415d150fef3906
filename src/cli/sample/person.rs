//! Invented people whose name, sex, day of birth and identity number agree with each other.

use super::codes;
use super::seed::Seed;
use super::words;

/// Somebody who does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) identity: String,
    /// `YYYY-MM-DD`
    pub(super) birth: String,
    pub(super) male: bool,
}

impl Person {
    /// The person whom fields of this role speak of: `spouseName` and `spouseIdNumber` share one.
    /// A known identity number decides day of birth and sex.
    pub(super) fn in_role(record: &Seed, role: &str, known: Option<&str>) -> Self {
        let role = role.to_lowercase();
        let seed = record.child(&role);
        let (from, to) = if role.contains("child") { (2008, 2024) } else { (1952, 2002) };
        let order = seed.below("order", 499) * 2 + u32::from(is_male(&role).unwrap_or(seed.below("sex", 2) == 1));
        let drawn = format!(
            "{}{:02}{:02}",
            seed.between("year", from, to),
            seed.between("month", 1, 12),
            seed.between("day", 1, 28)
        );
        let identity = known.map_or_else(|| codes::identity(&drawn, order), str::to_owned);
        let (birth, male) = read(&identity).unwrap_or((drawn, order % 2 == 1));
        let given = if male { words::GIVEN_MALE } else { words::GIVEN_FEMALE };
        Self {
            name: format!("{}{}", seed.pick("surname", words::SURNAMES), seed.pick("given", given)),
            identity,
            birth: dashed(&birth),
            male,
        }
    }
}

/// Sex that a role implies.
fn is_male(role: &str) -> Option<bool> {
    let any = |words: &[&str]| words.iter().any(|word| role.contains(word));
    if any(&["female", "mother", "wife", "daughter"]) {
        Some(false)
    } else if any(&["male", "father", "husband", "son"]) && !role.contains("person") {
        Some(true)
    } else {
        None
    }
}

/// Day of birth (`YYYYMMDD`) and sex, if this is an identity number.
fn read(identity: &str) -> Option<(String, bool)> {
    let well_formed = identity.len() == 18 && identity.bytes().take(17).all(|byte| byte.is_ascii_digit());
    let birth = identity.get(6..14)?;
    let order = identity.get(14..17)?.parse::<u32>().ok()?;
    well_formed.then(|| (birth.to_owned(), order % 2 == 1))
}

fn dashed(day: &str) -> String {
    match (day.get(..4), day.get(4..6), day.get(6..)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => day.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_role_is_one_person() {
        let record = Seed::new(["record"]);
        let spouse = Person::in_role(&record, "spouse", None);
        assert_eq!(spouse, Person::in_role(&record, "spouse", None));
        assert_ne!(spouse, Person::in_role(&record, "owner", None));
        assert_eq!(spouse.identity.get(6..14).unwrap(), spouse.birth.replace('-', ""));
        assert_eq!(codes::identity_check(spouse.identity.get(..17).unwrap()), spouse.identity.chars().last().unwrap());
    }

    #[test]
    fn roles_that_imply_a_sex_have_it() {
        for number in 0..50 {
            let record = Seed::new([number.to_string().as_str()]);
            assert!(!Person::in_role(&record, "mother", None).male);
            assert!(!Person::in_role(&record, "female", None).male);
            assert!(Person::in_role(&record, "male", None).male);
            assert!(Person::in_role(&record, "father", None).male);
        }
    }

    #[test]
    fn a_known_identity_number_decides() {
        let known = "000000199001012221";
        let person = Person::in_role(&Seed::new([]), "", Some(known));
        assert_eq!((person.identity.as_str(), person.birth.as_str(), person.male), (known, "1990-01-01", false));
        let odd = Person::in_role(&Seed::new([]), "", Some("不是号码"));
        assert_eq!(odd.identity, "不是号码");
    }
}
