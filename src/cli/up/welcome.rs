//! What `up` prints when it serves: who may use what until when, and lines to try.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::RwLock;

use super::UpArgs;
use crate::api::v1alpha1::access_grant::Decision;
use crate::cli::columns;
use crate::clock::Clock;
use crate::delivery::credentials::Credentials;
use crate::delivery::state_dir::StateDir;
use crate::judge::facts::Grant;
use crate::judge::index::{Index, Standing};
use crate::judge::served::{Segment, Served};

/// Grants in the table before the rest is counted only.
const ROWS: usize = 40;

/// The line that scripts wait for, the table, and lines to try.
pub fn print(
    out: &mut dyn Write,
    args: &UpArgs,
    base: &str,
    index: &RwLock<Index>,
    state: &StateDir,
    clock: &Clock,
) -> io::Result<()> {
    writeln!(out, "ready {base}")?;
    out.flush()?;
    let now = clock.now();
    let mut rows = Vec::new();
    let mut serving = Vec::new();
    let mut grants: Vec<Arc<Grant>> = index.read().grants().cloned().collect();
    grants.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    for grant in &grants {
        // asked one by one: a Revocation that comes now must not wait for this page
        let (index, key) = (index.read(), &grant.key);
        let unit = index.request(&grant.request).map_or_else(|| grant.request.to_string(), |r| r.unit.name.to_string());
        let until = match grant.decision {
            Decision::Approved => index.site().day(grant.not_after).to_string(),
            Decision::Denied => "-".to_owned(),
        };
        let state = match index.standing(key, now) {
            Some(Standing::Serves) => "serves".to_owned(),
            Some(Standing::Refused(finding)) => finding.reason.as_str().to_owned(),
            None => continue,
        };
        if state == "serves" {
            serving.extend(index.served(key).cloned());
        }
        if rows.len() < ROWS {
            rows.push(vec![grant.resource.to_string(), unit, grant.serial.to_string(), until, state]);
        }
    }
    writeln!(out)?;
    let headings = ["RESOURCE", "WHO MAY USE IT", "SERIAL", "UNTIL", "NOW"].map(str::to_owned);
    out.write_all(columns::draw(&headings, &rows).as_bytes())?;
    if grants.len() > rows.len() {
        writeln!(out, "… and {} more: datashare get accessgrants", grants.len() - rows.len())?;
    }
    let resources = index.read().resources().count();
    writeln!(
        out,
        "\n{resources} resources, {} grants, {} of them serve. Record, credentials and tombstones: {}",
        grants.len(),
        serving.len(),
        state.path().display()
    )?;
    let best = serving.iter().max_by_key(|s| {
        (s.requires.consent, s.requires.user, s.plan.operations.len(), std::cmp::Reverse(&s.grant.key))
    });
    if let Some(served) = best {
        tries(out, args, base, served, state)?;
    }
    out.flush()
}

fn tries(out: &mut dyn Write, args: &UpArgs, base: &str, served: &Served, state: &StateDir) -> io::Result<()> {
    let grant = &served.grant;
    let token = Credentials::newest(&state.credentials(), &grant.key, &grant.serial).unwrap_or_default();
    let (Some(token), Some(operation)) = (token, served.plan.operations.first()) else { return Ok(()) };
    let mut path = format!("{base}/{}/{}", grant.key.namespace, grant.resource);
    for segment in &operation.path {
        path.push('/');
        match segment {
            Segment::Literal(literal) => path.push_str(literal),
            Segment::Parameter(at) => {
                path.push_str(operation.parameters.get(*at).map_or("demo", |p| sample_value(&p.name)));
            }
        }
    }
    let required = operation.parameters.iter().filter(|p| !p.in_path && p.required);
    for (at, parameter) in required.enumerate() {
        path.push(if at == 0 { '?' } else { '&' });
        path.push_str(&parameter.name);
        path.push('=');
        path.push_str(sample_value(&parameter.name));
    }
    let user = served.users.as_ref().and_then(|users| users.iter().min()).map_or("p-0417", |user| &**user);
    let mut named = String::new();
    for (needed, header) in [
        (served.requires.user, format!(" -H 'Datashare-User: {user}'")),
        (served.requires.case, " -H 'Datashare-Case: case-2026-0001'".to_owned()),
    ] {
        if needed {
            named.push_str(&header);
        }
    }
    let consent = if served.requires.consent { " -H 'Datashare-Consent: consent-2026-0001'" } else { "" };
    let method =
        if operation.method.name() == "GET" { String::new() } else { format!(" -X {}", operation.method.name()) };
    let state_flag = state_flag(args);
    let directory = args.directory.display();
    writeln!(out, "\nTry:")?;
    writeln!(out, "  TOKEN={}", token.token())?;
    writeln!(out, "  # an allowed call: only {} come back", grant.fields.join(", "))?;
    writeln!(out, "  curl -si{method} -H \"Authorization: Bearer $TOKEN\"{named}{consent} '{path}'")?;
    if consent.is_empty() {
        writeln!(out, "  # what this token may do")?;
    } else {
        writeln!(out, "  # without the consent that each call must name: refused, and recorded")?;
        writeln!(out, "  curl -si{method} -H \"Authorization: Bearer $TOKEN\"{named} '{path}'")?;
        writeln!(out, "  # what this token may do: fields that are not listed never leave the guard")?;
    }
    writeln!(out, "  curl -s -H \"Authorization: Bearer $TOKEN\" {base}/.well-known/datashare/grant")?;
    writeln!(out, "  # a field that is not granted cannot be asked for either")?;
    writeln!(
        out,
        "  curl -si{method} -H \"Authorization: Bearer $TOKEN\"{named}{consent} '{path}{}fields=all'",
        if path.contains('?') { '&' } else { '?' }
    )?;
    writeln!(out, "  # take the right away; the next call is refused")?;
    writeln!(
        out,
        "  datashare revoke --grant '{}' --clause End --reason demo --decided-by me -n {} -o {directory}/revocation-demo.yaml",
        grant.serial, grant.key.namespace
    )?;
    writeln!(out, "  # who saw what")?;
    writeln!(out, "  datashare audit query{state_flag}")?;
    writeln!(out, "  datashare get accessgrants{state_flag}")
}

fn state_flag(args: &UpArgs) -> String {
    if args.state.as_os_str() == crate::delivery::state_dir::DEFAULT {
        String::new()
    } else {
        format!(" --state {}", args.state.display())
    }
}

/// A value that the sample upstream answers; no such person or thing exists.
fn sample_value(parameter: &str) -> &'static str {
    let name = parameter.to_lowercase();
    if name.contains("id") && (name.contains("number") || name.contains("card") || name.contains("no")) {
        "990101199001010015"
    } else if name.contains("code") {
        "91370100MA00000000"
    } else {
        "DEMO-2026-0001"
    }
}
