//! Who may see what, now. Pure: everything it knows is handed to it, time included.
//!
//! `facts` are the kinds after parsing, small and checked; `verdict` judges one grant by an ordered
//! list of checks; `index` keeps every verdict up to date as objects come and go; `ledger` is the
//! memory that objects cannot be trusted with (what was enforced, what has ended); `permit` is the
//! value without which a guard cannot answer; `status` is what all of it comes to, in the words of
//! the kinds; `build` is what it comes to in a cluster: the manifests for the gateway.

pub mod bars;
pub mod build;
pub mod facts;
pub mod index;
pub mod ledger;
pub mod permit;
pub mod reason;
pub mod refusal;
pub mod served;
pub mod status;
pub mod verdict;
