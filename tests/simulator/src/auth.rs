//! Who may ask: basic auth and bearer tokens as each Airflow checks them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;

use crate::http::{Answer, Request};
use crate::parts::{Role, Token};
use crate::steps::chance;
use crate::store::Store;
use crate::time::{Span, Time};
use crate::world::Airflow;

const LIFETIME: Span = Span::secs(86_400);

/// The role of the caller, or the refusal of Airflow 2: 401 before 2.11, 403 since.
pub fn v1(store: &Store, request: &Request, now: Time) -> Result<Role, Answer> {
    let airflow = &store.airflow;
    let basic = || {
        let text = request.header("authorization")?.strip_prefix("Basic ")?;
        let pair = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let (name, password) = pair.split_once(':')?;
        airflow.users.iter().find(|u| u.name == name && u.password == password).map(|u| u.role)
    };
    let bearer = || airflow.tokens.iter().find(|t| valid(t, request, now)).map(|t| t.role);
    open(airflow).or_else(basic).or_else(bearer).ok_or_else(|| {
        if airflow.version.as_deref().is_some_and(|version| version.starts_with("2.10")) {
            return Answer::problem(401, "Unauthorized", None).with("www-authenticate", "Basic");
        }
        Answer::problem(403, "Forbidden", None)
    })
}

/// The role of the caller, or the refusal of Airflow 3, which tells no, old and bad tokens apart.
pub fn v2(store: &Store, request: &Request, now: Time) -> Result<Role, Answer> {
    let all = || store.airflow.tokens.iter().chain(&store.issued);
    if let Some(role) = open(&store.airflow) {
        return Ok(role);
    }
    let Some(bearer) = request.bearer() else {
        return Err(Answer::detail(401, "Not authenticated").with("www-authenticate", "Bearer"));
    };
    match all().find(|token| token.token == bearer) {
        Some(token) if valid(token, request, now) => Ok(token.role),
        Some(_) => Err(Answer::detail(401, "Token Expired")),
        None => Err(Answer::detail(403, "Invalid JWT token")),
    }
}

/// `/auth/token`: a user's name and password for a token.
pub fn issue(store: &mut Store, request: &Request, now: Time) -> Answer {
    let user = credentials(request);
    let known = |(name, password): &(String, String)| {
        store
            .airflow
            .users
            .iter()
            .find(|u| u.name == *name && u.password == *password)
            .map(|u| (u.name.clone(), u.role))
    };
    let (name, role) = match (user.as_ref().and_then(known), open(&store.airflow)) {
        (Some(found), _) => found,
        (None, Some(role)) => ("anonymous".into(), role),
        (None, None) if user.is_none() => {
            return Answer::json_with(422, &json!({"detail": [{"type": "missing", "loc": ["body"]}]}));
        }
        (None, None) => return Answer::detail(401, "Invalid credentials"),
    };
    let expires_at = now.plus(store.airflow.token_lifetime.unwrap_or(LIFETIME));
    let token = jwt(&name, now, expires_at, store.issued.len());
    store.issued.push(Token { token: token.clone(), role, expires_at: Some(expires_at) });
    Answer::json_with(201, &json!({ "access_token": token }))
}

fn credentials(request: &Request) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Login {
        username: String,
        password: String,
    }
    if let Ok(login) = serde_json::from_slice::<Login>(&request.body) {
        return Some((login.username, login.password));
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    let field = |wanted: &str| form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    Some((field("username")?, field("password")?))
}

fn jwt(name: &str, now: Time, expires_at: Time, serial: usize) -> String {
    let (issued, expires) = (now.0 / 1_000_000, expires_at.0 / 1_000_000);
    let header = json!({"alg": "HS512", "typ": "JWT"}).to_string();
    let claims =
        json!({"sub": name, "iat": issued, "nbf": issued, "exp": expires, "aud": "apache-airflow"}).to_string();
    let sign = chance(serial as u64, name, now.0).to_be_bytes();
    [header.as_bytes(), claims.as_bytes(), &sign].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

fn valid(token: &Token, request: &Request, now: Time) -> bool {
    request.bearer() == Some(&token.token) && token.expires_at.is_none_or(|at| now < at)
}

/// Without users and tokens everybody may do everything.
fn open(airflow: &Airflow) -> Option<Role> {
    (airflow.users.is_empty() && airflow.tokens.is_empty()).then_some(Role::Admin)
}
