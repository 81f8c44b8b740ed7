//! The AWS Batch source, through the real SDK, against a simulated AWS: every attempt is counted once, whatever breaks.

#![allow(clippy::unwrap_used)]

#[path = "aws_batch/bench.rs"]
mod bench;
#[path = "aws_batch/breaks.rs"]
mod breaks;
#[path = "aws_batch/ends.rs"]
mod ends;
#[path = "aws_batch/size.rs"]
mod size;
