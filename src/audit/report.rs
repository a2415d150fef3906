//! The month's page: who looked up what, what was refused, what is unusual, overdue or due soon, and how
//! the record stands. One HTML file that needs nothing else: no network, no script, no font of its own.
//! Every text in it is escaped, and every figure has its receipts behind one click.

mod charts;
mod lists;
mod month;
mod page;
mod style;
mod tally;
mod words;

pub use month::{Expiring, Kept, Month, StreamState};
pub use page::{Page, render};
pub use tally::{Pile, Tally};
pub use words::Lang;
