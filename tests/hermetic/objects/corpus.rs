//! The files of `tests/objects`, and the two judges they are brought before.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use datashare::api::v1alpha1::validate::{Validate, Violation};
use datashare::api::v1alpha1::{
    AccessGrant, AuditPolicy, DataShareRequest, Kind, Revocation, SharedResource, definition,
};
use datashare::source::yaml;
use kube::core::cel::{CompiledSchema, Validator, compile_schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub struct Sample {
    pub file: String,
    pub object: Value,
    /// What stood there before, for the rules about changes.
    pub old: Option<Value>,
    text: String,
}

impl Sample {
    /// What a leading comment says after `# name: `.
    pub fn stated(&self, name: &str) -> String {
        let mark = format!("# {name}: ");
        let line = self.text.lines().find_map(|line| line.strip_prefix(mark.as_str()));
        line.unwrap_or_else(|| panic!("{}: no '{mark}' line", self.file)).to_owned()
    }
}

pub fn samples(kind: Kind, fate: &str) -> Vec<Sample> {
    let folder = root().join("tests/objects").join(kind.name()).join(fate);
    let mut files = files(&folder);
    files.retain(|file| !file.to_string_lossy().ends_with(".old.yaml"));
    files.into_iter().map(|file| sample(&file)).collect()
}

fn sample(file: &Path) -> Sample {
    let old = file.with_extension("old.yaml");
    let text = fs::read_to_string(file).unwrap();
    let name = file.strip_prefix(root()).unwrap().display().to_string();
    Sample {
        object: read(&text, &name),
        old: old.exists().then(|| read(&fs::read_to_string(&old).unwrap(), &name)),
        file: name,
        text,
    }
}

/// Every object of the example.
pub fn examples() -> Vec<Value> {
    fn below(folder: &Path) -> Vec<PathBuf> {
        let (folders, files): (Vec<_>, Vec<_>) = files(folder).into_iter().partition(|path| path.is_dir());
        folders.iter().flat_map(|folder| below(folder)).chain(files).collect()
    }
    let mut all = below(&root().join("examples/jinan"));
    all.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    all.iter().map(|file| read(&fs::read_to_string(file).unwrap(), &file.display().to_string())).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(text: &str, name: &str) -> Value {
    let mut documents = yaml::parse(text);
    assert_eq!(documents.len(), 1, "{name}: one object per file");
    documents.remove(0).unwrap_or_else(|fault| panic!("{name}: {fault}")).value
}

/// The sentences of the CEL rules that an object breaks, each member's in turn.
pub fn cel(kind: Kind, object: &Value, old: Option<&Value>) -> Vec<String> {
    static SCHEMAS: OnceLock<Vec<(Kind, CompiledSchema)>> = OnceLock::new();
    thread_local! { static VALIDATOR: Validator = Validator::new(); }
    let all = SCHEMAS
        .get_or_init(|| Kind::ALL.into_iter().map(|kind| (kind, compile_schema(&definition::schema(kind)))).collect());
    let (_, schema) = all.iter().find(|(known, _)| *known == kind).unwrap();
    let outcome = VALIDATOR.with(|validator| validator.validate_compiled(schema, object, old));
    outcome.err().into_iter().flat_map(kube::core::cel::ValidationErrors::into_vec).map(|error| error.message).collect()
}

/// What our own checks say, and the object as we would write it; or why it is none of its kind.
pub fn rust(kind: Kind, object: &Value) -> Result<(Vec<Violation>, Value), serde_json::Error> {
    fn typed<K: DeserializeOwned + Serialize>(
        object: &Value,
        spec: impl Fn(&K) -> Vec<Violation>,
    ) -> Result<(Vec<Violation>, Value), serde_json::Error> {
        let object = K::deserialize(object)?;
        Ok((spec(&object), serde_json::to_value(&object)?))
    }
    match kind {
        Kind::SharedResource => typed(object, |object: &SharedResource| object.spec.violations()),
        Kind::DataShareRequest => typed(object, |object: &DataShareRequest| object.spec.violations()),
        Kind::AccessGrant => typed(object, |object: &AccessGrant| object.spec.violations()),
        Kind::AuditPolicy => typed(object, |object: &AuditPolicy| object.spec.violations()),
        Kind::Revocation => typed(object, |object: &Revocation| object.spec.violations()),
    }
}
