//! Speed of the projector, all checks included, beside parsing into `serde_json::Value`, filtering and writing.
//!
//! `cargo bench --bench projection`. Rounds of both are interleaved, so that what else the machine does falls on both;
//! the table gives the median round of each.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "this is a benchmark")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use datashare::fields::{LeafType, Projection, Scratch};
use serde_json::{Map, Value, json};

const GRANTED: [&str; 3] = ["ownerName", "certificateNumber", "area"];
const ROUNDS: usize = 41;
const ROUND: Duration = Duration::from_millis(25);

fn item(n: usize) -> String {
    let owner = ["张伟", "欧阳明月", "李秀英"][n % 3];
    let usage = ["城镇住宅用地/住宅", "商业服务", "工业用地"][n % 3];
    format!(
        concat!(
            r#"{{"certificateNumber":"鲁(2026)济南市不动产权第{:07}号","ownerName":"{}","idNumber":"37010019{:010}","#,
            r#""area":{}.{:02},"usage":"{}","location":"济南市历下区龙奥北路{}号{}单元","registeredAt":"20{:02}-03-14T09:26:53+08:00","#,
            r#""status":"现势","mortgaged":{},"floor":{},"remark":null,"unitCode":"370102{:03}"}}"#
        ),
        n * 7919 % 9_999_991,
        owner,
        n * 104_729 % 9_999_999_967,
        60 + n % 140,
        n % 100,
        usage,
        n % 900 + 1,
        n % 8 + 1,
        10 + n % 16,
        n.is_multiple_of(3),
        n % 33,
        n % 1000
    )
}

/// Items until the document has this size, in the form that the interfaces answer in.
fn document(size: usize, pretty: bool) -> Vec<u8> {
    let mut items = Vec::new();
    let mut length = 64;
    for n in 0.. {
        let item = item(n);
        length += item.len() + 1;
        if length > size {
            break;
        }
        items.push(item);
    }
    let text = format!(r#"{{"code":200,"message":"查询成功","data":[{}],"total":{}}}"#, items.join(","), items.len());
    if pretty {
        serde_json::to_vec_pretty(&serde_json::from_str::<Value>(&text).unwrap()).unwrap()
    } else {
        text.into_bytes()
    }
}

/// The same rows, each with its members in another order: no row helps to guess the next.
fn shuffled(document: &[u8]) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(document).unwrap();
    let rows = value["data"].as_array_mut().unwrap();
    let rows: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(n, row)| {
            let mut members: Vec<String> =
                row.as_object().unwrap().iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            members.sort_by_key(|text| (text.len() * 31 + n * 7919 * text.len()) % 13);
            members.rotate_left(n % 12);
            format!("{{{}}}", members.join(","))
        })
        .collect();
    format!(r#"{{"code":200,"data":[{}]}}"#, rows.join(",")).into_bytes()
}

/// What one would write without a projector of one's own.
fn peer(body: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(body).unwrap();
    let rows = value["data"].as_array().unwrap();
    let kept = rows.iter().map(|row| {
        let pick = |name: &&str| row.get(*name).map(|value| ((*name).to_owned(), value.clone()));
        Value::Object(GRANTED.iter().filter_map(pick).collect::<Map<_, _>>())
    });
    serde_json::to_vec(&json!({"data": kept.collect::<Vec<_>>()})).unwrap()
}

fn round(bytes: usize, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut calls = 0_u32;
    while start.elapsed() < ROUND {
        for _ in 0..8 {
            call();
        }
        calls += 8;
    }
    f64::from(calls) * f64::from(u32::try_from(bytes).unwrap()) / start.elapsed().as_secs_f64() / 1e6
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn main() {
    let types = [LeafType::String, LeafType::String, LeafType::Number];
    let path = |name: &&str| format!("$.data[*].{name}").parse().unwrap();
    let projection = Projection::new(GRANTED.iter().map(path).zip(types)).unwrap();
    println!("{:<24} {:>8} {:>8} {:>12} {:>12} {:>7}", "document", "bytes", "out", "ours MB/s", "serde MB/s", "ratio");
    let large = document(77_000, false);
    for (name, body) in [
        ("1.5 KB", document(1_600, false)),
        ("77 KB", large.clone()),
        ("77 KB rows, indented", document(77_000, true)),
        ("77 KB, order differs", shuffled(&large)),
    ] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let (mut scratch, mut out) = (Scratch::default(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(round(body.len(), || {
                out.clear();
                black_box(projection.project_with(&mut scratch, black_box(&body), &mut out)).unwrap();
            }));
            theirs.push(round(body.len(), || {
                black_box(peer(black_box(&body)));
            }));
        }
        assert_eq!(
            serde_json::from_slice::<Value>(&out).unwrap(),
            serde_json::from_slice::<Value>(&peer(&body)).unwrap(),
            "both keep the same"
        );
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{name:<24} {:>8} {:>8} {ours:>12.0} {theirs:>12.0} {:>6.1}x", body.len(), out.len(), ours / theirs);
    }
}
