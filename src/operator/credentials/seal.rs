//! A token encrypted to a consumer unit's own key, as an age file that `age -d` opens.

use std::str::FromStr;

use super::super::trouble::Trouble;

/// Encrypts to an age key (`age1…`) or an SSH key.
pub fn seal(recipient: &str, token: &str) -> Result<String, Trouble> {
    let unfit = |cause: &str| {
        Trouble::stalled(
            "RecipientUnfit",
            format!("spec.applicant.recipient: {cause}; file a request with an age1… or ssh-ed25519 key"),
        )
    };
    let sealed = if recipient.starts_with("age1") {
        let key = age::x25519::Recipient::from_str(recipient).map_err(unfit)?;
        age::encrypt_and_armor(&key, token.as_bytes())
    } else {
        let key = age::ssh::Recipient::from_str(recipient).map_err(|error| unfit(&format!("{error:?}")))?;
        age::encrypt_and_armor(&key, token.as_bytes())
    };
    sealed.map_err(|error| Trouble::retry("NotEncrypted", format!("the token could not be encrypted: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_of_the_key_reads_it() {
        let (mine, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
        let text = seal(&mine.to_public().to_string(), "dst_secret").unwrap();
        assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") && !text.contains("dst_secret"), "{text}");
        assert_eq!(age::decrypt(&mine, text.as_bytes()).unwrap(), b"dst_secret");
        assert!(age::decrypt(&other, text.as_bytes()).is_err());
        for unfit in ["age1abc", "ssh-ed25519 AAAA", "ssh-dss AAAA", ""] {
            assert_eq!(seal(unfit, "t").unwrap_err().class, super::super::super::trouble::Class::Stalled, "{unfit}");
        }
    }
}
