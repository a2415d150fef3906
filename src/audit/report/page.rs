//! The page, section by section.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::month::{Expiring, Kept, Month, StreamState};
use super::words::{Lang, grouped};
use super::{charts, lists, style};
use crate::api::v1alpha1::audit_policy::Check;
use crate::audit::inspection::Inspected;
use crate::audit::verify;

/// Rows of a table that are shown.
const ROWS: usize = 200;
/// Faults of the record that are shown.
const FAULTS: usize = 20;

/// All that is on the page.
pub struct Page<'a> {
    pub site: &'a str,
    pub lang: Lang,
    pub now: Timestamp,
    pub month: &'a Month,
    /// What an inspection of the month finds, by policy.
    pub found: &'a [Inspected],
    /// What verification finds wrong with the record, by stream.
    pub faults: &'a BTreeMap<String, Vec<verify::Finding>>,
    pub expiring: &'a [Expiring],
    pub kept: &'a [Kept],
    pub streams: &'a [StreamState],
    pub oldest: Option<Timestamp>,
}

/// The page as HTML.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let lang = page.lang;
    let title = format!("{} {}", lang.say("Use of shared data,", "共享数据使用月报"), page.month_name());
    let markup = html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(style::policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(style::CSS)) }
            }
            body {
                header {
                    div {
                        h1 { (title) }
                        p { (page.site) " · " (lang.say("made ", "生成于 ")) (page.moment(page.now)) }
                    }
                }
                main {
                    (page.alarm())
                    (page.tiles())
                    (page.contents())
                    (page.objections())
                    (page.due())
                    (page.time())
                    (page.who())
                    (page.refusals())
                    (page.inspections())
                    (page.retention())
                    (page.foot())
                }
            }
        }
    };
    markup.into_string()
}

impl Page<'_> {
    fn month_name(&self) -> String {
        self.month.first.strftime("%Y-%m").to_string()
    }

    fn moment(&self, time: Timestamp) -> String {
        time.to_zoned(self.month.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// The command that finds what has these in the month.
    fn query(&self, options: &[(&str, &str)]) -> String {
        // a value that begins with - would be an option by itself
        let options: String = options.iter().map(|(name, value)| format!(" --{name}={}", quoted(value))).collect();
        format!("datashare audit query{options} {}", self.span())
    }

    /// The month as options of a query.
    fn span(&self) -> String {
        self.days(&self.month.first.to_string(), &self.month.first.last_of_month().to_string())
    }

    /// Days as options of a query: those of the page, whatever zone the query would take them in.
    fn days(&self, from: &str, to: &str) -> String {
        let zone = self.month.zone.iana_name().map(|zone| format!(" --time-zone {}", quoted(zone)));
        format!("--since {from} --until {to}{}", zone.unwrap_or_default())
    }

    fn findings(&self, checks: &[Check]) -> Markup {
        let all = self.found.iter().flat_map(|one| &one.findings).filter(|finding| checks.contains(&finding.check));
        // the same time to the microsecond, whatever zones the policies have
        let last = self.month.to.checked_sub(SignedDuration::from_micros(1)).unwrap_or(self.month.to);
        let command = format!("datashare audit inspect --since {} --until {last} -o csv", self.month.from);
        lists::findings(self.lang, all, &command)
    }

    /// Above everything else: figures of a record that was changed prove nothing.
    fn alarm(&self) -> Markup {
        let (lang, all) = (self.lang, self.faults.values().flatten().collect::<Vec<_>>());
        html! {
            @if !all.is_empty() {
                section.alarm id="record" {
                    h2 { (lang.say("The record does not verify", "日志未通过核验")) }
                    p { (lang.say("It is not what was signed, so the figures below may be wrong. In English, as the command says it:", "日志与签名时的内容不符，以下数字可能有误。核验命令的输出（英文）：")) }
                    @for fault in all.iter().take(FAULTS) { p { code { (fault.to_string()) } } }
                    (self.left_out(all.len().saturating_sub(FAULTS) as u64))
                    (lists::command(lang.say("Verify it with ", "核验命令："), "datashare audit verify"))
                }
            }
        }
    }

    fn tiles(&self) -> Markup {
        let (lang, month) = (self.lang, self.month);
        let found: u64 = self.found.iter().map(|one| one.findings.len() as u64 + one.left_out).sum();
        let tile = |name: &str, count: u64, bad: bool| {
            html! { div.tile.bad[bad && count > 0] { b { (grouped(count)) } span { (name) } } }
        };
        html! {
            div.tiles {
                (tile(lang.say("calls released", "已提供"), month.all.released, false))
                (tile(lang.say("refused", "已拒绝"), month.all.refused, false))
                (tile(lang.say("failed", "失败"), month.all.failed, false))
                (tile(lang.say("unknown credentials", "凭证不明"), month.unknown, false))
                (tile(lang.say("units", "调用单位"), month.by_unit.len() as u64, false))
                (tile(lang.say("users", "使用人员"), month.by_user.len() as u64, false))
                (tile(lang.say("findings", "检查发现"), found, true))
            }
        }
    }

    fn contents(&self) -> Markup {
        let lang = self.lang;
        let places = [
            ("unusual", lang.say("Unusual", "异常用量")),
            ("consent", lang.say("Consent and approval", "授权凭证与批准范围")),
            ("overdue", lang.say("Overdue", "逾期事项")),
            ("soon", lang.say("Expires soon", "即将到期")),
            ("time", lang.say("When", "时间分布")),
            ("who", lang.say("Who and what", "单位、资源与人员")),
            ("refusals", lang.say("Refusals", "拒绝与失败")),
            ("inspections", lang.say("Inspections", "定期检查")),
            ("retention", lang.say("Retention", "日志留存")),
        ];
        html! { nav { @for (anchor, name) in places { a href=(format!("#{anchor}")) { (name) } } } }
    }

    fn time(&self) -> Markup {
        let (lang, month) = (self.lang, self.month);
        let zone = month.zone.iana_name().unwrap_or_default();
        let date = |day: usize| format!("{}-{day:02}", self.month_name());
        let record = |span: &str| format!("datashare audit query {span}");
        let of_day = |day: usize| record(&self.days(&date(day), &date(day)));
        // no query asks for an hour of every day
        let of_month = |_: usize| record(&self.span());
        html! {
            section id="time" {
                h2 { (lang.say("Calls by day", "按日调用量")) }
                p { (lang.say("A column leads to its receipts.", "点击柱形可查看对应凭据编号。")) " " (zone) }
                (charts::columns(&month.by_day, 1, "day", lang.say("Calls by day", "按日调用量"), 2))
                (charts::key(lang))
                (lists::folds(lang, &month.by_day, 1, "day", date, lang.say("The record of the day: ", "当日全部日志："), of_day))
            }
            section {
                h2 { (lang.say("Calls by hour of the day", "按时段调用量")) }
                (charts::columns(&month.by_hour, 0, "hour", lang.say("Calls by hour", "按时段调用量"), 2))
                (charts::key(lang))
                (lists::folds(lang, &month.by_hour, 0, "hour", |hour| format!("{hour:02}:00–{:02}:00", hour + 1), lang.say("The record of the month: ", "本月全部日志："), of_month))
            }
        }
    }

    fn who(&self) -> Markup {
        let (lang, month) = (self.lang, self.month);
        let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        let unit = |unit: &Option<String>| Some(self.query(&[("unit", unit.as_deref()?)]));
        let user = |(unit, user): &(Option<String>, Option<String>)| {
            Some(self.query(&[("unit", unit.as_deref()?), ("user", user.as_deref()?)]))
        };
        html! {
            div.pair id="who" {
                section {
                    h2 { (lang.say("By unit", "按单位")) }
                    (lists::piles(lang, &month.by_unit, named, unit))
                }
                section {
                    h2 { (lang.say("By resource", "按资源")) }
                    (lists::piles(lang, &month.by_resource, String::clone, |name| Some(self.query(&[("resource", name)]))))
                }
            }
            section {
                h2 { (lang.say("By user", "按人员")) }
                (lists::piles(lang, &month.by_user, |(unit, user)| format!("{} · {}", named(unit), named(user)), user))
            }
        }
    }

    fn refusals(&self) -> Markup {
        let lang = self.lang;
        let label = |code: &String| match lang.code(code) {
            said if said == code => code.clone(),
            said => format!("{said} ({code})"),
        };
        html! {
            section id="refusals" {
                h2 { (lang.say("Refused and failed, by reason", "拒绝与失败（按原因）")) }
                (lists::piles(lang, &self.month.by_code, label, |code| Some(self.query(&[("code", code)]))))
            }
        }
    }

    fn objections(&self) -> Markup {
        let lang = self.lang;
        html! {
            section id="unusual" {
                h2 { (lang.say("Unusual volumes and times", "异常用量与异常时间")) }
                p { (lang.say("Far above what is usual for the grant by its own past.", "明显高于该授权以往用量。")) }
                (self.findings(&[Check::BulkHarvest, Check::OffHours]))
            }
            section id="consent" {
                h2 { (lang.say("Consent missing, outside of the approval", "缺少授权凭证、超出批准范围")) }
                (self.findings(&[Check::ConsentMissing, Check::OutsideApproval, Check::LogGap]))
            }
        }
    }

    fn due(&self) -> Markup {
        let (lang, all) = (self.lang, self.expiring);
        let overdue = [Check::RotationOverdue, Check::MigrationOverdue, Check::RecallOverdue, Check::UnusedGrant];
        html! {
            section id="overdue" {
                h2 { (lang.say("Overdue, and not used", "逾期事项与长期未使用")) }
                p { (lang.say("Rotations, migrations and recalls past their day, as of now.", "截至生成时逾期的凭证更换、直连迁移与数据收回。")) }
                (self.findings(&overdue))
            }
            section id="soon" {
                h2 { (lang.say("Expires within 60 days", "60 日内到期的授权")) }
                @if all.is_empty() { p.none { (lang.say("None.", "无。")) } } @else {
                    div.scroll { table {
                        tr {
                            th { (lang.say("Serial", "文号")) } th { (lang.say("Unit", "单位")) }
                            th { (lang.say("Resource", "资源")) } th.n { (lang.say("Ends", "到期")) }
                        }
                        @for one in all.iter().take(ROWS) {
                            tr { td { (one.serial) } td { (one.unit) } td { (one.resource) } td.n { (self.moment(one.ends)) } }
                        }
                    } }
                    (self.left_out(all.len().saturating_sub(ROWS) as u64))
                }
            }
        }
    }

    fn inspections(&self) -> Markup {
        let (lang, month) = (self.lang, self.month);
        html! {
            section id="inspections" {
                h2 { (lang.say("Inspections of the month", "本月定期检查")) }
                @if month.inspections.is_empty() { p.none { (lang.say("None was done.", "本月未进行检查。")) } }
                @for past in &month.inspections {
                    @let told = month.found_by(past);
                    details {
                        summary {
                            span.row {
                                span { (self.moment(past.written)) " · " (past.policy) }
                                b { (grouped(past.findings)) (lang.say(" findings", " 项发现")) }
                            }
                        }
                        div.in {
                            (grouped(past.entries)) (lang.say(" entries, seed ", " 条记录，抽样种子 ")) code { (past.seed) }
                            " · " code { (past.receipt) }
                            @for finding in &told {
                                p {
                                    span.tag.suspend[finding.suspends] {
                                        (lang.check(finding.check))
                                        @if finding.suspends { (lang.say(", suspended", "，已暂停")) }
                                    }
                                    (lang.pick(&finding.message)) " "
                                    @if let Some(serial) = &finding.serial { (serial) " " }
                                    code { (finding.receipt) }
                                    @for receipt in &finding.receipts { " " code { (receipt) } }
                                }
                            }
                            (self.left_out(past.findings.saturating_sub(told.len() as u64)))
                        }
                    }
                }
                (self.left_out(month.left_out))
                @if !month.inspections.is_empty() {
                    (lists::command(lang.say("All of them: ", "全部记录："), &format!("datashare audit query --event inspection {}", self.span())))
                }
            }
        }
    }

    fn retention(&self) -> Markup {
        let (lang, month) = (self.lang, self.month);
        html! {
            section id="retention" {
                h2 { (lang.say("The record and its retention", "日志与留存")) }
                p {
                    (lang.say("Oldest entry here: ", "本地最早记录："))
                    (self.oldest.map_or_else(|| "-".to_owned(), |time| self.moment(time)))
                    @if month.unreadable > 0 {
                        " · " (grouped(month.unreadable)) (lang.say(" lines are no entries", " 行不是有效记录"))
                    }
                }
                div.scroll { table {
                    tr {
                        th { (lang.say("Stream", "日志流")) } th.n { (lang.say("Entries of the month", "本月记录")) }
                        th.n { (lang.say("Indexes", "序号")) } th.n { (lang.say("Segments", "分段")) } th.n { (lang.say("Bytes", "字节")) }
                    }
                    @for stream in self.streams.iter().take(ROWS) {
                        @let (first, last, count) = month.streams.get(&stream.name).copied().unwrap_or_default();
                        tr {
                            td { (stream.name) } td.n { (grouped(count)) }
                            td.n { @if count > 0 { (first) "–" (last) } @else { "-" } }
                            td.n { (grouped(stream.segments)) } td.n { (grouped(stream.bytes)) }
                        }
                    }
                } }
                @if !self.kept.is_empty() {
                    div.scroll { table {
                        tr {
                            th { (lang.say("Policy", "策略")) } th.n { (lang.say("Every record", "一般记录")) }
                            th.n { (lang.say("Personal data", "个人信息")) } th { (lang.say("Archive", "归档")) }
                        }
                        @for kept in self.kept.iter().take(ROWS) {
                            tr {
                                td { (kept.policy) } td.n { (kept.period) }
                                td.n { (kept.personal.as_deref().unwrap_or("-")) } td { (kept.archive.as_deref().unwrap_or("-")) }
                            }
                        }
                    } }
                }
            }
        }
    }

    fn left_out(&self, count: u64) -> Markup {
        let lang = self.lang;
        html! {
            @if count > 0 { p.none { (lang.say("and ", "另有 ")) (grouped(count)) (lang.say(" more", " 项未列出")) } }
        }
    }

    fn foot(&self) -> Markup {
        let lang = self.lang;
        html! {
            footer {
                p {
                    (lang.say("A receipt is stream/index of an entry. Look it up with ", "凭据编号为“日志流/序号”。查询："))
                    code { "datashare audit query" }
                    (lang.say(", prove it with ", "；出具证明："))
                    code { "datashare audit prove RECEIPT" }
                    (lang.say("; whether the record is whole says ", "；核验日志完整性："))
                    code { "datashare audit verify" }
                }
            }
        }
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain =
        !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':'));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
