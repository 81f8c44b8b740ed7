//! One Airflow's web server: which path leads where, and which need a login.

use serde_json::json;

use crate::http::{Answer, Request};
use crate::store::{Store, View};
use crate::time::Time;
use crate::world::Api;
use crate::{auth, v1, v1_rows, v2, v2_rows};

/// Answers a request to the Airflow of `store`; `path` is what follows its base URL.
pub fn answer(store: &mut Store, request: &Request, path: &[&str], now: Time) -> Answer {
    store.advance(now);
    if request.method == "POST" && path == ["auth", "token"] && store.airflow.api == Api::V2 {
        return auth::issue(store, request, now);
    }
    let view = View { store, now };
    match (store.airflow.api, path) {
        _ if request.method != "GET" => method(store.airflow.api),
        (Api::V1, path) => airflow2(view, request, path),
        (Api::V2, path) => airflow3(view, request, path),
    }
}

fn airflow2(view: View<'_>, request: &Request, path: &[&str]) -> Answer {
    match path {
        ["health"] | ["api", "v1", "health"] => Answer::json(&v1_rows::health(view, None)),
        ["api", "v1", "version"] => v1::answer(view, request, &["version"], crate::parts::Role::Viewer),
        ["api", "v1", rest @ ..] => match auth::v1(view.store, request, view.now) {
            Ok(role) => v1::answer(view, request, rest, role),
            Err(refusal) => refusal,
        },
        _ => Answer::html(404, "Airflow 404 = lots of circles"),
    }
}

fn airflow3(view: View<'_>, request: &Request, path: &[&str]) -> Answer {
    match path {
        ["auth", "token"] if view.store.airflow.users.is_empty() => {
            Answer::json_with(201, &json!({"access_token": "open"}))
        }
        ["auth", "token"] => Answer::detail(405, "Method Not Allowed"),
        ["api", "v2", "monitor", "health"] => Answer::json(&v2_rows::health(view)),
        ["api", "v2", "version"] => v2::answer(view, request, &["version"]),
        ["api", "v2", rest @ ..] => match auth::v2(view.store, request, view.now) {
            Ok(_) => v2::answer(view, request, rest),
            Err(refusal) => refusal,
        },
        ["api", "v1", ..] => {
            gone("/api/v1 has been removed in Airflow 3, please use its upgraded version /api/v2 instead.")
        }
        ["api", ..] => gone("API route not found"),
        ["health"] => gone("Moved in Airflow 3. Please change config to check `/api/v2/monitor/health`"),
        _ => Answer::html(200, "Airflow"),
    }
}

fn gone(error: &str) -> Answer {
    Answer::json_with(404, &json!({ "error": error }))
}

fn method(api: Api) -> Answer {
    match api {
        Api::V1 => Answer::problem(405, "Method Not Allowed", None),
        Api::V2 => Answer::detail(405, "Method Not Allowed"),
    }
}
