//! The tree against the recursion of the RFC, and its proofs against every change of them.

use proptest::prelude::*;

use super::*;

/// The RFC's own recursion.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&naive(left), &naive(right))
        }
    }
}

fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut path, other) = if index < middle {
        (naive_path(index, left), naive(right))
    } else {
        (naive_path(index - middle, right), naive(left))
    };
    path.push(other);
    path
}

fn naive_subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![naive(leaves)] };
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut proof, other) = if old <= middle {
        (naive_subproof(old, left, whole), naive(right))
    } else {
        (naive_subproof(old - middle, right, false), naive(left))
    };
    proof.push(other);
    proof
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(index.to_string().as_bytes())).collect()
}

fn range(from: usize, leaves: &[Hash]) -> Range {
    let mut range = Range::empty_at(from as u64);
    leaves.iter().for_each(|leaf| range.push_leaf(*leaf));
    range
}

/// A tree as a log has it: some parts still there, entry by entry, others only as subtrees.
fn parts(leaves: &[Hash], cuts: &[usize], gone: &[bool]) -> Vec<Range> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (leaves.len() + 1)).chain([0, leaves.len()]).collect();
    cuts.sort_unstable();
    let mut ranges = Vec::new();
    for (number, ends) in cuts.windows(2).enumerate() {
        if gone.get(number).copied().unwrap_or(false) {
            ranges.push(range(ends[0], &leaves[ends[0]..ends[1]]));
        } else {
            ranges.extend((ends[0]..ends[1]).map(|at| range(at, &leaves[at..=at])));
        }
    }
    ranges
}

#[test]
fn the_vectors_of_certificate_transparency() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Range::empty_at(0);
    for (size, expected) in roots.iter().enumerate() {
        if let Some(input) = size.checked_sub(1).map(|at| inputs[at]) {
            tree.push(input);
        }
        let root: String = tree.root().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(root, *expected, "{size}");
    }
}

proptest! {
    #[test]
    fn roots_and_covers_are_the_rfcs(count in 0..300_usize, cuts in prop::collection::vec(any::<usize>(), 0..6), gone in prop::collection::vec(any::<bool>(), 8)) {
        let leaves = leaves(count);
        let mut tree = Range::empty_at(0);
        for part in parts(&leaves, &cuts, &gone) {
            prop_assert!(cover(part.from(), part.to()).eq(part.nodes().iter().map(|node| (node.level, node.index))));
            prop_assert_eq!(Range::of_cover(part.from(), part.to(), part.nodes().to_vec()), Some(part.clone()));
            tree.extend(&part).unwrap();
        }
        prop_assert_eq!(tree.to(), count as u64);
        prop_assert_eq!(tree.root(), Some(naive(&leaves)));
        prop_assert_eq!(&tree, &range(0, &leaves));
    }

    #[test]
    fn inclusion_is_the_rfcs_and_only_the_truth_verifies(
        count in 1..200_usize, index in any::<usize>(), cuts in prop::collection::vec(any::<usize>(), 0..6),
        gone in prop::collection::vec(any::<bool>(), 8), spoil in any::<usize>(),
    ) {
        let (leaves, index) = (leaves(count), index % count);
        let about = Inclusion { index: index as u64, size: count as u64 };
        let path = naive_path(index, &leaves);
        let root = naive(&leaves);
        prop_assert_eq!(about.verify(&leaves[index], &path, &root), Ok(()));
        match about.prove(&parts(&leaves, &cuts, &gone)) {
            Ok(proof) => prop_assert_eq!(&proof, &path),
            Err(error) => {
                let missing = matches!(error, ProofError::Missing { .. });
                prop_assert!(missing && gone.contains(&true));
            }
        }
        // hashed in slices that end where the proof's stretches do, everything is at hand
        let mut slices = Slices::new(0, about.stretches().unwrap().into_iter().flat_map(|(from, to)| [from, to]));
        leaves.iter().for_each(|leaf| slices.push_leaf(*leaf));
        prop_assert_eq!(about.prove(&slices.finish()).unwrap(), path.clone());

        prop_assert!(about.verify(&leaf_hash(b"other"), &path, &root).is_err());
        if let Some(at) = spoil.checked_rem(path.len()) {
            let mut spoiled = path.clone();
            spoiled[at][spoil % 32] ^= 1;
            prop_assert_eq!(about.verify(&leaves[index], &spoiled, &root), Err(ProofError::Root));
            prop_assert!(about.verify(&leaves[index], &path[..at], &root).is_err());
        }
        let beyond = Inclusion { index: count as u64, size: count as u64 };
        prop_assert!(beyond.verify(&leaves[index], &path, &root).is_err());
    }

    #[test]
    fn consistency_is_the_rfcs_and_only_the_truth_verifies(
        count in 0..200_usize, old in any::<usize>(), cuts in prop::collection::vec(any::<usize>(), 0..6),
        gone in prop::collection::vec(any::<bool>(), 8), spoil in any::<usize>(),
    ) {
        let (leaves, old) = (leaves(count), old % (count + 1));
        let about = Consistency { old: old as u64, new: count as u64 };
        let (old_root, new_root) = (naive(&leaves[..old]), naive(&leaves));
        let proof = if old == 0 { Vec::new() } else { naive_subproof(old, &leaves, true) };
        prop_assert_eq!(about.verify(&old_root, &new_root, &proof), Ok(()));
        match about.prove(&parts(&leaves, &cuts, &gone)) {
            Ok(made) => prop_assert_eq!(&made, &proof),
            Err(error) => {
                let missing = matches!(error, ProofError::Missing { .. });
                prop_assert!(missing && gone.contains(&true));
            }
        }
        prop_assert!(about.verify(&leaf_hash(b"other"), &new_root, &proof).is_err());
        if old > 0 {
            prop_assert!(about.verify(&old_root, &leaf_hash(b"other"), &proof).is_err());
        }
        if let Some(at) = spoil.checked_rem(proof.len()) {
            let mut spoiled = proof.clone();
            spoiled[at][spoil % 32] ^= 1;
            prop_assert_eq!(about.verify(&old_root, &new_root, &spoiled), Err(ProofError::Root));
            prop_assert!(about.verify(&old_root, &new_root, &proof[..at]).is_err());
        }
    }

    #[test]
    fn slices_put_together_are_the_tree_and_end_at_their_cuts(
        count in 0..200_usize, first in 0..50_usize, cuts in prop::collection::vec(0..220_u64, 0..10), gone in 0..64_u64,
    ) {
        let leaves = leaves(first + count);
        let mut slices = Slices::new(first as u64, cuts.clone());
        let mut at = first;
        // some of it as subtrees only
        let mut hidden = Vec::new();
        for (number, (level, index)) in cover(first as u64, leaves.len() as u64).enumerate() {
            let end = at + (1 << level);
            if gone >> (number % 64) & 1 == 1 {
                let taken = slices.push_node(Node { level, index, hash: naive(&leaves[at..end]) });
                prop_assert!(taken);
                hidden.push(at as u64 + 1..end as u64);
            } else {
                leaves[at..end].iter().for_each(|leaf| slices.push_leaf(*leaf));
            }
            at = end;
        }
        let slices = slices.finish();
        let mut whole = range(0, &leaves[..first]);
        for slice in &slices {
            prop_assert!(!slice.is_empty());
            whole.extend(slice).unwrap();
            let ends_well = cuts.contains(&slice.to()) || slice.to() == leaves.len() as u64;
            prop_assert!(ends_well);
        }
        prop_assert_eq!(whole.root(), Some(naive(&leaves)));
        for cut in cuts.iter().filter(|cut| **cut > first as u64 && **cut < leaves.len() as u64) {
            let is_end = slices.iter().any(|slice| slice.to() == *cut);
            prop_assert_eq!(is_end, !hidden.iter().any(|range| range.contains(cut)));
        }
    }
}

#[test]
fn what_is_not_next_is_refused() {
    let mut tree = range(0, &leaves(4));
    let far = Node { level: 1, index: 3, hash: [0; 32] };
    assert_eq!(tree.push_node(far), Err(NotNext { expected: 4, found: 6 }));
    assert_eq!(tree.extend(&Range::empty_at(5)), Err(NotNext { expected: 4, found: 5 }));
    assert!(tree.push_node(Node { level: 63, index: 0, hash: [0; 32] }).is_err());
    assert_eq!(Range::empty_at(1).root(), None);
    // no arithmetic overflows, whatever a file says
    let absurd = Node { level: 255, index: u64::MAX, hash: [0; 32] };
    assert_eq!((absurd.from(), absurd.to()), (u64::MAX, u64::MAX));
    assert_eq!(Range::of_cover(0, u64::MAX, vec![absurd]), None);
    assert!(Inclusion { index: u64::MAX - 1, size: u64::MAX }.stretches().is_ok());
    assert!(Consistency { old: u64::MAX - 1, new: u64::MAX }.stretches().is_ok());
}
