//! Runs in log files are counted once each, whatever is in the logs and around them.
#![allow(clippy::unwrap_used)]

#[path = "files/world.rs"]
mod world;

use std::fs::{self, OpenOptions};

use footprint_common::error::Reason;
use world::{End, World, run};

#[test]
fn several_runs_in_one_file() {
    let mut world = World::new();
    world.append("orders.log", world.whole_run(1, End::Committed));
    world.append("orders.log", world.whole_run(2, End::Error));
    world.append("orders.log", world.whole_run(3, End::Committed));
    world.poll();
    assert_eq!(world.counted("orders"), [1, 1, 0], "the last may go on");
    world.wait(15);
    assert_eq!(world.counted("orders"), [2, 1, 0]);
    assert_eq!(world.active("orders"), 0);
    assert!(world.text().contains("embulk_job_failures_total{embulk_job=\"orders\""), "{}", world.text());
}

#[test]
fn half_written_lines_and_a_restart_after_each() {
    let mut world = World::new();
    let text = world.whole_run(1, End::Committed).replace('\n', "\r\n");
    let mut written = 0;
    for part in text.as_bytes().chunks(37) {
        world.append("orders.log", part);
        world.poll();
        written += part.len();
        let line_ended = u64::from(written > text.find('\n').unwrap());
        assert_eq!((world.runs("orders", "success"), world.active("orders")), (0, line_ended));
        world.restart();
    }
    world.wait(15);
    assert_eq!(world.counted("orders"), [1, 0, 0]);
    world.append("orders.log", world.whole_run(2, End::Committed));
    world.wait(20);
    assert_eq!(world.counted("orders"), [2, 0, 0]);
}

#[test]
fn the_exit_code_of_a_wrapper_may_come_a_little_later() {
    let mut world = World::new();
    world.append("orders.log", world.whole_run(1, End::Committed));
    world.poll();
    world.append("orders.log", "load.sh: embulk exited with code 137");
    world.wait(20);
    assert_eq!(world.runs("orders", "killed"), 1, "without a line end");
    world.append("orders.log", "\n");
    world.append("orders.log", world.whole_run(2, End::Committed));
    world.wait(20);
    world.append("orders.log", "embulk exit code: 0\n");
    world.append("orders.log", world.whole_run(3, End::Silent));
    world.append("orders.log", "Killed\nembulk exit code: 137\n");
    world.wait(20);
    assert_eq!((world.counted("orders"), world.runs("orders", "killed")), ([1, 0, 0], 2));
}

#[test]
fn a_run_that_falls_silent_is_given_up_once() {
    let mut world = World::with("- {path: LOGS/*.log, quiet_after: 10m}");
    world.poll();
    world.append("orders.log", world.whole_run(1, End::Silent));
    world.wait(590);
    assert_eq!((world.counted("orders"), world.active("orders")), ([0, 0, 0], 1));
    world.wait(20);
    assert_eq!((world.counted("orders"), world.active("orders")), ([0, 0, 1], 0));
    assert!(world.text().contains("missing=\"end\"} 1"), "{}", world.text());
    world.restart();
    world.append("orders.log", run(world.now_ms, 1, End::Committed)[5..].concat());
    world.wait(30);
    assert_eq!(world.counted("orders"), [0, 0, 1], "it went on after all");
    world.append("orders.log", world.whole_run(2, End::Committed));
    world.wait(30);
    assert_eq!(world.counted("orders"), [1, 0, 1]);
}

#[test]
fn a_killed_run_ends_when_the_next_one_has() {
    let mut world = World::new();
    world.append("orders.log", world.whole_run(1, End::Silent));
    world.poll();
    world.append("orders.log", world.whole_run(2, End::Committed));
    world.wait(320);
    assert_eq!((world.counted("orders"), world.active("orders")), ([1, 0, 1], 0));
}

#[test]
fn what_ended_before_the_first_start_is_shown_and_not_counted() {
    let mut world = World::with("- path: LOGS/*.log");
    world.append("orders.log", world.whole_run(1, End::Committed));
    world.append("stuck.log", world.whole_run(2, End::Silent));
    world.append("going.log", world.whole_run(3, End::Silent));
    world.append("old.log", world.whole_run(4, End::Committed));
    let old = OpenOptions::new().append(true).open(world.path("old.log")).unwrap();
    world.now_ms -= 8 * 86_400_000;
    world.touch(&old);
    world.now_ms += 8 * 86_400_000 + 7_200_000;
    let rest = world.run(3, End::Committed)[7..].concat();
    world.append("going.log", "\n");
    world.wait(10);
    assert_eq!((world.counted("orders"), world.counted("stuck")), ([0; 3], [0; 3]));
    assert_eq!(world.value("embulk_job_last_run_success{embulk_job=\"orders\",runtime=\"log_file\"}"), 1.0);
    assert!(!world.text().contains("\"old\""));
    assert_eq!((world.active("stuck"), world.active("going")), (0, 1));
    world.append("going.log", rest);
    world.wait(20);
    assert_eq!(world.counted("going"), [1, 0, 0]);
}

#[test]
fn any_bytes() {
    let mut world = World::new();
    world.append("orders.log", [0xff, 0xfe, 0, b'\n', 0xc3, b'\n', 0x1b, b'[']);
    world.append("orders.log", [vec![b'x'; 3 << 20], b"\n".to_vec()].concat());
    world.append("orders.log", world.whole_run(1, End::Committed).replace("part", "p\u{0}\u{fffd}"));
    world.append("orders.log", b"\xf0\x28\x8c\x28\n\0\0\0");
    world.append("orders.log", world.whole_run(2, End::Error));
    world.append("noise.log", "nothing of Embulk's\n".repeat(1000));
    world.wait(40);
    assert_eq!((world.counted("orders"), world.counted("noise")), ([1, 1, 0], [0; 3]));
}

#[test]
fn what_cannot_be_read_is_said_only_if_nothing_can() {
    let mut world = World::with("- path: LOGS/**/*.log");
    fs::create_dir(world.path("orders.log")).unwrap();
    let error = world.poll().unwrap();
    assert!(error.message.contains("orders.log"), "{error}");
    world.append("users.log", world.whole_run(1, End::Committed));
    world.append("users.log.7.gz", "this is no gzip");
    std::os::unix::fs::symlink(world.logs.path(), world.path("loop")).unwrap();
    fs::create_dir(world.path("deep")).unwrap();
    std::os::unix::fs::symlink(world.path("loop"), world.path("deep/again")).unwrap();
    world.append("deep/items.log", world.whole_run(2, End::Committed));
    world.wait(30);
    assert_eq!((world.counted("users"), world.counted("items")), ([1, 0, 0], [1, 0, 0]));
}

#[test]
fn a_folder_that_is_not_there() {
    let mut world = World::with("- path: LOGS/none/*.log");
    assert_eq!(world.poll().unwrap().reason, Reason::Unavailable);
    fs::create_dir(world.path("none")).unwrap();
    assert_eq!(world.poll(), None);
}

#[test]
fn a_state_that_cannot_be_saved_stops_nothing() {
    let mut world = World::new();
    world.append("orders.log", world.whole_run(1, End::Committed));
    world.wait(15);
    fs::remove_dir_all(world.state.path()).unwrap();
    world.append("orders.log", world.whole_run(2, End::Committed));
    world.append("orders.log", world.whole_run(3, End::Error));
    world.wait(20);
    assert_eq!(world.counted("orders"), [2, 1, 0]);
    fs::create_dir(world.state.path()).unwrap();
    world.append("orders.log", world.whole_run(4, End::Committed));
    world.wait(20);
    world.restart();
    world.wait(20);
    assert_eq!(world.counted("orders"), [3, 1, 0]);
}

#[test]
fn thousands_of_files() {
    let mut world = World::new();
    for id in 0..2000 {
        world.append(&format!("job{}_{id:04}.log", id % 50), world.whole_run(id, End::Committed));
    }
    world.wait(25);
    let text = world.text();
    let runs = text.lines().filter(|line| line.starts_with("embulk_job_runs_total") && line.contains("success"));
    let total: f64 = runs.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
    assert_eq!(total, 2000.0);
}

#[test]
fn jobs_are_named_by_path() {
    let block = r"{path: LOGS/*/*.log, job: '{team}.{table}', pattern: '(?P<team>[^/]+)/(?P<table>[^/]+)\.log$'}";
    let mut world = World::with(&format!("- {block}"));
    world.poll();
    fs::create_dir(world.path("shop")).unwrap();
    world.append("shop/orders.log", world.whole_run(1, End::Committed));
    world.wait(20);
    world.gzip("shop/orders.log", "shop/orders.log.1.gz");
    world.append("shop/orders.log", world.whole_run(2, End::Committed));
    world.wait(20);
    assert_eq!(world.counted("shop.orders"), [2, 0, 0]);
}
