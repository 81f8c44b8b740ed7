//! The standard parameter `fields`, read apart from the simulator's own reading of it.

/// What is wrong with a mask such as `jobs(id,status/state),nextPageToken`. `has` says whether a
/// field is there, `None` where nothing is known.
pub fn problem(mask: &str, has: impl Fn(&[String]) -> Option<bool>) -> Option<String> {
    let paths = match paths(mask) {
        Ok(paths) => paths,
        Err(problem) => return Some(problem),
    };
    let missing: Vec<String> = paths.iter().filter(|path| has(path) != Some(true)).map(|path| path.join("/")).collect();
    (!missing.is_empty()).then(|| format!("no such field: {}", missing.join(", ")))
}

/// All full paths of a mask.
///
/// # Errors
/// What is wrong with it.
pub fn paths(mask: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut all, mut above, mut path, mut name) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    // What stands before the next sign of its own ends a path unless a bracket follows.
    for sign in mask.chars().chain([',']) {
        match sign {
            '/' | '(' => {
                path.push(std::mem::take(&mut name));
                if sign == '(' {
                    above.push(path.clone());
                }
            }
            ',' | ')' => {
                if !name.is_empty() {
                    path.push(std::mem::take(&mut name));
                    all.push(path.clone());
                }
                if sign == ')' {
                    above.pop().ok_or("a bracket too many")?;
                }
                path = above.last().cloned().unwrap_or_default();
            }
            letter => name.push(letter),
        }
    }
    let whole = above.is_empty() && all.iter().flatten().all(|name| !name.is_empty()) && !all.is_empty();
    if whole { Ok(all) } else { Err(format!("`{mask}` is no mask")) }
}

#[test]
fn masks_are_read() {
    let mask = "jobs(id,statistics(query/timeline(a,b),c),d/e),next";
    let read: Vec<String> = paths(mask).expect("a mask").iter().map(|path| path.join("/")).collect();
    let expected =
        "jobs/id jobs/statistics/query/timeline/a jobs/statistics/query/timeline/b jobs/statistics/c jobs/d/e next";
    assert_eq!(read.join(" "), expected);
    for bad in ["", "a(b", "a)", "a//b", "(a)"] {
        assert!(paths(bad).is_err(), "{bad}");
    }
}
