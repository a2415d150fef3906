//! A way to a cluster, as the kubeconfig says, or as the pod that the program runs in.

use kube::Config;
use kube::config::KubeConfigOptions;

/// There is none.
#[derive(Debug, thiserror::Error)]
#[error("no way to the cluster: {0}; name one with --context or KUBECONFIG")]
pub struct NoCluster(pub String);

/// How the cluster of a context is reached; without one, of the current context.
pub async fn config(context: Option<&str>) -> Result<Config, NoCluster> {
    let unusable = |error: &dyn std::fmt::Display| NoCluster(error.to_string());
    match context {
        None => Config::infer().await.map_err(|error| unusable(&error)),
        Some(context) => {
            let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
            Config::from_kubeconfig(&options).await.map_err(|error| unusable(&error))
        }
    }
}
