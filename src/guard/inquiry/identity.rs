//! Who asks, as the API server has it: by a bearer token, which it is asked about, or by a client certificate of an
//! authority that it believes. What both are silent about is nobody.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use kube::api::PostParams;
use kube::{Api, Client};
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::problem::Problem;

/// The API server must answer in this time.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Everybody whom the API server knows is in this group.
const AUTHENTICATED: &str = "system:authenticated";
/// Whoever it does not know.
const ANONYMOUS: &str = "system:anonymous";

/// Somebody, as RBAC sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub user: String,
    pub uid: Option<String>,
    pub groups: Vec<String>,
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Finds out who asks. `shown` is the client's certificate, whose authority was checked with the handshake.
pub(super) async fn who(
    client: &Client,
    headers: &HeaderMap,
    shown: Option<&CertificateDer<'_>>,
) -> Result<Identity, Problem> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (Some(header), None) => {
            let text = header.to_str().map_err(|_| Problem::Unknown)?;
            let token = text.strip_prefix("Bearer ").map(str::trim).filter(|token| !token.is_empty());
            review(client, token.ok_or(Problem::Nobody)?).await
        }
        (None, _) => shown.and_then(|shown| subject(shown)).ok_or(Problem::Nobody),
        (Some(_), Some(_)) => Err(Problem::Nobody),
    }
}

async fn review(client: &Client, token: &str) -> Result<Identity, Problem> {
    let reviews: Api<TokenReview> = Api::all(client.clone());
    let spec = TokenReviewSpec { token: Some(token.to_owned()), ..TokenReviewSpec::default() };
    let review = TokenReview { spec, ..TokenReview::default() };
    let asked = timeout(PATIENCE, reviews.create(&PostParams::default(), &review)).await;
    let answered = asked.map_err(|_| Problem::Unreviewed("no answer in time".to_owned()))?;
    let status = answered.map_err(|error| Problem::Unreviewed(error.to_string()))?.status.unwrap_or_default();
    if status.authenticated != Some(true) {
        return Err(Problem::Unknown);
    }
    status.user.and_then(known).ok_or(Problem::Unknown)
}

fn known(user: UserInfo) -> Option<Identity> {
    let name = user.username.filter(|name| !name.is_empty() && name != ANONYMOUS)?;
    Some(Identity {
        user: name,
        uid: user.uid,
        groups: user.groups.unwrap_or_default(),
        extra: user.extra.unwrap_or_default(),
    })
}

/// Name and groups of a client certificate, as the API server reads them: the common name, and each organisation.
#[must_use]
pub fn subject(certificate: &CertificateDer<'_>) -> Option<Identity> {
    let (rest, certificate) = X509Certificate::from_der(certificate).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let subject = certificate.subject();
    let mut names = subject.iter_common_name();
    // the last one of several counts there; here none does
    let (Some(name), None) = (names.next(), names.next()) else { return None };
    let user = name.as_str().ok().filter(|name| !name.is_empty() && *name != ANONYMOUS)?.to_owned();
    let mut groups = Vec::new();
    for organisation in subject.iter_organization() {
        groups.push(organisation.as_str().ok()?.to_owned());
    }
    groups.push(AUTHENTICATED.to_owned());
    Some(Identity { user, groups, ..Identity::default() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    fn certificate(names: &[(DnType, &str)]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn a_certificate_names_its_holder_and_the_groups() {
        let one = certificate(&[(DnType::CommonName, "zhao"), (DnType::OrganizationName, "auditors")]);
        let known = subject(&one).unwrap();
        assert_eq!(known.user, "zhao");
        assert_eq!(known.groups, ["auditors", AUTHENTICATED]);
        for nobody in [vec![], vec![(DnType::OrganizationName, "auditors")], vec![(DnType::CommonName, ANONYMOUS)]] {
            assert_eq!(subject(&certificate(&nobody)), None, "{nobody:?}");
        }
    }

    #[test]
    fn whom_the_server_does_not_name_is_nobody() {
        let user = |name: &str| UserInfo { username: Some(name.to_owned()), ..UserInfo::default() };
        assert_eq!(known(user("zhao")).unwrap().user, "zhao");
        assert_eq!(known(user(ANONYMOUS)), None);
        assert_eq!(known(user("")), None);
        assert_eq!(known(UserInfo::default()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_somebody_or_nobody(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..400, to in any::<u8>()) {
            prop_assert_eq!(subject(&CertificateDer::from(bytes)), None);
            let mut changed = certificate(&[(DnType::CommonName, "zhao")]).to_vec();
            let at = at % changed.len();
            changed[at] = to;
            let _ = subject(&CertificateDer::from(changed));
        }
    }
}
