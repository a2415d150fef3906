//! Each header field counts once, in its one form.

use bytes::Bytes;
use http_body_util::{Empty, Full};
use hyper::Request;
use proptest::prelude::*;

use super::*;

fn parts(headers: &[(&str, &[u8])]) -> Parts {
    let mut request = Request::builder().uri("/n/r/a");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "guard");
    }
    request.body(()).unwrap().into_parts().0
}

fn fault(headers: &[(&str, &[u8])]) -> Option<Refusal> {
    Headers::read(&parts(headers), &Empty::<Bytes>::new()).fault
}

fn token(headers: &[(&str, &[u8])]) -> Result<Vec<u8>, Code> {
    let parts = parts(headers);
    let read = Headers::read(&parts, &Empty::<Bytes>::new());
    read.token.map(<[u8]>::to_vec).map_err(|refusal| refusal.code)
}

#[test]
fn names_are_decoded_once() {
    let parts = parts(&[("datashare-user", b"%E5%BC%A0%25"), ("datashare-case", b"2026-1"), ("accept", b"*/*")]);
    let read = Headers::read(&parts, &Empty::<Bytes>::new());
    assert_eq!(read.user.as_deref(), Some("张%"));
    assert_eq!(read.case.as_deref(), Some("2026-1"));
    assert_eq!(read.consent, None);
    assert_eq!(read.fault, None);
}

#[test]
fn tokens_stand_once_and_in_one_alphabet() {
    assert_eq!(token(&[("authorization", b"Bearer abc.d-e_~+/=")]).unwrap(), b"abc.d-e_~+/=");
    assert_eq!(token(&[("authorization", b"bEARER   abc")]).unwrap(), b"abc");
    assert_eq!(token(&[]), Err(Code::CredentialMissing));
    assert_eq!(token(&[("authorization", b"Basic abc")]), Err(Code::CredentialMissing));
    assert_eq!(token(&[("authorization", b"Bearer")]), Err(Code::CredentialMissing));
    assert_eq!(token(&[("authorization", b"Bearer ")]), Err(Code::CredentialMissing));
    assert_eq!(token(&[("authorization", b"Bearer a b")]), Err(Code::CredentialInvalid));
    assert_eq!(token(&[("authorization", b"Bearer \xff")]), Err(Code::CredentialInvalid));
    assert_eq!(
        token(&[("authorization", &[b"Bearer ".as_slice(), &[b'a'; 513]].concat())]),
        Err(Code::CredentialInvalid)
    );
    let twice: [(&str, &[u8]); 3] =
        [("authorization", b"Bearer abc"), ("authorization", b"Bearer abc"), ("authorization", b"Bearer abc")];
    assert_eq!(token(&twice), Err(Code::RequestInvalid));
    assert_eq!(token(&twice[..2]), Err(Code::RequestInvalid));
}

#[test]
fn what_names_the_caller_is_refused_when_doubled_or_malformed() {
    let long = [b'a'; 129];
    let cases: [(&[u8], &str); 7] = [
        (&long, "Datashare-User is longer than 128 characters"),
        ("张".as_bytes(), "Datashare-User may hold visible ASCII only; percent-encode the rest"),
        (b"a b", "Datashare-User may hold visible ASCII only; percent-encode the rest"),
        (b"%zz", "Datashare-User has a broken percent-encoding, or is not UTF-8 behind it"),
        (b"%ff", "Datashare-User has a broken percent-encoding, or is not UTF-8 behind it"),
        (b"a%0ab", "Datashare-User is empty, or has blanks around it or control characters in it"),
        (b"%20a", "Datashare-User is empty, or has blanks around it or control characters in it"),
    ];
    for (value, said) in cases {
        assert_eq!(fault(&[("datashare-user", value)]).unwrap().detail, said);
    }
    for name in ["datashare-user", "datashare-case", "datashare-consent"] {
        let refusal = fault(&[(name, b"same"), (name, b"same")]).unwrap();
        assert_eq!(refusal.code, Code::RequestInvalid);
        assert!(refusal.detail.ends_with("is given twice; give it once"), "{refusal:?}");
        assert!(fault(&[(name, b"")]).is_some(), "{name}");
    }
}

#[test]
fn what_would_change_the_message_is_refused() {
    let refused: [(&str, &[u8]); 13] = [
        ("upgrade", b"websocket"),
        ("connection", b"keep-alive, Upgrade"),
        ("http2-settings", b""),
        ("range", b"bytes=0-1"),
        ("if-range", b"x"),
        ("expect", b"100-continue"),
        ("content-encoding", b"gzip"),
        ("transfer-encoding", b"chunked"),
        ("content-length", b"1"),
        ("content-length", b"00"),
        ("content-type", b"Multipart/form-data; boundary=a"),
        ("host", b""),
        ("x", b""),
    ];
    for (name, value) in refused.iter().take(11) {
        assert_eq!(fault(&[(name, value)]).unwrap().code, Code::RequestInvalid, "{name}");
    }
    for (name, value) in refused.iter().skip(11) {
        assert_eq!(fault(&[(name, value)]), None, "{name}");
    }
    assert_eq!(fault(&[("content-length", b"0"), ("connection", b"keep-alive")]), None);
    assert_eq!(fault(&[("host", b"a"), ("host", b"a")]).unwrap().code, Code::RequestInvalid);

    let body = Full::new(Bytes::from_static(b"x"));
    let said = Headers::read(&parts(&[]), &body).fault.unwrap();
    assert_eq!(said.detail, "no operation takes a body; send none");
    let absolute =
        Request::builder().uri("http://guard/n/r/a").header("host", "guard").body(()).unwrap().into_parts().0;
    assert!(Headers::read(&absolute, &Empty::<Bytes>::new()).fault.is_some());
}

#[test]
fn only_well_formed_context_is_passed_on() {
    let trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let good = parts(&[("traceparent", trace), ("accept-language", b"zh-CN,zh;q=0.9")]);
    let read = Headers::read(&good, &Empty::<Bytes>::new());
    assert!(read.traceparent.is_some() && read.accept_language.is_some());
    let bad = parts(&[("traceparent", b"00-zz"), ("accept-language", b"<script>")]);
    let read = Headers::read(&bad, &Empty::<Bytes>::new());
    assert!(read.traceparent.is_none() && read.accept_language.is_none() && read.fault.is_none());
}

#[test]
fn what_is_passed_on_stands_once_or_not_at_all() {
    let trace: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (count, passed) in [(1, true), (2, false), (3, false), (4, false)] {
        let fields: Vec<_> =
            (0..count).flat_map(|_| [("traceparent", trace), ("accept-language", b"zh-CN".as_slice())]).collect();
        let parts = parts(&fields);
        let read = Headers::read(&parts, &Empty::<Bytes>::new());
        assert_eq!((read.traceparent.is_some(), read.accept_language.is_some()), (passed, passed), "{count} times");
        assert_eq!(read.fault, None);
    }
}

proptest! {
    #[test]
    fn a_name_comes_back_however_it_was_encoded(name in "\\PC{1,20}", plain in any::<bool>()) {
        prop_assume!(name.trim() == name);
        let keep = |byte: u8| plain && byte.is_ascii_graphic() && byte != b'%';
        let encoded: String =
            name.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") }).collect();
        let parts = parts(&[("datashare-user", encoded.as_bytes())]);
        let read = Headers::read(&parts, &Empty::<Bytes>::new());
        if encoded.len() <= MAX_VALUE {
            prop_assert_eq!(read.user.as_deref(), Some(name.as_str()));
        } else {
            prop_assert!(read.user.is_none() && read.fault.is_some());
        }
    }

    #[test]
    fn no_value_makes_the_reader_panic_or_count_twice(
        fields in prop::collection::vec((prop::sample::select(vec![
            "authorization", "datashare-user", "datashare-case", "datashare-consent", "traceparent", "accept-language",
            "connection", "content-length", "x-forwarded-for",
        ]), "[ -~]{0,60}"), 0..6),
    ) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.trim().as_bytes())).collect();
        let parts = parts(&fields);
        let read = Headers::read(&parts, &Empty::<Bytes>::new());
        let count = |wanted: &str| fields.iter().filter(|(name, _)| *name == wanted).count();
        prop_assert!(read.token.is_err() || count("authorization") == 1);
        prop_assert!(read.fault.is_some() || read.user.is_some() == (count("datashare-user") == 1));
        prop_assert!(read.fault.is_some() || read.case.is_some() == (count("datashare-case") == 1));
    }
}
