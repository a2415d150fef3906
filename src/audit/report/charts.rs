//! Pictures: columns over time and bars beside names, drawn as SVG by attributes alone. Each column
//! leads to the receipts behind it.

use maud::{Markup, html};

use super::tally::Pile;
use super::words::{Lang, grouped};

/// The drawing is this wide, whatever the screen is.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 170;
/// Room below for names, and above for the highest number.
const FOOT: u64 = 24;
const HEAD: u64 = 22;

/// Columns of released, refused and failed calls; `anchor` and the column's number name what it leads to.
pub fn columns(piles: &[Pile], first: usize, anchor: &str, title: &str, every: usize) -> Markup {
    let most = piles.iter().map(Pile::calls).max().unwrap_or(0).max(1);
    let count = (piles.len() as u64).max(1);
    let step = WIDTH / count;
    let (gap, room) = ((step / 5).max(1), HEIGHT - FOOT - HEAD);
    let base = HEAD + room;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
            line x1="0" x2=(WIDTH) y1=(HEAD) y2=(HEAD) {}
            line x1="0" x2=(WIDTH) y1=(base) y2=(base) {}
            text x="0" y=(HEAD - 5) { (grouped(most)) }
            @for (at, pile) in piles.iter().enumerate() {
                @let x = step * at as u64;
                @let parts = stack(pile, most, room);
                a href=(format!("#{anchor}-{}", first + at)) {
                    title { (first + at) ": " (grouped(pile.calls())) }
                    // the whole column can be hit, however low it is
                    rect x=(x) y=(HEAD) width=(step) height=(room) fill="transparent" {}
                    @for (class, from, height) in parts {
                        @if height > 0 {
                            rect class=(class) x=(x + gap / 2) y=(base - from - height) width=(step - gap) height=(height) {}
                        }
                    }
                }
                @if at.is_multiple_of(every) {
                    text x=(x + step / 2) y=(HEIGHT - 5) text-anchor="middle" { (first + at) }
                }
            }
        }
    }
}

/// Where each part of a column begins and how high it is. What is there is seen, however little.
fn stack(pile: &Pile, most: u64, room: u64) -> [(&'static str, u64, u64); 3] {
    let height = |count: u64| if count == 0 { 0 } else { (count.saturating_mul(room) / most).max(2) };
    let [released, refused, failed] = [pile.released, pile.refused, pile.failed].map(height);
    [("released", 0, released), ("refused", released, refused), ("failed", released + refused, failed)]
}

/// A bar beside a name, as long as its share of the longest.
pub fn bar(pile: &Pile, most: u64) -> Markup {
    const LENGTH: u64 = 1_000;
    let most = most.max(1);
    let length = |count: u64| if count == 0 { 0 } else { (count.saturating_mul(LENGTH) / most).max(4) };
    let [released, refused, failed] = [pile.released, pile.refused, pile.failed].map(length);
    html! {
        svg.bar viewBox=(format!("0 0 {LENGTH} 8")) preserveAspectRatio="none" aria-hidden="true" {
            rect.released x="0" y="0" width=(released) height="8" {}
            rect.refused x=(released) y="0" width=(refused) height="8" {}
            rect.failed x=(released + refused) y="0" width=(failed) height="8" {}
        }
    }
}

/// What the colours mean.
pub fn key(lang: Lang) -> Markup {
    html! {
        div.key {
            span { i.k-released {} (lang.say("released", "已提供")) }
            span { i.k-refused {} (lang.say("refused", "已拒绝")) }
            span { i.k-failed {} (lang.say("failed", "失败")) }
        }
    }
}
