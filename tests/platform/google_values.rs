//! Single values by the rules of discovery documents: types, formats and closed lists.

use serde_json::Value;

/// What is wrong with a value of type string, integer, number or boolean in JSON.
pub fn format_problem(schema: &Value, value: &Value) -> Option<String> {
    let kind = schema["type"].as_str().unwrap_or_default();
    let of_type = match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => value.is_boolean(),
    };
    if !of_type {
        return Some(format!("{value} is no {kind}"));
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text_problem(schema, &text)
}

/// What is wrong with a value in a query, where everything is text.
pub fn parameter_problem(schema: &Value, text: &str) -> Option<String> {
    match schema["type"].as_str() {
        // Google's Python client writes True.
        Some("boolean") => text.to_lowercase().parse::<bool>().err().map(|_| format!("`{text}` is no boolean")),
        _ => text_problem(schema, text),
    }
}

fn text_problem(schema: &Value, text: &str) -> Option<String> {
    if let Some(allowed) = schema["enum"].as_array() {
        let known = allowed.iter().any(|allowed| allowed == text);
        return (!known).then(|| format!("`{text}` is not one of the values"));
    }
    let format = schema["format"].as_str()?;
    let good = match format {
        "int32" => text.parse::<i32>().is_ok(),
        "uint32" => text.parse::<u32>().is_ok(),
        "int64" => text.parse::<i64>().is_ok(),
        "uint64" => text.parse::<u64>().is_ok(),
        "float" | "double" => text.parse::<f64>().is_ok(),
        "google-datetime" | "date-time" => text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
        "google-duration" => text.strip_suffix('s').is_some_and(|seconds| seconds.parse::<f64>().is_ok()),
        "byte" => {
            text.len().is_multiple_of(4) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b))
        }
        "google-fieldmask" => true,
        other => return Some(format!("this test does not know the format {other}")),
    };
    (!good).then(|| format!("`{text}` is no {format}"))
}
