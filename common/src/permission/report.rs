//! What is printed: a table of all permissions, and the commands that grant what is missing.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Answer, Asked};

/// Stands in commands for our own identity as IAM writes it, such as `serviceAccount:NAME@PROJECT.iam.gserviceaccount.com`.
pub const MEMBER: &str = "MEMBER";
/// Stands in commands for our own address.
pub const EMAIL: &str = "EMAIL";

const HEAD: [&str; 4] = ["UPSTREAM", "PERMISSION", "NEEDED FOR", "ANSWER"];

/// The exit code: 1 if something is missing, else 3 if something could not be found out, else 0.
pub(super) fn code(asked: &[Asked]) -> u8 {
    let any = |fits: fn(&Asked) -> bool| asked.iter().any(|one| !one.optional && fits(one));
    match (any(Asked::is_missing), any(Asked::is_unknown)) {
        (true, _) => 1,
        (false, true) => 3,
        (false, false) => 0,
    }
}

/// The whole text. `own` is our identity as IAM writes it, where it is known.
pub(super) fn text(asked: &[Asked], own: Option<&str>) -> String {
    let mut out = table(asked);
    let commands = [
        ("Missing. These commands grant it:", grants(asked, |one| !one.optional && one.is_missing())),
        ("Optional. These commands grant it:", grants(asked, |one| one.optional && one.is_missing())),
        (
            "Not known. If it is missing, these commands grant it:",
            grants(asked, |one| matches!(one.answer, Answer::Doubtful(_))),
        ),
    ];
    for (title, commands) in commands.iter().filter(|(_, commands)| !commands.is_empty()) {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n{title}\n{commands}");
    }
    if let Some(own) = own {
        out = out.replace(MEMBER, own).replace(EMAIL, own.split_once(':').map_or(own, |(_, email)| email));
    } else if out.contains(MEMBER) || out.contains(EMAIL) {
        out += NOBODY;
    }
    let of = |fits: &dyn Fn(&Asked) -> bool| asked.iter().filter(|one| fits(one)).count();
    let (missing, unknown) = (of(&Asked::is_missing), of(&Asked::is_unknown));
    let there = asked.len() - missing - unknown;
    let _ = writeln!(out, "\n{there} there, {missing} missing, {unknown} not known.");
    out
}

const NOBODY: &str = "
MEMBER is the identity with which the exporter runs, such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com or
user:NAME@example.com, and EMAIL its address: what the credentials say cannot be told from them here. On Google Cloud
`gcloud auth list` on the machine, or the annotation iam.gke.io/gcp-service-account of the pod's account, names it.
";

fn table(asked: &[Asked]) -> String {
    let rows: Vec<[String; 4]> = asked.iter().map(Asked::row).collect();
    let width = |column: usize| {
        let longest = rows.iter().map(|row| row[column].chars().count()).max();
        longest.unwrap_or(0).max(HEAD[column].len())
    };
    let [upstream, permission, needed_for] = [0, 1, 2].map(width);
    let mut out = String::new();
    for [a, b, c, d] in std::iter::once(HEAD.map(str::to_owned)).chain(rows) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{a:upstream$}  {b:permission$}  {c:needed_for$}  {d}");
    }
    out
}

/// Each command once, under all that it grants.
fn grants(asked: &[Asked], wanted: impl Fn(&Asked) -> bool) -> String {
    let mut by_command: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in asked.iter().filter(|one| wanted(one)) {
        let name = format!("{}: {}", plain(&one.upstream), one.permission);
        by_command.entry(one.command()).or_default().push(name);
    }
    let mut out = String::new();
    for (command, names) in by_command {
        out += "\n";
        names.iter().for_each(|name| out += &format!("  # {name}\n"));
        command.lines().for_each(|line| out += &format!("  {line}\n"));
    }
    out
}

impl Asked {
    fn row(&self) -> [String; 4] {
        let answer = match &self.answer {
            Answer::Have => "have".to_owned(),
            Answer::Lack if self.optional => "lack (optional)".to_owned(),
            Answer::Lack => "lack".to_owned(),
            Answer::Barred { why, .. } => format!("lack ({})", plain(why)),
            Answer::Doubtful(why) | Answer::Unknown(why) => format!("not known ({})", plain(why)),
        };
        [plain(&self.upstream), self.permission.to_owned(), self.needed_for.to_owned(), answer]
    }

    fn is_missing(&self) -> bool {
        matches!(self.answer, Answer::Lack | Answer::Barred { .. })
    }

    fn is_unknown(&self) -> bool {
        matches!(self.answer, Answer::Doubtful(_) | Answer::Unknown(_))
    }

    fn command(&self) -> &str {
        match &self.answer {
            Answer::Barred { grant, .. } => grant,
            _ => &self.grant,
        }
    }
}

/// Text that does nothing to a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text as one word of a shell's command.
pub fn quoted(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(fits) {
        return text.to_owned();
    }
    format!("'{}'", plain(text).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(upstream: &str, answer: Answer, optional: bool) -> Asked {
        let grant = "gcloud bind --member MEMBER # EMAIL".to_owned();
        Asked { upstream: upstream.to_owned(), permission: "bake", needed_for: "bread", optional, grant, answer }
    }

    #[test]
    fn each_command_comes_once_and_names_us_where_that_is_known() {
        let all = [asked("a", Answer::Lack, false), asked("bakery", Answer::Lack, false)];
        let text = text(&all, Some("serviceAccount:me@example.com"));
        let expected = "UPSTREAM  PERMISSION  NEEDED FOR  ANSWER\n\
             a         bake        bread       lack\n\
             bakery    bake        bread       lack\n\n\
             Missing. These commands grant it:\n\n  # a: bake\n  # bakery: bake\n  \
             gcloud bind --member serviceAccount:me@example.com # me@example.com\n\n0 there, 2 missing, 0 not known.\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_optional_or_not_known_is_told_apart() {
        let off = Answer::Barred { why: "the oven is off".to_owned(), grant: "light it".to_owned() };
        let all = [
            asked("a", Answer::Lack, true),
            asked("b\u{1b}[2J", Answer::unknown("nobody\nis there"), false),
            asked("c", off, false),
            asked("d", Answer::doubtful("no bread"), false),
        ];
        let said = text(&all, None);
        assert!(said.contains("lack (optional)") && said.contains("lack (the oven is off)"), "{said}");
        assert!(said.contains("not known (nobody is there)") && !said.contains('\u{1b}'), "{said}");
        assert!(said.contains("  # c: bake\n  light it\n") && said.contains("MEMBER is the identity"), "{said}");
        assert!(
            said.contains("  # d: bake\n") && !said.contains("  # b"),
            "who does not answer needs no command: {said}"
        );
        assert_eq!((code(&all), code(&all[..2]), code(&all[..1])), (1, 3, 0));
    }

    #[test]
    fn words_of_commands_are_words() {
        assert_eq!(quoted("my-project:x"), "my-project:x");
        assert_eq!(quoted("a b; rm 'x'"), r"'a b; rm '\''x'\'''");
        assert_eq!(quoted(""), "''");
    }
}
