//! No right too many and none too few: everything a guard does in its life, against what the chart's roles allow.

use super::city::City;
use super::running::Running;
use super::upstream::Upstream;
use crate::charts::roles::all_used;
use crate::control_plane::{ControlPlane, eventually};
use crate::definitions::apply_to;
use crate::source::version;

#[test]
fn a_guard_uses_every_right_that_the_chart_gives_it_and_lacks_none() {
    let plane = ControlPlane::start_audited();
    apply_to(&plane);
    let upstream = Upstream::usual();
    let city = City::new(&plane);
    city.settle("12s");
    city.resource(upstream.address);
    city.secret("s3cret");
    city.serving("deed-tax");
    let mut guard = Running::start(&city, "guard-0", &plane.kubeconfig(Some(&city.guard())));
    guard.until(&city, "deed-tax", "200");
    let auditor = super::audit::account(&city, "auditor");
    super::audit::bind(&city, "datashare-auditor", &auditor, None);
    let answer = super::audit::until(&city, "guard-0", &auditor, "{}", 200);
    assert!(answer.ends_with("}\n") && answer.contains("\"end\""), "{answer}");
    let revocation = city.revoke("deed-tax");
    eventually("the Lease says so", || (city.applied("guard-0", "Revocation") >= version(&revocation)).then_some(()));
    guard.terminate();
    assert!(guard.ended().success(), "{}", guard.log());
    all_used(&plane, &city.guard(), &city.system, "guard");
}
