//! The program before a Prometheus that answers what a test wants: pages, what is printed, exit codes.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Answers of a Prometheus by query: `empty` has no series, `broken` is refused, all others have one.
fn prometheus() -> String {
    serve(|path, asked| match asked["query"].as_str() {
        "empty" => (200, json!({"status": "success", "data": {"resultType": "vector", "result": []}}).to_string()),
        "broken" => (400, json!({"status": "error", "errorType": "bad_data", "error": "parse <error>"}).to_string()),
        query => (200, found(path, query, asked).to_string()),
    })
}

fn found(path: &str, query: &str, asked: &HashMap<String, String>) -> Value {
    let labels = json!({"who": format!("<{query}>"), "step": asked.get("step")});
    if path == "/api/v1/query" {
        return json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": labels, "value": [1, "7"]}]}});
    }
    let [start, end, step] = ["start", "end", "step"].map(|key| asked[key].parse::<f64>().unwrap());
    let points: Vec<_> =
        (0..=((end - start) / step) as u32).map(|n| json!([start + step * f64::from(n), "3"])).collect();
    json!({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": labels, "values": points}]}})
}

/// An HTTP server on a free port; its address.
fn serve(answer: fn(&str, &HashMap<String, String>) -> (u16, String)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || one(stream, answer));
        }
    });
    address
}

fn one(stream: TcpStream, answer: fn(&str, &HashMap<String, String>) -> (u16, String)) {
    let mut reader = BufReader::new(&stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let value = line.to_lowercase().strip_prefix("content-length:").map(|value| value.trim().parse().unwrap());
        length = value.unwrap_or(length);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let asked = form_urlencoded::parse(&body).into_owned().collect();
    let (status, text) = answer(first.split(' ').nth(1).unwrap(), &asked);
    write!(&stream, "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len())
        .unwrap();
}

/// A folder with one dashboard, `jobs`, whose panels ask `queries`.
fn dashboard(queries: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let panel = |(y, query): (usize, &&str)| {
        let kind = if y % 2 == 0 { "stat" } else { "timeseries" };
        json!({"type": kind, "title": format!("Panel {y}"), "gridPos": {"x": 0, "y": y * 4, "w": 12, "h": 4},
               "targets": [{"refId": "A", "expr": query, "instant": y % 2 == 0, "legendFormat": "{{who}} {{step}}",
                            "interval": if query.contains("increase") { "$__rate_interval" } else { "" }}]})
    };
    let panels: Vec<Value> = queries.iter().enumerate().map(panel).collect();
    let variables = json!([{"name": "job", "allValue": ".+"}]);
    let board = json!({"uid": "footprint-jobs", "title": "Jobs", "panels": panels, "templating": {"list": variables}});
    std::fs::write(folder.path().join("jobs.json"), board.to_string()).unwrap();
    folder
}

fn preview(folder: &Path, url: &str, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footprint-preview"));
    command.arg("--folder").arg(folder).arg("--out").arg(folder.join("out")).args(["--prometheus.url", url]);
    command.args(flags).output().unwrap()
}

fn said(output: &Output) -> (i32, String, String) {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    (output.status.code().unwrap(), out, err)
}

#[test]
fn pages_show_what_prometheus_answers() {
    let folder = dashboard(&["up{job=~\"$job\"}", "rate(x[$__rate_interval])", "empty", "broken"]);
    let (code, out, err) = said(&preview(folder.path(), &prometheus(), &["--variable", "job=mine"]));
    assert_eq!((code, err.as_str()), (0, "jobs: 4 queries\n"), "{out}");
    assert!(out.contains("no data: footprint-jobs / Panel 2 / A\n"), "{out}");
    assert!(out.contains("failed:  footprint-jobs / Panel 3 / A: parse <error>\n"), "{out}");
    assert!(out.contains("2 of 4 queries have data"), "{out}");
    let page = std::fs::read_to_string(folder.path().join("out/jobs.html")).unwrap();
    assert!(page.contains(">7</b>") && page.contains("&lt;rate(x[60s])&gt;") && page.contains("<polyline"), "{page}");
    assert!(page.contains("No data") && page.contains("parse &lt;error&gt;"), "{page}");
    assert!(std::fs::read_to_string(folder.path().join("out/index.html")).unwrap().contains("jobs.html"));
}

#[test]
fn windows_of_increases_are_as_long_as_steps() {
    let folder = dashboard(&["up", "increase(x[$__rate_interval])", "up", "rate(x[$__rate_interval])"]);
    for (range, increase, rate) in
        [("10m", "[60s])&gt; 60<", "[60s])&gt; 15<"), ("3h", "[75s])&gt; 75<", "[75s])&gt; 60<")]
    {
        let (code, _, err) = said(&preview(folder.path(), &prometheus(), &["--range", range]));
        assert_eq!(code, 0, "{err}");
        let page = std::fs::read_to_string(folder.path().join("out/jobs.html")).unwrap();
        assert!(page.contains(&format!("increase(x{increase}")) && page.contains(&format!("rate(x{rate}")), "{page}");
    }
}

#[test]
fn a_panel_without_data_fails_where_data_is_required() {
    let folder = dashboard(&["up", "empty"]);
    let list = folder.path().join("may-be-empty.txt");
    std::fs::write(&list, "footprint-jobs / Panel 1 / A: nothing happens\n").unwrap();
    let url = prometheus();
    let (code, _, err) = said(&preview(folder.path(), &url, &["--require-data"]));
    assert!(code == 1 && err.contains("footprint-jobs / Panel 1 / A: no data: empty"), "{code} {err}");
    let listed = ["--require-data", "--allow-empty", list.to_str().unwrap()];
    assert_eq!(said(&preview(folder.path(), &url, &listed)).0, 0);
    std::fs::write(&list, "footprint-jobs / Panel 9 / A: gone\n").unwrap();
    let (code, _, err) = said(&preview(folder.path(), &url, &listed));
    assert!(code == 1 && err.contains("Panel 9 / A: there is no such query"), "{code} {err}");
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let folder = dashboard(&["up"]);
    let fails = |url: &str, flags: &[&str], text: &str| {
        let (code, _, err) = said(&preview(folder.path(), url, flags));
        assert!(code == 2 && err.contains(text), "{code} {err}");
    };
    let url = prometheus();
    fails(&url, &["--dashboard", "cost"], "there is no dashboard `cost`; there are jobs");
    fails(&url, &["--variable", "jobs=x"], "none of these dashboards has a variable `jobs`");
    fails("http://127.0.0.1:1", &[], "no Prometheus answers at http://127.0.0.1:1/: Connection refused");
    let other = serve(|_, _| (404, "<html>not here</html>".to_owned()));
    fails(&other, &[], "HTTP 404 Not Found, and no answer of a Prometheus; name it with --prometheus.url");
    let json = serve(|_, _| (200, "{\"hello\": 1}".to_owned()));
    fails(&json, &[], "the answer is not Prometheus'");
    std::fs::write(folder.path().join("other.json"), "{}").unwrap();
    fails(&url, &[], "other.json: no dashboard: it has no panels");
}

#[test]
fn a_missing_browser_is_said() {
    let folder = dashboard(&["up"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_footprint-preview"));
    command.arg("--folder").arg(folder.path()).arg("--out").arg(folder.path().join("out"));
    let output =
        command.args(["--png", "--prometheus.url", &prometheus()]).env("PATH", folder.path()).output().unwrap();
    let (code, _, err) = said(&output);
    assert!(code == 1 && err.contains("no browser for --png: install Chromium"), "{code} {err}");
    assert!(folder.path().join("out/jobs.html").exists());
}
