//! The terms of a new grant: what the request asks for, narrowed by what the approver says.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{ApproveError, Requirement, TermsArgs};
use crate::api::v1alpha1::access_grant::{Decision, Quota, RequestReference, ResourceReference};
use crate::api::v1alpha1::common::{Mode, Requires};
use crate::api::v1alpha1::validate::syntax;
use crate::api::v1alpha1::{AccessGrantSpec, DataShareRequestSpec, SharedResourceSpec};
use crate::approval::digests;
use crate::judge::facts::Site;

/// The longest a grant may last.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// The request that is decided on.
pub(super) struct Asked<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) spec: &'a DataShareRequestSpec,
}

/// The first option of those that only make sense for a new grant.
pub(super) fn first_given(terms: &TermsArgs) -> Option<&'static str> {
    [
        (terms.serial.is_some(), "--serial"),
        (terms.name.is_some(), "--name"),
        (terms.fields.is_some(), "--fields"),
        (terms.operations.is_some(), "--operations"),
        (terms.users.is_some(), "--users"),
        (!terms.require.is_empty(), "--require"),
        (terms.legal_basis.is_some(), "--legal-basis"),
        (terms.not_before.is_some(), "--not-before"),
        (terms.not_after.is_some(), "--not-after"),
        (terms.quota_per_second.is_some(), "--quota-per-second"),
        (terms.quota_per_day.is_some(), "--quota-per-day"),
        (terms.supersedes.is_some(), "--supersedes"),
        (terms.deny.is_some(), "--deny"),
    ]
    .into_iter()
    .find_map(|(given, option)| given.then_some(option))
}

/// The whole spec, without approvals.
pub(super) fn terms(
    args: &TermsArgs,
    asked: &Asked<'_>,
    resource: &SharedResourceSpec,
    site: &Site,
    amended: Option<String>,
    now: Timestamp,
) -> Result<AccessGrantSpec, ApproveError> {
    let serial = args.serial.clone().ok_or(ApproveError::NoSerial)?;
    let request = asked.spec;
    let denied = args.deny.is_some();
    let fields = args.fields.clone().unwrap_or_else(|| request.fields.clone());
    let operations = match request.mode {
        Mode::Interface => args.operations.clone().or_else(|| request.operations.clone()),
        _ => args.operations.clone(),
    };
    let granted = |list: &[String]| if denied { Vec::new() } else { list.to_vec() };
    let target = &request.resource_ref;
    let slice = digests::slice(
        &target.namespace,
        &target.name,
        resource,
        &granted(&fields),
        &granted(operations.as_deref().unwrap_or_default()),
        request.mode,
    )?;
    let mut spec = AccessGrantSpec {
        serial,
        request_ref: RequestReference {
            namespace: asked.namespace.into(),
            name: asked.name.into(),
            digest: digests::request(asked.namespace, asked.name, request)?.to_string(),
        },
        resource_ref: ResourceReference { name: target.name.clone(), digest: slice.to_string() },
        decision: Decision::Denied,
        reason: args.deny.clone(),
        provider: None,
        fields: None,
        operations: None,
        users: None,
        requires: None,
        legal_basis: None,
        not_before: None,
        not_after: None,
        quota: None,
        credential: None,
        supersedes: None,
        platform_approval: None,
        approvals: None,
    };
    if denied {
        return Ok(spec);
    }
    let not_before = match &args.not_before {
        Some(text) => moment(text, "not-before", site, false)?,
        None => stamp(now, &site.time_zone),
    };
    spec.not_after = Some(match &args.not_after {
        Some(text) => moment(text, "not-after", site, true)?,
        None => latest_end(request, &not_before, site),
    });
    spec.decision = Decision::Approved;
    spec.fields = Some(fields);
    spec.operations = operations;
    spec.users = args.users.clone().or_else(|| request.users.clone());
    spec.requires = requires(args, resource);
    spec.legal_basis.clone_from(&args.legal_basis);
    spec.not_before = Some(not_before);
    spec.quota = (args.quota_per_second.is_some() || args.quota_per_day.is_some())
        .then_some(Quota { per_second: args.quota_per_second, per_day: args.quota_per_day });
    spec.supersedes = args.supersedes.clone().or(amended);
    Ok(spec)
}

/// What the resource asks of each call, put under the signature, and what the approver adds.
fn requires(args: &TermsArgs, resource: &SharedResourceSpec) -> Option<Requires> {
    let mut all = resource.requires.clone().unwrap_or_default();
    for requirement in &args.require {
        match requirement {
            Requirement::User => all.user = Some(true),
            Requirement::Case => all.case = Some(true),
            Requirement::Consent => all.consent = Some(true),
        }
    }
    (all != Requires::default()).then_some(all)
}

/// A time as written, or a day as its first or last second at the site.
fn moment(text: &str, option: &'static str, site: &Site, end: bool) -> Result<String, ApproveError> {
    if syntax::time(text).is_some() {
        return Ok(text.to_owned());
    }
    let day = syntax::date(text).ok_or_else(|| ApproveError::Time { option, text: text.into() })?;
    let at = if end { last_second(site.end_of(day)) } else { site.start_of(day) };
    Ok(stamp(at, &site.time_zone))
}

/// The end of the last day asked for, unless that is too far.
fn latest_end(request: &DataShareRequestSpec, not_before: &str, site: &Site) -> String {
    let asked = syntax::date(&request.not_after).map_or(Timestamp::MAX, |day| last_second(site.end_of(day)));
    let longest = syntax::time(not_before).and_then(|from| from.checked_add(LONGEST).ok()).unwrap_or(Timestamp::MAX);
    stamp(asked.min(longest), &site.time_zone)
}

fn last_second(end: Timestamp) -> Timestamp {
    end.checked_sub(SignedDuration::from_secs(1)).unwrap_or(end)
}

/// A moment as people at the site write it, to the second.
pub(super) fn stamp(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
