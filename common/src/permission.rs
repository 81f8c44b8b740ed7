//! What an exporter may do at its upstreams, and what grants the rest: `--check-permissions`.
//!
//! Nothing is assumed from roles. Each permission is found out by the cheapest question that needs it, a read
//! in every case, so that what is told holds for the credentials that the exporter would use now.

pub mod airflow;
pub mod bigquery;
pub mod google;
pub(crate) mod lease;
mod member;
mod report;

use std::collections::VecDeque;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::error::{PollError, Reason};
use crate::gcp::auth::TokenSource;
pub use member::member;
pub use report::{EMAIL, MEMBER, quoted};

/// Questions that are open at a time.
const AT_ONCE: usize = 8;
/// A question without an answer for so long has none.
const PATIENCE: Duration = Duration::from_secs(45);
/// Time between two words on how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// What is asked, and in the end answered.
pub struct Question {
    /// Where, in the words of the configuration, such as `project my-project`.
    pub upstream: String,
    /// The permission, as the upstream names it.
    pub permission: &'static str,
    /// What is lost without it.
    pub needed_for: &'static str,
    /// Whether the exporter is whole without it, so that lacking it is no failure.
    pub optional: bool,
    /// Commands that grant it. [`MEMBER`] and [`EMAIL`] stand for our own identity.
    pub grant: String,
    /// Asks.
    pub ask: Ask,
}

/// Asks once; does nothing before it is polled.
pub type Ask = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What came of a question.
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// Questions that only this answer makes possible, such as those to projects that were found.
    pub then: Vec<Question>,
}

/// Whether there is a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// There is.
    Have,
    /// There is not.
    Lack,
    /// Something in front of the permission is missing, and granted by another command.
    Barred {
        /// What.
        why: String,
        /// That command.
        grant: String,
    },
    /// The answer fits both: it is missing, or there is nothing that would need it. And why.
    Doubtful(String),
    /// It could not be asked, and why.
    Unknown(String),
}

/// All that an exporter has to ask.
#[derive(Default)]
pub struct Questions {
    /// In any order.
    pub list: Vec<Question>,
    /// Who we are at Google, where that is asked.
    pub tokens: Option<TokenSource>,
}

/// A question that was answered.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Asked {
    pub upstream: String,
    pub permission: &'static str,
    pub needed_for: &'static str,
    pub optional: bool,
    pub grant: String,
    pub answer: Answer,
}

/// Asks everything, prints what came of it, and says it in the exit code: 0 nothing is missing, 1 something is,
/// 3 nothing is known to be missing but something could not be found out.
pub(crate) async fn check(questions: Questions) -> ExitCode {
    let asked = ask_all(questions.list, |done, all| eprintln!("{done} of {all} questions are answered ...")).await;
    let own = match &questions.tokens {
        Some(tokens) => member(tokens).await,
        None => None,
    };
    print!("{}", report::text(&asked, own.as_deref()));
    ExitCode::from(report::code(&asked))
}

/// Asks everything, a few questions at a time, and what the answers make possible. Sorted by upstream and
/// permission. `progress` hears now and then how many of how many are answered.
pub async fn ask_all(questions: Vec<Question>, progress: impl Fn(usize, usize)) -> Vec<Asked> {
    let (mut waiting, mut open, mut asked) = (VecDeque::from(questions), FuturesUnordered::new(), Vec::new());
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + PROGRESS, PROGRESS);
    loop {
        let room = AT_ONCE - open.len();
        open.extend(waiting.drain(..room.min(waiting.len())).map(Question::ask));
        tokio::select! {
            answered = open.next() => match answered {
                None => break,
                Some((one, then)) => {
                    asked.push(one);
                    waiting.extend(then);
                }
            },
            _ = ticks.tick() => progress(asked.len(), asked.len() + open.len() + waiting.len()),
        }
    }
    asked.sort_by(|a: &Asked, b| (&a.upstream, a.permission).cmp(&(&b.upstream, b.permission)));
    asked
}

impl Question {
    async fn ask(self) -> (Asked, Vec<Question>) {
        let late = || Answer::Unknown(format!("no answer within {} s", PATIENCE.as_secs())).into();
        let Reply { answer, then } = tokio::time::timeout(PATIENCE, self.ask).await.unwrap_or_else(|_| late());
        let Self { upstream, permission, needed_for, optional, grant, .. } = self;
        (Asked { upstream, permission, needed_for, optional, grant, answer }, then)
    }
}

impl Answer {
    /// [`Answer::Doubtful`].
    pub fn doubtful(why: impl Into<String>) -> Self {
        Self::Doubtful(why.into())
    }

    /// [`Answer::Unknown`].
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// What is known of one permission when another, on which its question rests, is answered so: that the other is
    /// lacking says nothing of it.
    #[must_use]
    pub fn instead_of(self, why: &str) -> Self {
        if self == Self::Lack { Self::unknown(why) } else { self }
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { answer, then: Vec::new() }
    }
}

impl<T> From<Result<T, PollError>> for Answer {
    /// What an answer or its failure says of the permission.
    fn from(result: Result<T, PollError>) -> Self {
        match result {
            Ok(_) => Self::Have,
            Err(PollError { reason: Reason::Permission, .. }) => Self::Lack,
            Err(PollError { reason: Reason::Auth, message, .. }) => {
                Self::Unknown(format!("the credentials are refused: {message}"))
            }
            Err(PollError { reason: Reason::Rejected, message, .. }) => {
                Self::Doubtful(format!("{message}: a typo in the configuration, or a right that hides it is missing"))
            }
            Err(error) => Self::Unknown(error.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(upstream: &str, ask: impl Future<Output = Reply> + Send + 'static) -> Question {
        let grant = format!("grant {upstream}");
        Question {
            upstream: upstream.to_owned(),
            permission: "bake",
            needed_for: "bread",
            optional: false,
            grant,
            ask: Box::pin(ask),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_lead_to_questions_and_silence_is_an_answer() {
        let found = async { Reply { answer: Answer::Have, then: vec![question("b", async { Answer::Lack.into() })] } };
        let mut questions = vec![question("c", std::future::pending()), question("a", found)];
        questions.extend((0..20).map(|at| question(&format!("d{at:02}"), async { Answer::Have.into() })));
        let asked = ask_all(questions, |_, _| ()).await;
        let answers: Vec<_> = asked.iter().take(3).map(|one| (one.upstream.as_str(), &one.answer)).collect();
        let late = Answer::unknown("no answer within 45 s");
        assert_eq!(answers, [("a", &Answer::Have), ("b", &Answer::Lack), ("c", &late)]);
        assert_eq!(asked.len(), 23);
        assert_eq!(report::code(&asked), 1);
        assert_eq!(report::code(&asked[2..]), 3);
        assert_eq!(report::code(&asked[3..]), 0);
    }

    #[test]
    fn failures_say_what_they_say_of_the_permission() {
        let of = |reason, message: &str| Answer::from(Err::<(), _>(PollError::new(reason, message)));
        assert_eq!(of(Reason::Permission, "x"), Answer::Lack);
        assert_eq!(of(Reason::Auth, "HTTP 401"), Answer::unknown("the credentials are refused: HTTP 401"));
        assert!(matches!(of(Reason::Rejected, "HTTP 404"), Answer::Doubtful(why) if why.contains("typo")));
        assert_eq!(of(Reason::Timeout, "slow"), Answer::unknown("slow"));
    }
}
