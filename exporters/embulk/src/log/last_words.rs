//! How a run says that it is over, in lines without a header.

use std::sync::LazyLock;

use memchr::memmem;

/// Whether an indented line is a frame of a stack trace.
pub fn is_frame(line: &[u8]) -> bool {
    line.starts_with(b"at ") || line.starts_with(b"... ")
}

/// What Embulk's command line and the JVM print when they give up.
pub fn is_error(line: &[u8]) -> bool {
    line.starts_with(b"Error: ") || line.starts_with(b"Exception in thread \"main\"")
}

/// What a wrapper says of the exit code: docker compose, shells, Airflow's operators, cron jobs.
pub fn exit_code(line: &[u8]) -> Option<i32> {
    let line = line.trim_ascii_end();
    let line = line.strip_suffix(b".").unwrap_or(line);
    if line.len() > MAX_EXIT_LINE {
        return None;
    }
    let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (head, code) = line.split_at(line.len() - digits);
    if !(1..=3).contains(&digits) {
        return signal(line);
    }
    let head = head.trim_ascii_end();
    let head = head.strip_suffix(b":").or(head.strip_suffix(b"=")).unwrap_or(head);
    let said = ["exited with code", "exit code", "exit status", "return code", "failed with code", "exited with"];
    let said = said.iter().any(|words| head.ends_with(words.as_bytes()));
    let code = code.iter().fold(0, |code, digit| code * 10 + i32::from(digit - b'0'));
    (said && code <= 255).then_some(code)
}

/// What a shell says of a child that a signal ended: `load.sh: line 3:     7 Killed      embulk run a.yml`.
fn signal(line: &[u8]) -> Option<i32> {
    static LINE: LazyLock<memmem::Finder> = LazyLock::new(|| memmem::Finder::new(b": line "));
    let rest = &line[LINE.find(line)?..];
    let signals: [(&[u8], i32); 3] = [(b" Killed", 137), (b" Terminated", 143), (b" Aborted", 134)];
    let said = |name: &[u8]| {
        let end = memmem::find(rest, name).map(|at| at + name.len());
        end.is_some_and(|end| rest.get(end).is_none_or(|next| *next == b' '))
    };
    signals.iter().find(|(name, _)| said(name)).map(|(_, code)| *code)
}

const MAX_EXIT_LINE: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_of_wrappers() {
        let check = |line: &str, code| assert_eq!(exit_code(line.as_bytes()), code, "{line}");
        check("loads-embulk-1 exited with code 137", Some(137));
        check("Command exited with return code 1", Some(1));
        check("java.lang.RuntimeException: Command failed with code 1", Some(1));
        check("embulk exit code: 0", Some(0));
        check("/etc/cron.daily/load: line 3: 4242 Killed                  embulk run a.yml", Some(137));
        check("load.sh: line 3:     7 Terminated", Some(143));
        check("1,2,3", None);
        check("exit code", None);
        check("exit code 70000", None);
    }
}
