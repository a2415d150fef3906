//! Names that stand in a hundred thousand objects (units, fields, roles, people) are kept once. Used
//! while a first view is read; without it everything means the same and takes more memory.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Grant, Key, Request};

/// Beyond this many the names are hardly repeated, and remembering them costs more than it saves.
const MOST: usize = 65_536;

/// The texts met so far.
#[derive(Debug, Default)]
pub struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn share(&mut self, text: &mut Arc<str>) {
        if let Some(known) = self.0.get(text) {
            *text = known.clone();
        } else if self.0.len() < MOST {
            self.0.insert(text.clone());
        }
    }

    fn share_all(&mut self, texts: &mut [Arc<str>]) {
        texts.iter_mut().for_each(|text| self.share(text));
    }

    fn share_key(&mut self, key: &mut Key) {
        self.share(&mut key.namespace);
        self.share(&mut key.name);
    }

    /// A grant's own name and serial are its alone.
    pub fn share_grant(&mut self, grant: &mut Grant) {
        self.share(&mut grant.key.namespace);
        self.share(&mut grant.request.namespace);
        self.share(&mut grant.resource);
        self.share_all(&mut grant.fields);
        self.share_all(&mut grant.operations);
        self.share_all(grant.users.as_deref_mut().unwrap_or_default());
        for approval in &mut grant.approvals {
            self.share(&mut approval.role);
            self.share(&mut approval.principal);
        }
    }

    pub fn share_request(&mut self, request: &mut Request) {
        self.share(&mut request.key.namespace);
        self.share(&mut request.unit.name);
        self.share(&mut request.unit.code);
        self.share(&mut request.received_by);
        self.share_key(&mut request.resource);
        self.share_all(&mut request.fields);
        self.share_all(&mut request.operations);
        self.share_all(request.users.as_deref_mut().unwrap_or_default());
    }
}
