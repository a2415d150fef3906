//! Lists of the page: piles with their receipts, and findings. Long ones are cut, and say by how much.

use maud::{Markup, html};

use super::charts;
use super::tally::{Pile, Tally};
use super::words::{Lang, grouped};
use crate::api::v1alpha1::audit_policy::Effect;
use crate::audit::inspection::Finding;

/// Names of a list that are shown.
const SHOWN: usize = 30;

/// The receipts behind a figure, and the command that has the rest.
pub fn receipts(lang: Lang, receipts: &[String], all: u64, command: Option<&str>) -> Markup {
    let left_out = all.saturating_sub(receipts.len() as u64);
    html! {
        div.in {
            @if !receipts.is_empty() {
                ul { @for receipt in receipts { li { code { (receipt) } } } }
            }
            @if left_out > 0 {
                p { (lang.say("and ", "另有 ")) (grouped(left_out)) (lang.say(" more", " 条未列出")) }
            }
            @if let Some(said) = command {
                (self::command(lang.say("All of them: ", "全部记录："), said))
            }
        }
    }
}

/// A command that has what the page has not, and what it gives.
pub fn command(gives: &str, command: &str) -> Markup {
    html! { p { (gives) code { (command) } } }
}

/// The largest piles, each with its bar and its receipts. `command` is given the name, and finds the pile's calls and no
/// others, if any does.
pub fn piles<N: Ord>(
    lang: Lang,
    tally: &Tally<N>,
    label: impl Fn(&N) -> String,
    command: impl Fn(&N) -> Option<String>,
) -> Markup {
    let all = tally.largest();
    let most = all.first().map_or(0, |(_, pile)| pile.calls());
    let left_out = all.len().saturating_sub(SHOWN);
    html! {
        @for (name, pile) in all.iter().take(SHOWN) {
            (pile_row(lang, &label(name), pile, most, command(name).as_deref()))
        }
        @if all.is_empty() { p.none { (lang.say("None.", "无。")) } }
        @if left_out > 0 {
            p.none { (lang.say("and ", "另有 ")) (grouped(left_out as u64)) (lang.say(" more", " 项未列出")) }
        }
        @if tally.rest.calls() > 0 {
            p.none { (lang.say("calls of further names: ", "其余名称的调用：")) (grouped(tally.rest.calls())) }
        }
    }
}

fn pile_row(lang: Lang, label: &str, pile: &Pile, most: u64, command: Option<&str>) -> Markup {
    html! {
        details {
            summary {
                span.row { span { (label) } b { (grouped(pile.calls())) } }
                (charts::bar(pile, most))
            }
            div.in {
                (lang.say("released ", "已提供 ")) (grouped(pile.released))
                (lang.say(", refused ", "，已拒绝 ")) (grouped(pile.refused))
                (lang.say(", failed ", "，失败 ")) (grouped(pile.failed))
                (lang.say(", items ", "，数据条数 ")) (grouped(pile.items))
            }
            (receipts(lang, &pile.receipts, pile.calls(), command))
        }
    }
}

/// Columns' receipts, one fold each; `command` is given the column's number, and `gives` says what it has.
pub fn folds(
    lang: Lang,
    piles: &[Pile],
    first: usize,
    anchor: &str,
    label: impl Fn(usize) -> String,
    gives: &str,
    command: impl Fn(usize) -> String,
) -> Markup {
    html! {
        details {
            summary { (lang.say("Receipts", "凭据编号")) }
            div.in {
                @for (at, pile) in piles.iter().enumerate().filter(|(_, pile)| pile.calls() > 0) {
                    details {
                        summary { span.row { span { (label(first + at)) } b { (grouped(pile.calls())) } } }
                        // a link opens the folds around what it leads to, never that itself
                        div id=(format!("{anchor}-{}", first + at)) {
                            (receipts(lang, &pile.receipts, pile.calls(), None))
                            div.in { (self::command(gives, &command(first + at))) }
                        }
                    }
                }
            }
        }
    }
}

/// Findings of the month; `command` has those that are not shown.
pub fn findings<'f>(lang: Lang, findings: impl Iterator<Item = &'f Finding>, command: &str) -> Markup {
    let all: Vec<&Finding> = findings.collect();
    let left_out = all.len().saturating_sub(SHOWN);
    html! {
        @if all.is_empty() { p.none { (lang.say("None.", "无。")) } }
        @for finding in all.iter().take(SHOWN) {
            details {
                summary {
                    span.row {
                        span { span.tag { (lang.check(finding.check)) } (lang.pick(&finding.message)) }
                        b { (grouped(finding.count)) }
                    }
                }
                div.in {
                    (lang.say("Clause ", "条款 ")) (finding.clause)
                    @if let Some(grant) = &finding.grant {
                        " · " (lang.say("grant ", "授权 ")) (grant.serial) " (" (grant.namespace) "/" (grant.name) ")"
                    }
                    @if let Some(resource) = &finding.resource { " · " (resource) }
                    @if finding.effect == Effect::Suspend { " · " (lang.say("suspends", "将暂停授权")) }
                }
                (receipts(lang, &finding.receipts, if finding.receipts.is_empty() { 0 } else { finding.count }, None))
            }
        }
        @if left_out > 0 {
            p.none { (lang.say("and ", "另有 ")) (grouped(left_out as u64)) (lang.say(" more", " 项未列出")) }
            (self::command(lang.say("All that the policies' checks find: ", "策略所列检查的全部发现："), command))
        }
    }
}
