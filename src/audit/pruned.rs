//! `pruned.jsonl`: what is left of entries that were removed on time. A line names a stretch of them
//! and the perfect subtrees that cover it, so that the rest of the stream still verifies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;

use crate::audit::encode;
use crate::audit::tree::{Hash, Node, Range};

/// The file of a stream that holds these lines.
pub const PRUNED: &str = "pruned.jsonl";

/// One line: entries that are gone, by what the tree keeps of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    pub range: Range,
    pub removed_at: Timestamp,
}

/// Why a line is none of these.
#[derive(Debug, thiserror::Error)]
pub enum PrunedError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("node {level}/{index} has no hash of 32 bytes")]
    Hash { level: u8, index: u64 },
    #[error("the nodes are not the subtrees that cover entries {from} to {to}")]
    Cover { from: u64, to: u64 },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    from: u64,
    to: u64,
    nodes: Vec<WrittenNode>,
    removed_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenNode {
    level: u8,
    index: u64,
    hash: String,
}

impl Pruned {
    /// Reads one line, given without its newline.
    pub fn parse(line: &[u8]) -> Result<Self, PrunedError> {
        let written: Written = serde_json::from_slice(line)?;
        let (from, to) = (written.from, written.to);
        let nodes = written.nodes.into_iter().map(WrittenNode::read).collect::<Result<_, _>>()?;
        let range = Range::of_cover(from, to, nodes).filter(|range| !range.is_empty());
        Ok(Self { range: range.ok_or(PrunedError::Cover { from, to })?, removed_at: written.removed_at })
    }

    /// Writes the line, without a newline.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"from\":");
        encode::number(out, self.range.from());
        out.extend_from_slice(b",\"to\":");
        encode::number(out, self.range.to());
        let mut lead: &[u8] = b",\"nodes\":[";
        for node in self.range.nodes() {
            out.extend_from_slice(lead);
            out.extend_from_slice(b"{\"level\":");
            encode::number(out, node.level.into());
            out.extend_from_slice(b",\"index\":");
            encode::number(out, node.index);
            out.extend_from_slice(b",\"hash\":");
            encode::string(out, &STANDARD.encode(node.hash));
            out.push(b'}');
            lead = b",";
        }
        out.extend_from_slice(b"],\"removedAt\":\"");
        out.extend_from_slice(&encode::time_text(self.removed_at));
        out.extend_from_slice(b"\"}");
    }
}

impl WrittenNode {
    fn read(self) -> Result<Node, PrunedError> {
        let bytes = STANDARD.decode(&self.hash).ok();
        let hash: Option<Hash> = bytes.and_then(|bytes| bytes.try_into().ok());
        let (level, index) = (self.level, self.index);
        Ok(Node { level, index, hash: hash.ok_or(PrunedError::Hash { level, index })? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(from in 0..5000_u64, length in 1..300_u64, micros in 0_i64..4_000_000_000_000_000) {
            let mut range = Range::empty_at(from);
            (from..from + length).for_each(|index| range.push(&index.to_be_bytes()));
            let pruned = Pruned { range, removed_at: Timestamp::from_microsecond(micros).unwrap() };
            let mut line = Vec::new();
            pruned.write(&mut line);
            prop_assert_eq!(Pruned::parse(&line).unwrap(), pruned);
        }
    }

    #[test]
    fn nodes_that_are_not_the_cover_are_refused() {
        let node = |level: u8, index: u64| {
            format!("{{\"level\":{level},\"index\":{index},\"hash\":\"{}\"}}", STANDARD.encode([7; 32]))
        };
        let line = |from: u64, to: u64, nodes: &[String]| {
            let nodes = nodes.join(",");
            format!("{{\"from\":{from},\"to\":{to},\"nodes\":[{nodes}],\"removedAt\":\"2026-11-27T00:00:00Z\"}}")
        };
        assert!(Pruned::parse(line(0, 4, &[node(2, 0)]).as_bytes()).is_ok());
        for bad in [
            line(0, 4, &[node(1, 0), node(1, 1)]),
            line(0, 5, &[node(2, 0)]),
            line(1, 4, &[node(2, 0)]),
            line(4, 0, &[]),
            line(4, 4, &[]),
            line(0, 4, &[node(200, 0)]),
            line(0, 4, &[node(2, 0).replace('c', "d").replace("=\"", "\"")]),
        ] {
            assert!(Pruned::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
