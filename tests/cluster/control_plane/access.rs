//! Who speaks to the API server: its administrator, or anybody else on the administrator's word (impersonation), and
//! the kubeconfig of each, which is all that a program under test is given.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use datashare::random;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use serde_json::{Value, json};

/// A user or service account, as RBAC sees it.
#[derive(Clone, Debug)]
pub struct Identity {
    pub user: String,
    pub groups: Vec<String>,
}

impl Identity {
    pub fn user(name: &str) -> Self {
        Self { user: name.to_owned(), groups: vec!["system:authenticated".to_owned()] }
    }

    pub fn service_account(namespace: &str, name: &str) -> Self {
        let mut identity = Self::user(&format!("system:serviceaccount:{namespace}:{name}"));
        identity.groups.push("system:serviceaccounts".to_owned());
        identity.groups.push(format!("system:serviceaccounts:{namespace}"));
        identity
    }
}

/// The server's own certificate and key, and the administrator's token: made anew for each control plane.
pub struct Access {
    server: String,
    /// PEM, as is the key.
    pub certificate: String,
    pub key: String,
    pub token: String,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Access {
    pub fn new(server: String) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>().unwrap());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { server, certificate: made.cert.pem(), key: made.signing_key.serialize_pem(), token, authority }
    }

    /// The authority of client certificates, in PEM.
    pub fn authority(&self) -> String {
        self.authority.pem()
    }

    /// A client certificate and its key, in PEM.
    pub fn certificate_of(&self, user: &str, group: &str) -> (String, String) {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, user);
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    pub async fn client(&self, identity: Option<&Identity>) -> Client {
        let kubeconfig = Kubeconfig::from_yaml(&self.kubeconfig(identity).to_string()).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        Client::try_from(config).unwrap()
    }

    /// A kubeconfig; JSON is YAML too.
    pub fn kubeconfig(&self, identity: Option<&Identity>) -> Value {
        let mut user = json!({"token": self.token});
        if let Some(identity) = identity {
            user["as"] = json!(identity.user);
            user["as-groups"] = json!(identity.groups);
        }
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "suite",
            "contexts": [{"name": "suite", "context": {"cluster": "suite", "user": "suite"}}],
            "clusters": [{"name": "suite", "cluster": {
                "server": self.server,
                "certificate-authority-data": STANDARD.encode(&self.certificate),
            }}],
            "users": [{"name": "suite", "user": user}],
        })
    }
}
