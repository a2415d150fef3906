//! `datashare digest`: the digests by which a grant names what was reviewed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::file::{self, FileError, ObjectFile};
use super::world::World;
use crate::api::v1alpha1::{AccessGrantSpec, Kind};
use crate::approval::canonical::{CanonicalError, Digest};
use crate::approval::digests;
use crate::clock::Clock;
use crate::source::object::{Object, ObjectKey, Spec};

/// Print digests, one line each: KIND NAMESPACE/NAME sha256:…
///
/// For a grant: its terms, and the slice of the resource that it should name.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  datashare digest requests/tax-bureau/deed-tax.yaml    what requestRef.digest names
  datashare digest grants/deed-tax.yaml                 the terms, and what resourceRef.digest names")]
pub struct DigestArgs {
    /// Files of objects
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The directory of the other objects; without it, the nearest above a file with a datashare.yaml
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Why there is no result; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{key}: {source}")]
    Canonical { key: ObjectKey, source: CanonicalError },
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

/// Runs the command. Gives the exit code: 0, or 1 when a digest could not be told.
pub fn run(args: &DigestArgs, clock: &Clock, out: &mut dyn Write, messages: &mut dyn Write) -> Result<u8, DigestError> {
    let mut untold = false;
    for path in &args.files {
        let file = ObjectFile::read(path)?;
        let mut world = None;
        for object in &file.objects {
            let told = one(&file, object, args.dir.as_deref(), clock, &mut world)?;
            told.lines.iter().try_for_each(|(key, digest)| writeln!(out, "{key} {digest}"))?;
            if let Some(why) = told.untold {
                untold = true;
                writeln!(messages, "{}: {}: {why}", path.display(), object.key())?;
            }
        }
    }
    Ok(u8::from(untold))
}

/// The lines of one object, and what could not be told of it.
struct Told {
    lines: Vec<(ObjectKey, Digest)>,
    untold: Option<String>,
}

fn one(
    file: &ObjectFile,
    object: &Object,
    dir: Option<&Path>,
    clock: &Clock,
    world: &mut Option<World>,
) -> Result<Told, DigestError> {
    let key = object.key();
    let canonical = |source| DigestError::Canonical { key: key.clone(), source };
    let spec = match &object.spec {
        Spec::AccessGrant(spec) => {
            let terms = digests::terms(spec).map_err(canonical)?;
            let mut told = Told { lines: vec![(key.clone(), terms)], untold: None };
            let world = match world {
                Some(world) => world,
                None => world.insert(file.world(dir, clock.now())?),
            };
            match slice(file, world, &object.namespace, spec) {
                Ok(slice) => {
                    let resource = ObjectKey::new(Kind::SharedResource, &object.namespace, &spec.resource_ref.name);
                    told.lines.push((resource, slice.map_err(canonical)?));
                }
                Err(why) => told.untold = Some(why),
            }
            return Ok(told);
        }
        Spec::SharedResource(_) => {
            let why = "a resource has no digest of its own, only the slice that a grant relies on; name the grant";
            return Ok(Told { lines: Vec::new(), untold: Some(why.into()) });
        }
        Spec::DataShareRequest(spec) => serde_json::to_value(spec),
        Spec::AuditPolicy(spec) => serde_json::to_value(spec),
        Spec::Revocation(spec) => serde_json::to_value(spec),
    };
    let spec = spec.map_err(|error| canonical(CanonicalError::Unwritable(error.to_string())))?;
    let digest = digests::object(object.kind(), &object.namespace, &object.name, &spec).map_err(canonical)?;
    Ok(Told { lines: vec![(key, digest)], untold: None })
}

/// The slice needs the resource, and the request for the mode; both may stand in the same file.
fn slice(
    file: &ObjectFile,
    world: &World,
    namespace: &str,
    spec: &AccessGrantSpec,
) -> Result<Result<Digest, CanonicalError>, String> {
    let (asked, name) = (&spec.request_ref, &spec.resource_ref.name);
    let find = |key: &ObjectKey| {
        file.objects
            .iter()
            .find(|object| object.key() == *key)
            .or_else(|| file::single(world, key))
            .ok_or_else(|| format!("{key} is not in {}, so the slice cannot be told", world.root.display()))
    };
    let request = find(&ObjectKey::new(Kind::DataShareRequest, &asked.namespace, &asked.name))?;
    let resource = find(&ObjectKey::new(Kind::SharedResource, namespace, name))?;
    let (Spec::DataShareRequest(request), Spec::SharedResource(resource)) = (&request.spec, &resource.spec) else {
        return Err("its request and resource are of other kinds".into());
    };
    let fields = spec.fields.as_deref().unwrap_or_default();
    let operations = spec.operations.as_deref().unwrap_or_default();
    Ok(digests::slice(namespace, name, resource, fields, operations, request.mode))
}
