//! When grants were last used at any guard, as their statuses tell: one guard's record cannot know.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use tokio::runtime::Handle;

use super::LastUsed;
use crate::api::v1alpha1::AccessGrant;
use crate::api::v1alpha1::validate::syntax;
use crate::judge::facts::Key;

/// Grants asked for at once.
const PAGE: u32 = 500;
/// A page that takes longer is asked for again another time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the API server, on the thread of whoever inspects.
#[must_use]
pub fn elsewhere(client: Client, runtime: Handle) -> LastUsed {
    Box::new(move |namespace| {
        let grants: Api<AccessGrant> = Api::namespaced(client.clone(), namespace);
        runtime.block_on(read(&grants, namespace))
    })
}

async fn read(grants: &Api<AccessGrant>, namespace: &str) -> Result<HashMap<Key, Timestamp>, String> {
    let mut used = HashMap::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let listed = tokio::time::timeout(PATIENCE, grants.list(&page)).await;
        let listed = listed.map_err(|_| "the API server does not answer".to_owned())?;
        let listed = listed.map_err(|error| error.to_string())?;
        for grant in &listed.items {
            let last = grant.status.as_ref().and_then(|status| status.last_used.as_deref());
            if let Some(last) = last.and_then(syntax::time) {
                used.insert(Key::new(namespace, grant.name_any()), last);
            }
        }
        match listed.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => page = page.continue_token(&next),
            None => return Ok(used),
        }
    }
}
