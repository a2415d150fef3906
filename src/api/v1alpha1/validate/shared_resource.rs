//! Rules of a `SharedResource`.

use super::{Checks, Violation, syntax};
use crate::api::v1alpha1::messages;
use crate::api::v1alpha1::shared_resource::{
    Direction, Field, Operation, ParameterIn, SharedResourceSpec, Tier, Upstream,
};

/// Header fields whose value the guard or HTTP itself decides.
const OWN_HEADERS: [&str; 11] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "accept",
    "accept-encoding",
    "range",
];

pub(super) fn violations(spec: &SharedResourceSpec) -> Vec<Violation> {
    let mut checks = Checks::default();
    checks.text(&spec.title, "spec.title");
    checks.text(&spec.provider.name, "spec.provider.name");
    checks.code(&spec.provider.code, "spec.provider.code");
    channel(spec, &mut checks);
    fields(spec, &mut checks);
    let modes = spec.interface.is_some() || spec.table.is_some() || spec.files.is_some() || spec.other.is_some();
    checks.rule(modes, "spec", messages::MODES, "add the section of the mode in which the data is given out");
    if let Some(interface) = &spec.interface {
        checks.text(&interface.standard, "spec.interface.standard");
        upstream(&interface.upstream, &mut checks);
        let names: Vec<_> = interface.operations.iter().map(|o| &o.name).collect();
        checks.unique(&names, "spec.interface.operations", messages::OPERATION_NAMES);
        for (at, one) in interface.operations.iter().enumerate() {
            operation(one, &format!("spec.interface.operations[{at}]"), &mut checks);
        }
    }
    if let Some(table) = &spec.table {
        let reference = &table.database.secret_ref;
        key_reference(&reference.name, &reference.key, "spec.table.database.secretRef", &mut checks);
        checks.text(&table.schema, "spec.table.schema");
        checks.text(&table.name, "spec.table.name");
        checks.optional_text(table.row_filter.as_ref(), "spec.table.rowFilter");
    }
    if let Some(files) = &spec.files {
        checks.rule(syntax::store(&files.store), "spec.files.store", messages::STORE, "write the store's URL");
        let prefix = files.prefix.as_deref().is_none_or(syntax::store_prefix);
        checks.rule(prefix, "spec.files.prefix", messages::PREFIX, "write it as in monthly/");
    }
    approval(spec, &mut checks);
    if let Some(policy) = &spec.audit_policy_ref {
        checks.name(&policy.name, "spec.auditPolicyRef.name");
    }
    checks.0
}

fn channel(spec: &SharedResourceSpec, checks: &mut Checks) {
    let channel = &spec.channel;
    checks.optional_text(channel.platform.as_ref(), "spec.channel.platform");
    if let Some(migration) = &channel.migration {
        checks.date(&migration.by, "spec.channel.migration.by");
    }
    checks.rule(
        channel.tier != Tier::Direct || channel.migration.as_ref().is_some_and(|m| m.to != Tier::Direct),
        "spec.channel.migration",
        messages::DIRECT_MIGRATION,
        "add 'migration: {to: City, by: \"YYYY-MM-DD\"}'",
    );
    let only_interface =
        spec.interface.is_some() && spec.table.is_none() && spec.files.is_none() && spec.other.is_none();
    checks.rule(
        spec.direction != Direction::Out
            || channel.exception.is_some()
            || (channel.tier == Tier::City && only_interface),
        "spec.channel.exception",
        messages::OUT_EXCEPTION,
        "add 'exception: {reason: …}', or go through the City platform as an interface",
    );
    if let Some(exception) = &channel.exception {
        checks.text(&exception.reason, "spec.channel.exception.reason");
        if let Some(approval) = &exception.approval {
            checks.sha256(&approval.sha256, "spec.channel.exception.approval.sha256");
        }
    }
}

fn fields(spec: &SharedResourceSpec, checks: &mut Checks) {
    let names: Vec<_> = spec.fields.iter().map(|f| &f.name).collect();
    checks.unique(&names, "spec.fields", messages::FIELD_NAMES);
    let leads = |from: &str, to: &str| {
        to.strip_prefix(from).is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
    };
    let meets = |one: &Field, other: &Field| leads(&one.path, &other.path) || leads(&other.path, &one.path);
    let crossing = |(at, field): (usize, &Field)| spec.fields.iter().take(at).any(|before| meets(before, field));
    if let Some(at) = spec.fields.iter().enumerate().position(crossing) {
        let fix = "grant the leaves, each under one name";
        checks.rule(false, format!("spec.fields[{at}].path"), messages::FIELD_PATHS, fix);
    }
    for (at, field) in spec.fields.iter().enumerate() {
        let fix = "begin with a letter, as in ownerName";
        checks.rule(syntax::field_name(&field.name), format!("spec.fields[{at}].name"), messages::FIELD_NAME, fix);
        checks.text(&field.title, format!("spec.fields[{at}].title"));
        let fix = "write the way from the answer's root, as in $.data[*].ownerName";
        checks.rule(syntax::field_path(&field.path), format!("spec.fields[{at}].path"), messages::FIELD_PATH, fix);
    }
}

fn upstream(upstream: &Upstream, checks: &mut Checks) {
    let at = "spec.interface.upstream";
    checks.rule(
        syntax::upstream_url(&upstream.url, upstream.insecure == Some(true)),
        format!("{at}.url"),
        messages::UPSTREAM_URL,
        "use https, or add 'insecure: true' if the line is protected in another way",
    );
    if let Some(reference) = &upstream.ca_ref {
        key_reference(&reference.name, &reference.key, &format!("{at}.caRef"), checks);
    }
    if let Some(credential) = &upstream.credential {
        let name = &credential.header;
        let token =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&*+.^_|~-".contains(&b));
        let free = !OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str());
        let fix = "name the header the upstream asks for, such as X-App-Key or Authorization";
        checks.rule(token && free, format!("{at}.credential.header"), messages::HEADER, fix);
        let reference = &credential.secret_ref;
        key_reference(&reference.name, &reference.key, &format!("{at}.credential.secretRef"), checks);
    }
    if let Some(timeout) = &upstream.timeout {
        checks.duration(timeout, format!("{at}.timeout"));
    }
}

fn key_reference(name: &str, key: &str, at: &str, checks: &mut Checks) {
    checks.name(name, format!("{at}.name"));
    checks.rule(syntax::secret_key(key), format!("{at}.key"), messages::KEY, "name a key of the Secret");
}

fn operation(operation: &Operation, at: &str, checks: &mut Checks) {
    checks.name(&operation.name, format!("{at}.name"));
    checks.optional_text(operation.title.as_ref(), format!("{at}.title"));
    let placeholders = syntax::placeholders(&operation.path);
    let fix = "write it as in /marriages/{idNumber}";
    checks.rule(placeholders.is_some(), format!("{at}.path"), messages::OPERATION_PATH, fix);
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let names: Vec<_> = parameters.iter().map(|p| &p.name).collect();
    checks.unique(&names, &format!("{at}.parameters"), messages::PARAMETER_NAMES);
    for (index, parameter) in parameters.iter().enumerate() {
        let fix = "begin with a letter, as in idNumber";
        let name = format!("{at}.parameters[{index}].name");
        checks.rule(syntax::field_name(&parameter.name), name, messages::FIELD_NAME, fix);
        let required = parameter.in_ != ParameterIn::Path || parameter.required != Some(false);
        let member = format!("{at}.parameters[{index}].required");
        checks.rule(required, member, messages::PATH_REQUIRED, "remove 'required: false'");
    }
    if let Some(mut placeholders) = placeholders {
        let mut declared: Vec<_> =
            parameters.iter().filter(|p| p.in_ == ParameterIn::Path).map(|p| p.name.as_str()).collect();
        declared.sort_unstable();
        placeholders.sort_unstable();
        let fix = "declare each {parameter} with 'in: Path', and no other";
        checks.rule(declared == placeholders, at, messages::OPERATION_PLACEHOLDERS, fix);
    }
}

fn approval(spec: &SharedResourceSpec, checks: &mut Checks) {
    let roles: Vec<_> = spec.approval.iter().map(|r| &r.role).collect();
    checks.unique(&roles, "spec.approval", messages::APPROVAL_ROLES);
    for (at, rule) in spec.approval.iter().enumerate() {
        let at = format!("spec.approval[{at}]");
        checks.role(&rule.role, format!("{at}.role"));
        let plain = rule.principals.iter().all(|p| syntax::principal(p)) && syntax::unique(&rule.principals);
        let fix = "name people as allowed_signers does, one an entry";
        checks.rule(plain, format!("{at}.principals"), messages::PRINCIPALS, fix);
        let reachable = rule.threshold.is_none_or(|t| usize::try_from(t).is_ok_and(|t| t <= rule.principals.len()));
        let fix = "lower the threshold or name more principals";
        checks.rule(reachable, at, messages::THRESHOLD, fix);
    }
}
