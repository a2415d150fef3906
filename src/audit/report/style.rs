//! How the page looks: on a phone, on a screen and on paper. The page forbids itself to load anything;
//! only this style, by its hash, is let in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

pub const CSS: &str = "\
:root{--ink:#1c2733;--soft:#5b6875;--line:#dde3e8;--paper:#fff;--tint:#f4f7f9;--released:#1f7a6d;--refused:#c9822b;--failed:#9a3b4a;--accent:#20527a}\
*{box-sizing:border-box}\
html{-webkit-text-size-adjust:100%}\
body{margin:0;background:var(--tint);color:var(--ink);font:15px/1.55 system-ui,-apple-system,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','WenQuanYi Zen Hei',sans-serif}\
main{max-width:1080px;margin:0 auto;padding:20px 16px 48px}\
header{background:var(--accent);color:#fff;padding:22px 16px}\
header div{max-width:1048px;margin:0 auto}\
h1{margin:0 0 4px;font-size:24px;line-height:1.3;font-weight:600}\
header p{margin:0;opacity:.85;font-size:14px}\
nav{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:14px;margin:0 0 16px}\
a{color:var(--accent)}\
section{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:16px 18px;margin:0 0 16px;overflow-wrap:anywhere}\
h2{margin:0 0 2px;font-size:18px;font-weight:600}\
section>p{margin:0 0 10px;color:var(--soft);font-size:14px}\
.alarm{border:2px solid var(--failed)}.alarm h2{color:var(--failed)}\
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:10px;margin:0 0 16px}\
.tile{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:10px 14px}\
.tile b{display:block;font-size:24px;line-height:1.3;font-weight:600;font-variant-numeric:tabular-nums}\
.tile span{color:var(--soft);font-size:13px}\
.tile.bad b{color:var(--failed)}\
.pair{display:grid;grid-template-columns:1fr 1fr;gap:0 16px}\
svg{display:block;width:100%;height:auto}\
svg.bar{height:8px;margin:3px 0 0;border-radius:4px;background:var(--tint)}\
.released{fill:var(--released)}.refused{fill:var(--refused)}.failed{fill:var(--failed)}\
svg text{fill:var(--soft);font-size:11px}\
svg line{stroke:var(--line)}\
.key{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px;color:var(--soft);margin:6px 0 0}\
.key i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}\
.key .k-released{background:var(--released)}.key .k-refused{background:var(--refused)}.key .k-failed{background:var(--failed)}\
details{border-top:1px solid var(--line);padding-left:15px}\
details>summary{cursor:pointer;padding:7px 0;list-style-position:outside}\
details[open]>summary{color:var(--accent)}\
.row{display:flex;justify-content:space-between;gap:12px}\
.row b{font-weight:500;font-variant-numeric:tabular-nums;white-space:nowrap}\
details [id]{scroll-margin-top:48px}\
.in{padding:2px 0 12px;font-size:13px;color:var(--soft)}\
.in ul{margin:4px 0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:3px 10px}\
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px;background:var(--tint);border:1px solid var(--line);border-radius:4px;padding:0 4px;color:var(--ink)}\
.tag{display:inline-block;font-size:12px;border:1px solid currentColor;border-radius:10px;padding:0 8px;margin-right:6px;color:var(--soft);white-space:nowrap}\
.tag.suspend{color:var(--failed)}\
table{border-collapse:collapse;width:100%;font-size:14px}\
th,td{text-align:left;padding:6px 10px 6px 0;border-top:1px solid var(--line);vertical-align:top}\
th{color:var(--soft);font-weight:500;font-size:13px}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
.scroll{overflow-x:auto}\
.none{color:var(--soft);margin:6px 0 0}\
footer{color:var(--soft);font-size:13px}\
@media (max-width:640px){svg text{font-size:20px}.tiles{grid-template-columns:1fr 1fr 1fr}.tile{padding:8px 10px}.pair{grid-template-columns:1fr}h1{font-size:20px}section{padding:14px 12px}main{padding:14px 10px 32px}.tile b{font-size:20px}}\
@media print{body{background:#fff;font-size:11pt}header{background:#fff;color:#000;padding:0 0 8px;border-bottom:2px solid #000}nav{display:none}main{padding:10px 0;max-width:none}section{border:0;border-top:1px solid #999;border-radius:0;padding:10px 0;margin:0 0 8px}.tile{break-inside:avoid}details,tr,svg{break-inside:avoid}h2{break-after:avoid}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\
@page{margin:16mm 14mm}";

/// What the page may load: nothing, and no style but this one.
pub fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(CSS.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}
