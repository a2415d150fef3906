//! The rules one object can decide alone, in Rust, with the words the CEL rules use. The operator's
//! API server runs the CEL; a directory, `check` and every guard run these.

mod access_grant;
mod audit_policy;
mod data_share_request;
mod revocation;
mod shared_resource;
pub mod syntax;

use std::borrow::Cow;

pub use access_grant::LONGEST;
pub use audit_policy::{FLOOR_DAYS, PERSONAL_FLOOR_DAYS};

use super::{AccessGrantSpec, AuditPolicySpec, DataShareRequestSpec, RevocationSpec, SharedResourceSpec, messages};

/// One broken rule: which member, what is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path from the object's root, such as `spec.fields[3].path`.
    pub member: String,
    pub message: Cow<'static, str>,
    pub fix: Cow<'static, str>,
}

impl Violation {
    pub fn new(
        member: impl Into<String>,
        message: impl Into<Cow<'static, str>>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { member: member.into(), message: message.into(), fix: fix.into() }
    }
}

/// A spec that can be checked by itself.
pub trait Validate {
    /// Every rule that the spec breaks, in the order of its members.
    fn violations(&self) -> Vec<Violation>;
}

/// Collects violations; keeps the checks of each kind short enough to read as a list.
#[derive(Default)]
struct Checks(Vec<Violation>);

impl Checks {
    fn rule(&mut self, holds: bool, member: impl Into<String>, message: &'static str, fix: &'static str) {
        if !holds {
            self.0.push(Violation::new(member, message, fix));
        }
    }

    fn date(&mut self, text: &str, member: impl Into<String>) {
        self.rule(syntax::date(text).is_some(), member, messages::DATE, "write the day as YYYY-MM-DD, in quotes");
    }

    fn time(&mut self, text: &str, member: impl Into<String>) {
        self.rule(
            syntax::time(text).is_some(),
            member,
            messages::TIME,
            "add date, time and offset, as in 2026-11-05T00:00:00+08:00",
        );
    }

    fn duration(&mut self, text: &str, member: impl Into<String>) {
        self.rule(
            syntax::duration(text).is_some(),
            member,
            messages::DURATION,
            "write a whole number and one of s, m, h, d",
        );
    }

    fn sha256(&mut self, text: &str, member: impl Into<String>) {
        self.rule(syntax::sha256(text), member, messages::SHA256, "paste the output of 'sha256sum FILE'");
    }

    fn digest(&mut self, text: &str, member: impl Into<String>) {
        let holds = text.strip_prefix("sha256:").is_some_and(syntax::sha256);
        self.rule(holds, member, messages::DIGEST, "paste the digest that 'datashare digest FILE' prints");
    }

    fn name(&mut self, text: &str, member: impl Into<String>) {
        self.rule(syntax::dns_label(text), member, messages::DNS_NAME, "use lowercase letters, digits and '-' only");
    }

    fn code(&mut self, text: &str, member: impl Into<String>) {
        if !syntax::credit_code(text) {
            let fix = match syntax::credit_code_check(text) {
                Some(right) => {
                    format!("compare it with the certificate; for its first 17 characters the last one is '{right}'")
                }
                None => {
                    "copy the 18 characters from the certificate (digits and capitals without I, O, S, V, Z)".into()
                }
            };
            self.0.push(Violation::new(member, messages::CODE, fix));
        }
    }

    fn text(&mut self, text: &str, member: impl Into<String>) {
        self.rule(
            syntax::visible(text),
            member,
            messages::BLANK,
            "write the text, or leave the member out if it may be absent",
        );
    }

    fn optional_text(&mut self, text: Option<&String>, member: impl Into<String>) {
        if let Some(text) = text {
            self.text(text, member);
        }
    }

    fn serial(&mut self, text: &str, member: impl Into<String>) {
        let fix = "write the number of the decision without blanks around it";
        self.rule(syntax::serial(text), member, messages::SERIAL, fix);
    }

    fn role(&mut self, text: &str, member: impl Into<String>) {
        let fix = "write Provider, DataAuthority, Leader or another word";
        self.rule(syntax::role(text), member, messages::ROLE, fix);
    }

    fn principal(&mut self, text: &str, member: impl Into<String>) {
        let fix = "name the person as allowed_signers does";
        self.rule(syntax::principal(text), member, messages::PRINCIPAL, fix);
    }

    fn unique<T: PartialEq>(&mut self, all: &[T], list: &str, message: &'static str) {
        if let Some(second) = syntax::repeated(all) {
            self.0.push(Violation::new(format!("{list}[{second}]"), message, "remove it: it stands there before"));
        }
    }
}

impl Validate for SharedResourceSpec {
    fn violations(&self) -> Vec<Violation> {
        shared_resource::violations(self)
    }
}

impl Validate for DataShareRequestSpec {
    fn violations(&self) -> Vec<Violation> {
        data_share_request::violations(self)
    }
}

impl Validate for AccessGrantSpec {
    fn violations(&self) -> Vec<Violation> {
        access_grant::violations(self)
    }
}

impl Validate for AuditPolicySpec {
    fn violations(&self) -> Vec<Violation> {
        audit_policy::violations(self)
    }
}

impl Validate for RevocationSpec {
    fn violations(&self) -> Vec<Violation> {
        revocation::violations(self)
    }
}
