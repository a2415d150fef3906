//! The committed definitions.
use datashare::api::v1alpha1::{Kind, definition};
use datashare::cli::crds;

#[test]
fn committed_definitions_are_what_the_types_say() {
    for kind in Kind::ALL {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crds").join(format!("{}.yaml", definition::name(kind)));
        let fresh = crds::render(kind).unwrap();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &fresh).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(committed == fresh, "{} is stale", file.display());
    }
}
