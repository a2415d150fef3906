//! `datashare crds`: the five `CustomResourceDefinition`s as an API server takes them. What is
//! printed is what the committed files under `crds/` hold, byte for byte.

use std::io::{self, Write};

use clap::Args;

use crate::api::v1alpha1::Kind;
use crate::api::v1alpha1::definition::definition;
use crate::source::yaml::{EmitError, emit};

/// Print the CustomResourceDefinitions of the five kinds
#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = "Example:\n  datashare crds | kubectl apply --server-side -f -")]
pub struct Crds {}

impl Crds {
    /// Prints the definitions of all five kinds as one YAML stream.
    pub fn run(self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        for kind in Kind::ALL {
            let text = render(kind).map_err(io::Error::other)?;
            write!(out, "---\n{text}")?;
        }
        out.flush()
    }
}

/// The definition of one kind as YAML, without a document mark.
pub fn render(kind: Kind) -> Result<String, EmitError> {
    emit(&definition(kind))
}
