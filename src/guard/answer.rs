//! An upstream's answer after projection: the only thing a caller ever gets of it. Nothing but
//! [`Answer::project`] makes one, and it takes the permit of the call.

use std::cell::RefCell;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::upstream::Fetched;
use crate::fields::Scratch;
use crate::judge::permit::Permit;
use crate::judge::refusal::{Code, Refusal};

/// What may be released, once it is on record.
#[derive(Debug)]
pub struct Answer(Option<Projection>);

#[derive(Debug)]
struct Projection {
    body: Bytes,
    items: u64,
    digest: [u8; 32],
}

impl Answer {
    /// The granted leaves of an answer; the provider's fault is the operator's to see, not the caller's.
    pub fn project(permit: &Permit, fetched: &Fetched) -> Result<Self, Refusal> {
        thread_local! {
            static SCRATCH: RefCell<Scratch> = RefCell::default();
        }
        let Fetched::Json(body) = fetched else { return Ok(Self(None)) };
        let mut out = Vec::with_capacity(body.len() / 2 + 64);
        let projected =
            SCRATCH.with_borrow_mut(|scratch| permit.plan().projection.project_with(scratch, body, &mut out));
        match projected {
            Ok(projected) => {
                let digest = Sha256::digest(&out).into();
                Ok(Self(Some(Projection { body: Bytes::from(out), items: projected.items, digest })))
            }
            Err(error) => {
                tracing::warn!(resource = %permit.plan().resource.key, %error, "an upstream's answer was refused");
                Err(Refusal::new(
                    Code::UpstreamInvalid,
                    "the provider's answer is not the JSON that the resource's catalogue describes",
                ))
            }
        }
    }

    /// The body; `None` where the provider had none to give.
    #[must_use]
    pub fn body(&self) -> Option<&Bytes> {
        self.0.as_ref().map(|projection| &projection.body)
    }

    #[must_use]
    pub fn items(&self) -> u64 {
        self.0.as_ref().map_or(0, |projection| projection.items)
    }

    /// SHA-256 of the body.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 32]> {
        self.0.as_ref().map(|projection| projection.digest)
    }

    pub(super) fn into_body(self) -> Option<Bytes> {
        self.0.map(|projection| projection.body)
    }
}
