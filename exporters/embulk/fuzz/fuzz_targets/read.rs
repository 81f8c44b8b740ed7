//! Any bytes in any chunks: the reader never panics, chunks never change what it says, and what it keeps
//! is bounded. The first byte of the input chooses the size of the chunks.

#![no_main]

use embulk_exporter::follow::Follower;
use embulk_exporter::log::Runs;
use embulk_exporter::outcome::{outcome, why};
use embulk_exporter::run::Ending;
use footprint_common::cause::Classifier;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((size, log)) = input.split_first() else { return };
    let whole = read(log, log.len().max(1));
    let chunked = read(log, usize::from(*size).max(1));
    assert_eq!(whole, chunked);
    let mut follower = Follower::default();
    for chunk in log.chunks(usize::from(*size).max(1)) {
        follower.feed(chunk);
        if chunk.len() % 7 == 0 {
            follower.broke();
        }
    }
    let _ = follower.finish();
});

fn read(log: &[u8], size: usize) -> String {
    let mut runs = Runs::default();
    log.chunks(size).for_each(|chunk| runs.feed(chunk));
    let Some(report) = runs.finish_merged() else { return String::new() };
    let shown = format!("{report:?}");
    let ending = Ending { log: Some(report), ..Ending::default() };
    format!("{shown} {:?} {:?}", outcome(&ending), why(&ending, &Classifier::builtin()))
}
