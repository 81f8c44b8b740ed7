use super::*;

crate::metrics! {
    /// A value.
    gauge board_value { a }
}

fn board() -> Arc<Board> {
    Board::new("test", ALL, Arc::default())
}

fn schedule(stale_after: Duration, max_series: usize) -> Schedule {
    Schedule { stale_after, max_series, ..Schedule::every(Duration::from_secs(60)) }
}

fn text(board: &Board) -> String {
    String::from_utf8(board.exposition(Format::Text, false).to_vec()).unwrap()
}

fn id() -> SourceId {
    ("s", "t".to_owned())
}

fn poll(board: &Board, values: &[&str]) -> Vec<(&'static str, usize)> {
    let mut snapshot = Snapshot::new();
    for value in values {
        snapshot.set(&board_value, [value], 1.0);
    }
    board.succeeded(&id(), SystemTime::now(), Duration::from_millis(5), snapshot)
}

#[test]
fn a_failure_keeps_the_last_good_snapshot_until_it_is_stale() {
    let board = board();
    board.register("s", "t", schedule(Duration::from_millis(60), 10));
    assert!(!board.ready());
    poll(&board, &["x"]);
    assert!(board.ready());
    board.failed(&id(), SystemTime::now(), Duration::ZERO, PollError::new(Reason::Timeout, "slow"));
    let now = text(&board);
    assert!(now.contains("board_value{a=\"x\"} 1.0"), "{now}");
    assert!(now.contains("footprint_source_up{exporter=\"test\",source=\"s\",target=\"t\"} 0.0"), "{now}");
    assert!(now.contains("reason=\"timeout\"} 1.0"), "{now}");
    std::thread::sleep(Duration::from_millis(80));
    let later = text(&board);
    assert!(!later.contains("board_value"), "{later}");
    assert!(later.contains("footprint_series{exporter=\"test\",source=\"s\",target=\"t\"} 0.0"), "{later}");
}

#[test]
fn a_family_above_the_budget_is_withheld_and_named() {
    let board = board();
    board.register("s", "t", schedule(Duration::from_secs(60), 1));
    assert_eq!(poll(&board, &["x", "y"]), [("board_value", 2)]);
    let now = text(&board);
    assert!(!now.contains("board_value{"), "{now}");
    assert!(
        now.contains(
            "footprint_withheld_series{exporter=\"test\",source=\"s\",target=\"t\",family=\"board_value\"} 2.0"
        )
    );
    assert!(poll(&board, &["x"]).is_empty());
    assert!(!text(&board).contains("footprint_withheld_series{"));
}

#[test]
fn text_is_made_once_per_publication_and_gzip_holds_the_same() {
    use std::io::Read;
    let board = board();
    board.register("s", "t", schedule(Duration::from_secs(60), 10));
    poll(&board, &["x"]);
    let first = board.exposition(Format::OpenMetrics, false);
    assert_eq!(first.as_ptr(), board.exposition(Format::OpenMetrics, false).as_ptr());
    let packed = board.exposition(Format::OpenMetrics, true);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, first);
    poll(&board, &["y"]);
    assert_ne!(first, board.exposition(Format::OpenMetrics, false));
}
