//! Takes what Alertmanager tells its receivers (webhook version 4) and prints one line for each alert, for `./demo`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::Request;

#[derive(Deserialize)]
struct Message {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    status: String,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Default, Deserialize)]
struct Annotations {
    #[serde(default)]
    summary: String,
}

/// Prints `told RECEIVER: STATUS SUMMARY` per alert; the receiver is the last part of the path.
pub fn take(request: &Request) -> Result<Value, String> {
    let receiver = request.segments.last().map_or("", String::as_str);
    let lines = lines(receiver, &request.body)?;
    lines.iter().for_each(|line| println!("{line}"));
    Ok(json!({ "told": lines.len() }))
}

fn lines(receiver: &str, body: &[u8]) -> Result<Vec<String>, String> {
    let message: Message = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let line = |alert: &Alert| format!("told {receiver}: {} {}", alert.status, alert.annotations.summary);
    Ok(message.alerts.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_line_for_each_alert() {
        let body = br#"{"version": "4", "alerts": [{"status": "firing", "annotations": {"summary": "late"}}, {"status": "resolved"}]}"#;
        assert_eq!(super::lines("pager", body).unwrap(), ["told pager: firing late", "told pager: resolved "]);
        assert!(super::lines("pager", b"{").is_err());
    }
}
