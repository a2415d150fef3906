//! Writing the grant: a new file, or one more signature in an existing one. What is about to be
//! written is read back first and must say exactly what was meant; a file is replaced whole or not.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::case::Case;
use super::insert;
use crate::api::v1alpha1::access_grant::Approval;
use crate::api::v1alpha1::{API_VERSION, AccessGrantSpec, Kind};
use crate::cli::file::ObjectFile;
use crate::source::directory;
use crate::source::finding::Severity;
use crate::source::object::{Object, Spec};
use crate::source::yaml::{self, EmitError};

/// Why the grant was not written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("{} is there already; give another file with -o", .0.display())]
    Exists(PathBuf),
    #[error("{} was changed while you decided; look at it again and sign anew", .0.display())]
    Changed(PathBuf),
    #[error("the grant {0}")]
    Emit(#[from] EmitError),
    #[error("the grant would not be valid: {0}")]
    Invalid(String),
    #[error(
        "{}: the signature cannot be put in without touching the rest; write `approvals:` in block style, last in spec",
        .0.display()
    )]
    NoPlace(PathBuf),
    #[error("{}: cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// A grant in the order in which people read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: BTreeMap<&'static str, &'a str>,
    spec: &'a AccessGrantSpec,
}

/// Writes a new grant beside the request, or to `output`; never over another file.
pub(super) fn new_grant(case: &Case<'_>, request: &Path, output: Option<&Path>) -> Result<PathBuf, SaveError> {
    let beside = || request.with_file_name(format!("{}-grant.yaml", case.name));
    let path = output.map_or_else(beside, Path::to_owned);
    let manifest = Manifest {
        api_version: API_VERSION,
        kind: Kind::AccessGrant.name(),
        // `namespace` would come after `name`, and either order is fine
        metadata: BTreeMap::from([("namespace", case.namespace.as_str()), ("name", case.name.as_str())]),
        spec: &case.spec,
    };
    let text = yaml::emit(&manifest)?;
    let objects = read_back(&path, &text)?;
    if !matches!(objects.as_slice(), [one] if is_meant(one, case)) {
        return Err(SaveError::Invalid("it would read back differently".into()));
    }
    let write = |source| SaveError::Write { path: path.clone(), source };
    match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(write)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(SaveError::Exists(path)),
        Err(error) => return Err(write(error)),
    }
    Ok(path)
}

/// Writes the grant's file with one more signature, everything else as it stands.
pub(super) fn signed_grant(
    case: &Case<'_>,
    file: &ObjectFile,
    approval: &Approval,
    output: Option<&Path>,
) -> Result<PathBuf, SaveError> {
    let text = insert::approval(&file.text, &case.namespace, &case.name, approval)?
        .ok_or_else(|| SaveError::NoPlace(file.path.clone()))?;
    let objects = read_back(&file.path, &text).map_err(|_| SaveError::NoPlace(file.path.clone()))?;
    let as_meant = objects.len() == file.objects.len()
        && objects.iter().zip(&file.objects).all(|(new, old)| new == old || is_meant(new, case))
        && objects.iter().any(|object| is_meant(object, case));
    if !as_meant {
        return Err(SaveError::NoPlace(file.path.clone()));
    }
    if let Some(path) = output
        && path != file.path
    {
        if path.exists() {
            return Err(SaveError::Exists(path.into()));
        }
        replace(path, &text).map_err(|source| SaveError::Write { path: path.into(), source })?;
        return Ok(path.into());
    }
    let write = |source| SaveError::Write { path: file.path.clone(), source };
    // a link stays a link: what it points to is replaced
    let target = fs::canonicalize(&file.path).map_err(write)?;
    if fs::read_to_string(&target).map_err(write)? != file.text {
        return Err(SaveError::Changed(file.path.clone()));
    }
    replace(&target, &text).map_err(write)?;
    Ok(file.path.clone())
}

fn read_back(path: &Path, text: &str) -> Result<Vec<Object>, SaveError> {
    let load = directory::load_text(&path.display().to_string(), text);
    if let Some(error) = load.findings.iter().find(|finding| finding.severity == Severity::Error) {
        let member = error.member.as_deref().unwrap_or("the file");
        return Err(SaveError::Invalid(format!("{member}: {}; {}", error.message, error.fix)));
    }
    Ok(load.documents.into_iter().filter_map(|loaded| loaded.object).collect())
}

fn is_meant(object: &Object, case: &Case<'_>) -> bool {
    object.namespace == case.namespace
        && object.name == case.name
        && matches!(&object.spec, Spec::AccessGrant(spec) if **spec == case.spec)
}

/// Whole or not at all: written beside, made durable, then renamed.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.tmp"));
    let mut file = fs::File::create(&beside)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
