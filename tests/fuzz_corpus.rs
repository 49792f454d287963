//! What fuzzing has found worth keeping, replayed: for every target, each file of
//! `fuzz/corpus/<target>/`, and small changes of it.

#![allow(clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::{fs, io};

use proptest::prelude::*;
use proptest::sample::{Index, select};

#[path = "../fuzz/properties/board_to_gateway.rs"]
mod board_to_gateway;
#[path = "../fuzz/properties/config_loader.rs"]
mod config_loader;
#[path = "../fuzz/properties/expression.rs"]
mod expression;
#[path = "../fuzz/properties/gateway_to_board.rs"]
mod gateway_to_board;
#[path = "../fuzz/properties/history.rs"]
mod history;
#[path = "../fuzz/properties/history_files.rs"]
mod history_files;
#[path = "../fuzz/properties/packet_decoder.rs"]
mod packet_decoder;
#[path = "../fuzz/properties/router.rs"]
mod router;
#[path = "../fuzz/properties/rule_engine.rs"]
mod rule_engine;
#[path = "../fuzz/properties/session.rs"]
mod session;
#[path = "../fuzz/properties/text_link.rs"]
mod text_link;

/// The corpus of a target.
fn corpus(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let files = fs::read_dir(folder.join(target))?;
    files.map(|file| fs::read(file?.path())).collect()
}

fn replay(target: &str, hold: fn(&[u8])) -> io::Result<()> {
    let corpus = corpus(target)?;
    assert!(!corpus.is_empty(), "nothing is known of {target}");
    corpus.iter().for_each(|bytes| hold(bytes));
    Ok(())
}

/// One of the corpus with a few stretches of another in it.
fn changed(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    // An empty one fails: `select` has nothing to choose from.
    let corpus = corpus(target).unwrap_or_default();
    let change = (
        select(corpus.clone()),
        any::<Index>(),
        any::<Index>(),
        0..64_usize,
    );
    let changes = prop::collection::vec(change, 1..5);
    (select(corpus), changes).prop_map(|(mut bytes, changes)| {
        for (other, at, from, length) in changes {
            let at = at.index(bytes.len() + 1);
            let from = from.index(other.len() + 1);
            let to = (from + length).min(other.len());
            let end = (at + length / 2).min(bytes.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        bytes
    })
}

macro_rules! targets {
    ($($target:ident),+) => {$(
        mod $target {
            use super::*;

            #[test]
            fn the_corpus_is_survived() -> io::Result<()> {
                replay(stringify!($target), crate::$target::hold)
            }

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(1000))]

                #[test]
                fn changes_of_it_are_survived(bytes in changed(stringify!($target))) {
                    crate::$target::hold(&bytes);
                }
            }
        }
    )+};
}

mod survived {
    use super::*;

    targets!(
        board_to_gateway,
        config_loader,
        expression,
        gateway_to_board,
        history,
        history_files,
        packet_decoder,
        router,
        rule_engine,
        session,
        text_link
    );
}
