//! Bodies that are no requests.

use proptest::prelude::*;
use prost::Message as _;
use remote::Protocol::{V1, V2};
use remote::WriteError;

use super::messages::{WriteRequest, sample, series, to_v2};
use super::{NOW, pair};

fn compress(message: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(message).unwrap()
}

#[test]
fn damage_is_explained() {
    for (body, expected) in [
        (vec![3, 0xff, 0xff], "snappy"),
        (compress(b"\x0a\x05\x0a"), "protobuf: a field is cut off"),
        (compress(b"\x0a\x13\x0a\x0d\x0a\x08__name__\x12\x01m\x12\x00\x0a\x00"), "protobuf: labels after samples"),
        (compress(b"\x0b"), "protobuf: unknown wire type"),
    ] {
        let error = pair().0.write(V1, &body, NOW).unwrap_err();
        assert!(matches!(error, WriteError::BadData(_)) && error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn too_many_moments_are_refused_as_a_whole() {
    let mut series = series(&[("__name__", "m")]);
    series.samples = (0..100_001).map(|at_ms| sample(at_ms, 0.0)).collect();
    let request = WriteRequest { timeseries: vec![series], metadata: Vec::new() };
    let (writer, storage) = pair();
    let error = writer.write(V1, &compress(&request.encode_to_vec()), NOW).unwrap_err();
    assert!(error.to_string().contains("more than 100000 moments"), "{error}");
    assert_eq!(super::dump(&storage), "");
}

fn good() -> WriteRequest {
    let mut one = series(&[("__name__", "m"), ("job", "j")]);
    one.samples = vec![sample(1, 1.0), sample(2, 2.0)];
    let mut two = series(&[("__name__", "n"), ("job", "j")]);
    two.samples = vec![sample(1, 1.0)];
    WriteRequest { timeseries: vec![one, two], metadata: Vec::new() }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(message in prop::collection::vec(any::<u8>(), 0..200)) {
        let (writer, _) = pair();
        for protocol in [V1, V2] {
            let _outcome = writer.write(protocol, &compress(&message), NOW);
            let _outcome = writer.write(protocol, &message, NOW);
        }
    }

    /// Damage inside a good message gets further than noise does.
    #[test]
    fn no_damage_makes_it_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        for (protocol, mut message) in [(V1, good().encode_to_vec()), (V2, to_v2(&good()).encode_to_vec())] {
            for (at, byte) in &changes {
                let at = at.index(message.len());
                message[at] = *byte;
            }
            let (writer, _) = pair();
            let _outcome = writer.write(protocol, &compress(&message), NOW);
        }
    }
}
