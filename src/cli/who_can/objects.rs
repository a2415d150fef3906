//! The same question to a cluster: grants that its operator says are served, and of whom their requests say it. What the
//! caller may not read is left open, and said.

use std::io::Write;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};

use super::{Name, Right, Unit, Wanted, WhoCanError, approved_by};
use crate::api::v1alpha1::{AccessGrant, DataShareRequest};
use crate::cli::cluster::{NoCluster, config};

pub fn rights(context: Option<&str>, wanted: &Wanted<'_>, messages: &mut dyn Write) -> Result<Vec<Right>, WhoCanError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = config(context).await?;
        let client = Client::try_from(config).map_err(|error| NoCluster(error.to_string()))?;
        all(&client, wanted, messages).await
    })
}

async fn all(client: &Client, wanted: &Wanted<'_>, messages: &mut dyn Write) -> Result<Vec<Right>, WhoCanError> {
    let grants: Api<AccessGrant> = match wanted.namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let place = wanted.namespace.map_or_else(String::new, |namespace| format!(" of {namespace}"));
    let mut rights = Vec::new();
    let (mut page, mut hidden) = (ListParams::default().limit(500), 0);
    loop {
        let listed = grants.list(&page).await;
        let listed = listed.map_err(|error| WhoCanError::Grants { place: place.clone(), cause: error.to_string() })?;
        for grant in &listed.items {
            let namespace = grant.namespace().unwrap_or_default();
            if !wanted.is(&namespace, &grant.spec.resource_ref.name) || !serves(grant) {
                continue;
            }
            let asked = &grant.spec.request_ref;
            let requests: Api<DataShareRequest> = Api::namespaced(client.clone(), &asked.namespace);
            let request = requests.get_opt(&asked.name).await.unwrap_or_else(|_| {
                hidden += 1;
                None
            });
            rights.push(right(grant, request.as_ref()));
        }
        match listed.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => page.continue_token = Some(next),
            None => break,
        }
    }
    if hidden > 0 {
        writeln!(messages, "of {hidden} grants the requests cannot be read, so their units are not shown")?;
    }
    Ok(rights)
}

/// As the operator says, and of the spec that is there now.
fn serves(grant: &AccessGrant) -> bool {
    let conditions = grant.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let ready = |condition: &&Condition| condition.type_ == "Ready" && condition.status == "True";
    let current = |condition: &Condition| condition.observed_generation == grant.metadata.generation;
    conditions.iter().find(ready).is_some_and(current)
}

fn right(grant: &AccessGrant, request: Option<&DataShareRequest>) -> Right {
    let spec = &grant.spec;
    let own = grant.namespace().unwrap_or_default();
    let applicant = request.map(|request| &request.spec.applicant);
    Right {
        resource: Name { namespace: own.clone(), name: spec.resource_ref.name.clone() },
        unit: applicant.map(|a| Unit { name: a.unit.name.clone(), code: a.unit.code.clone() }),
        system: applicant.map(|applicant| applicant.system.name.clone()),
        fields: spec.fields.clone().unwrap_or_default(),
        operations: spec.operations.clone().unwrap_or_default(),
        users: spec.users.clone(),
        not_after: spec.not_after.clone().unwrap_or_default(),
        serial: spec.serial.clone(),
        grant: Name { namespace: own, name: grant.name_any() },
        request: Name { namespace: spec.request_ref.namespace.clone(), name: spec.request_ref.name.clone() },
        approved_by: approved_by(spec.approvals.iter().flatten().map(|approval| approval.principal.as_str())),
    }
}
