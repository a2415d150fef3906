//! What goes into an entry comes out of it, whatever it is, and stands in the order of the format.

use datashare::audit::{
    Entry, Event, GrantRef, NameRef, Outcome, Parameter, Recorded, RecordedGrant, RecordedName, UnitRef, Upstream,
};
use proptest::prelude::*;

use super::{call, entries, open, segments};

#[test]
fn the_members_stand_in_the_order_of_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let parameters = [Parameter { name: "idNumber", value: "hmac-sha256:00" }];
    let mut entry = call("p-0417", &["ownerName", "certificateNumber"], &parameters);
    entry.code = Some("upstream-status");
    log.append_blocking(&entry).unwrap();
    let text = std::fs::read_to_string(&segments(folder.path())[0]).unwrap();
    let digest = "ab".repeat(32);
    let expected = format!(
        concat!(
            r#"{{"v":1,"stream":"{}","index":1,"time":"2026-11-24T04:00:00.000000Z","event":"call","#,
            r#""grant":{{"namespace":"jinan-registration","name":"deed-tax","serial":"济登共享〔2026〕12号","digest":"sha256:00"}},"#,
            r#""request":{{"namespace":"tax-bureau","name":"deed-tax"}},"unit":{{"code":"11370100004188XXXX","name":"济南市税务局"}},"#,
            r#""system":"契税征管系统","user":"p-0417","case":"case-1","consent":"consent-1","source":"10.20.0.7","#,
            r#""resource":{{"namespace":"jinan-registration","name":"property-ownership"}},"operation":"by-id","#,
            r#""parameters":{{"idNumber":"hmac-sha256:00"}},"outcome":"released","code":"upstream-status","status":200,"#,
            r#""fields":["ownerName","certificateNumber"],"items":3,"bytes":1500,"digest":"sha256:{}","#,
            r#""upstream":{{"status":200,"microseconds":1234}},"retain":"2029-11-24"}}"#
        ),
        log.stream(),
        digest
    );
    assert_eq!(text.lines().nth(1), Some(expected.as_str()));
    // the JSON value has its members in the same order, so nothing is there twice
    assert_eq!(text.lines().next().unwrap().matches("\"bytes\"").count(), 0);
}

fn maybe<T: std::fmt::Debug + Clone + 'static>(some: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Option<T>> {
    proptest::option::of(some).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn entries_come_back_as_they_went_in(
        event in proptest::sample::select(Event::ALL.to_vec()),
        outcome in maybe(proptest::sample::select(Outcome::ALL.to_vec())),
        texts in proptest::collection::vec(maybe(any::<String>()), 6),
        names in proptest::collection::vec(any::<String>(), 10),
        parameters in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        fields in proptest::collection::vec(any::<String>(), 0..5),
        numbers in (maybe(any::<u16>()), maybe(any::<u64>()), maybe(any::<u64>()), any::<u64>()),
        digest in maybe(any::<[u8; 32]>()),
        source in maybe(any::<std::net::IpAddr>()),
        objects in any::<[bool; 5]>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let log = open(folder.path());
        let listed: Vec<_> = parameters.iter().map(|(name, value)| Parameter { name, value }).collect();
        let text = |place: usize| texts[place].as_deref();
        let name = |place: usize| NameRef { namespace: &names[place], name: &names[place + 1] };
        let entry = Entry {
            event,
            grant: objects[0].then(|| GrantRef { namespace: &names[0], name: &names[1], serial: &names[2], digest: &names[3] }),
            request: objects[1].then(|| name(4)),
            unit: objects[2].then(|| UnitRef { code: &names[6], name: &names[7] }),
            system: text(0),
            user: text(1),
            case: text(2),
            consent: text(3),
            source,
            resource: objects[3].then(|| name(8)),
            operation: text(4),
            parameters: &listed,
            outcome,
            code: text(5),
            status: numbers.0,
            fields: &fields,
            items: numbers.1,
            bytes: numbers.2,
            digest,
            upstream: objects[4].then_some(Upstream { status: numbers.0, microseconds: numbers.3 }),
            retain: None,
        };
        log.append_blocking(&entry).unwrap();
        let read: Recorded = entries(folder.path()).pop().unwrap();
        prop_assert_eq!(read.event, event);
        prop_assert_eq!(read.grant, entry.grant.map(|grant| RecordedGrant {
            namespace: grant.namespace.into(), name: grant.name.into(), serial: grant.serial.into(), digest: grant.digest.into(),
        }));
        let named = |name: NameRef<'_>| RecordedName { namespace: name.namespace.into(), name: name.name.into() };
        prop_assert_eq!(read.request, entry.request.map(named));
        prop_assert_eq!(read.resource, entry.resource.map(named));
        prop_assert_eq!(read.unit.map(|unit| (unit.code, unit.name)), entry.unit.map(|unit| (unit.code.to_owned(), unit.name.to_owned())));
        let read_texts = [read.system, read.user, read.case, read.consent, read.operation, read.code];
        prop_assert_eq!(read_texts.as_slice(), texts.as_slice());
        prop_assert_eq!(&read.parameters, &parameters);
        prop_assert_eq!(&read.fields, &fields);
        prop_assert_eq!((read.status, read.items, read.bytes), (numbers.0, numbers.1, numbers.2));
        prop_assert_eq!((read.source, read.outcome, read.upstream), (source, outcome, entry.upstream));
        prop_assert_eq!(read.digest.is_some(), digest.is_some());
    }
}
