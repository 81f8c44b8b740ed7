//! What the exporter needs to be allowed with log files: to go through their folders, and to read them.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use footprint_common::permission::{Answer, Question, quoted};

use super::config::Settings;
use super::place::Look;

/// The question of each block; `paths` are its patterns as written.
pub fn questions<'a>(blocks: Vec<Settings>, paths: impl Iterator<Item = &'a str>) -> Vec<Question> {
    let question = |(block, path): (Settings, &str)| {
        let ask = async move {
            let looked = tokio::task::spawn_blocking(move || look(&block)).await;
            looked.unwrap_or_else(|_| Answer::unknown("the look at the files broke off")).into()
        };
        Question {
            upstream: format!("files {path}"),
            permission: "read",
            needed_for: "everything about these runs",
            optional: false,
            grant: "# Check the path, and that the folder is there for the user that runs the exporter.".to_owned(),
            ask: Box::pin(ask),
        }
    };
    blocks.into_iter().zip(paths).map(question).collect()
}

fn look(block: &Settings) -> Answer {
    let mut look = Look::default();
    block.pattern.look(&mut look);
    let closed = look.files.iter().map(|found| &found.path);
    let closed = closed.filter_map(|path| File::open(path).err().map(|error| (path.clone(), error)));
    let troubles: Vec<_> = look.troubles.iter().map(|(path, error)| (path.clone(), error.kind().into())).collect();
    judge(look.files.len(), troubles.into_iter().chain(closed))
}

/// What is forbidden goes before what only failed.
fn judge(files: usize, troubles: impl Iterator<Item = (PathBuf, io::Error)>) -> Answer {
    let (denied, failed): (Vec<_>, Vec<_>) =
        troubles.partition(|(_, error)| error.kind() == ErrorKind::PermissionDenied);
    match (denied.first(), failed.first()) {
        (Some((path, _)), _) => closed(path, denied.len()),
        (None, Some((path, error))) => Answer::Doubtful(format!("{}: {}", path.display(), error.kind())),
        (None, None) if files == 0 => Answer::doubtful("no file fits yet"),
        (None, None) => Answer::Have,
    }
}

fn closed(path: &Path, all: usize) -> Answer {
    let folder = quoted(&path.parent().unwrap_or(path).to_string_lossy());
    Answer::Barred {
        why: format!("{all} may not be opened, such as {}", path.display()),
        grant: format!(
            "# As the user that runs the exporter. The second makes files readable that are yet to come.\n\
             sudo setfacl --recursive --modify \"u:$(id --user --name):rX\" {folder}\n\
             sudo setfacl --recursive --default --modify \"u:$(id --user --name):rX\" {folder}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: usize, troubles: &[(&str, ErrorKind)]) -> Answer {
        judge(files, troubles.iter().map(|(path, kind)| (PathBuf::from(path), io::Error::from(*kind))))
    }

    #[test]
    fn a_closed_file_is_lacking_and_an_absent_one_is_not_known() {
        let both = [("/l/a.log", ErrorKind::NotFound), ("/l/it's/b.log", ErrorKind::PermissionDenied)];
        let Answer::Barred { why, grant } = of(3, &both) else { panic!("{both:?}") };
        assert_eq!(why, "1 may not be opened, such as /l/it's/b.log");
        assert!(grant.lines().nth(1).unwrap().ends_with(r"'/l/it'\''s'"), "{grant}");
        assert_eq!(of(3, &both[..1]), Answer::doubtful("/l/a.log: entity not found"));
        assert_eq!((of(0, &[]), of(1, &[])), (Answer::doubtful("no file fits yet"), Answer::Have));
    }
}
