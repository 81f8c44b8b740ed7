//! Runs in log files are counted once each, through rotation, copying and cutting off.
#![allow(clippy::unwrap_used)]

#[path = "files/world.rs"]
mod world;

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use world::{End, World};

#[test]
fn renamed_while_it_runs() {
    let mut world = World::new();
    let run = world.run(1, End::Committed);
    world.append("orders.log", run[..4].concat());
    world.poll();
    world.rename("orders.log", "orders.log.1");
    world.append("orders.log.1", run[4..6].concat());
    world.append("orders.log", world.whole_run(2, End::Error));
    world.poll();
    world.append("orders.log.1", run[6..].concat());
    world.wait(20);
    assert_eq!(world.counted("orders"), [1, 1, 0]);
    world.gzip("orders.log.1", "orders.log.2.gz");
    world.rename("orders.log", "orders.log.1");
    world.wait(80);
    world.restart();
    world.wait(80);
    assert_eq!(world.counted("orders"), [1, 1, 0]);
}

#[test]
fn copied_and_cut_off_while_it_runs() {
    let mut world = World::new();
    let text = world.whole_run(1, End::Committed);
    for (cut, poll_between) in [(300, true), (300, false), (305, true), (9, true), (310, false)] {
        let before = world.runs("orders", "success");
        world.append("orders.log", world.whole_run(7, End::Committed));
        world.append("orders.log", &text[..200]);
        world.poll();
        world.append("orders.log", &text[200..200 + cut]);
        world.copytruncate("orders.log", "orders.log.1");
        if poll_between {
            world.poll();
        }
        world.append("orders.log", &text[200 + cut..]);
        world.wait(20);
        assert_eq!(world.runs("orders", "success"), before + 2, "cut {cut}");
        world.gzip("orders.log.1", "orders.log.2.gz");
        world.append("orders.log", world.whole_run(8, End::Committed));
        world.wait(20);
        assert_eq!(world.runs("orders", "success"), before + 3, "cut {cut}");
        world.copytruncate("orders.log", "orders.log.3");
        world.wait(10);
    }
    assert_eq!(world.counted("orders")[1..], [0, 0]);
}

/// Embulk's own rolling: `name.log` becomes `name.log.1.gz`, what was that `name.log.2.gz`.
fn roll(world: &World) {
    for number in (1..5).rev() {
        let name = format!("orders.log.{number}.gz");
        if world.path(&name).exists() {
            world.rename(&name, &format!("orders.log.{}.gz", number + 1));
        }
    }
    world.gzip("orders.log", "orders.log.1.gz");
}

#[test]
fn rolled_by_embulk_while_it_runs() {
    for (polls, restarts) in [(true, false), (false, false), (true, true)] {
        let mut world = World::new();
        let run = world.run(1, End::Committed);
        for (at, line) in run.iter().enumerate() {
            world.append("orders.log", line);
            if at % 3 == 0 && polls {
                world.poll();
            }
            if at == 0 {
                world.poll();
            }
            if at % 3 == 1 {
                roll(&world);
            }
            if restarts {
                world.restart();
                world.poll();
            }
            world.now_ms += 10;
        }
        world.wait(30);
        assert_eq!(world.counted("orders"), [1, 0, 0], "polls {polls} restarts {restarts}");
        assert!(!world.text().contains("missing=\"log_end\"} 1"), "{}", world.text());
        world.wait(80);
        world.restart();
        world.wait(80);
        assert_eq!((world.counted("orders"), world.active("orders")), ([1, 0, 0], 0));
    }
}

#[test]
fn a_log_that_is_cut_off_and_lost_says_so() {
    let mut world = World::new();
    let run = world.run(1, End::Committed);
    world.append("orders.log", run[..4].concat());
    world.poll();
    let file = OpenOptions::new().write(true).open(world.path("orders.log")).unwrap();
    file.set_len(0).unwrap();
    world.append("orders.log", run[6..].concat());
    world.wait(90);
    assert_eq!(world.counted("orders"), [1, 0, 0]);
    assert!(world.text().contains("missing=\"log_end\"} 1"), "{}", world.text());
}

#[test]
fn a_file_that_vanishes_ends_its_run() {
    let mut world = World::new();
    world.append("orders.log", world.whole_run(1, End::Silent));
    world.append("users.log", world.whole_run(2, End::Committed));
    world.poll();
    assert_eq!(world.active("orders"), 1);
    fs::remove_file(world.path("orders.log")).unwrap();
    fs::remove_file(world.path("users.log")).unwrap();
    world.wait(70);
    assert_eq!((world.counted("orders"), world.active("orders")), ([0, 0, 1], 0));
    assert_eq!(world.counted("users"), [1, 0, 0]);
}

#[test]
fn a_file_that_vanishes_while_the_exporter_is_down() {
    let mut world = World::new();
    world.append("orders.log", world.whole_run(1, End::Silent));
    world.poll();
    fs::remove_file(world.path("orders.log")).unwrap();
    world.restart();
    world.wait(70);
    assert_eq!((world.counted("orders"), world.active("orders")), ([0, 0, 1], 0));
}

#[test]
fn rotated_while_the_exporter_is_down() {
    let mut world = World::new();
    let run = world.run(1, End::Committed);
    world.append("orders.log", world.whole_run(5, End::Error));
    world.append("orders.log", run[..5].concat());
    world.poll();
    world.append("orders.log", run[5..7].concat());
    world.gzip("orders.log", "orders.log.1.gz");
    world.append("orders.log", run[7..].concat());
    world.append("orders.log", world.whole_run(2, End::Committed));
    world.restart();
    world.wait(30);
    assert_eq!(world.counted("orders"), [2, 1, 0]);
}

#[test]
fn copies_count_once() {
    let mut world = World::new();
    for id in 0..20 {
        world.append("orders.log", world.whole_run(id, End::Committed));
    }
    world.wait(20);
    fs::copy(world.path("orders.log"), world.path("orders.log.1")).unwrap();
    fs::copy(world.path("orders.log"), world.path("backup.log")).unwrap();
    fs::copy(world.path("orders.log"), world.path("x")).unwrap();
    world.gzip("x", "orders.log.2.gz");
    std::os::unix::fs::symlink(world.path("orders.log"), world.path("latest.log")).unwrap();
    fs::hard_link(world.path("orders.log"), world.path("linked.log")).unwrap();
    world.wait(30);
    world.restart();
    world.wait(30);
    assert_eq!(world.counted("orders"), [20, 0, 0]);
    assert_eq!([world.counted("backup"), world.counted("latest"), world.counted("linked")], [[0; 3]; 3]);
}

#[test]
fn logs_that_begin_alike_are_told_apart() {
    let mut world = World::new();
    let header = "== nightly loads, see the wiki for what to do ==\n".repeat(40);
    for name in ["a.log", "b.log", "c.log.1"] {
        world.append(name, &header);
    }
    world.poll();
    for (id, name) in ["a.log", "b.log", "c.log.1"].into_iter().enumerate() {
        world.append(name, world.whole_run(id as u32, End::Committed));
        world.poll();
    }
    world.wait(20);
    assert_eq!(["a", "b", "c"].map(|job| world.counted(job)), [[1, 0, 0]; 3]);
    for name in ["a.log", "b.log"] {
        world.append(name, world.whole_run(9, End::Committed));
    }
    world.restart();
    world.wait(20);
    assert_eq!(["a", "b"].map(|job| world.counted(job)), [[2, 0, 0]; 2]);
}

#[test]
fn a_writer_that_does_not_append_leaves_zeros() {
    let mut world = World::new();
    let run = world.run(1, End::Committed);
    let mut writer = File::create(world.path("orders.log")).unwrap();
    writer.write_all(run[..5].concat().as_bytes()).unwrap();
    world.touch(&writer);
    world.poll();
    world.copytruncate("orders.log", "orders.log.1");
    writer.seek(SeekFrom::Start(1 << 30)).unwrap();
    writer.write_all(run[5..].concat().as_bytes()).unwrap();
    world.touch(&writer);
    let most = memory_kib();
    for _ in 0..25 {
        world.poll();
    }
    assert_eq!(world.counted("orders"), [1, 0, 0]);
    assert!(memory_kib() < most + 100 * 1024, "{} after {most} KiB", memory_kib());
}

/// Most memory that the process ever had.
fn memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
