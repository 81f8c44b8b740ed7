//! Value mappings: the text and the colour that a panel gives to a value.

use regex::Regex;
use serde_json::Value;

use crate::board::{list, text_of};

/// Text and colour of a value by the first of `mappings` that fits. An empty text or colour means that the mapping leaves it.
pub(crate) fn mapped(mappings: &Value, value: &str) -> Option<(String, String)> {
    let result = list(mappings).iter().find_map(|mapping| result(mapping, value))?;
    Some((text_of(&result["text"]).to_owned(), text_of(&result["color"]).to_owned()))
}

fn result<'a>(mapping: &'a Value, value: &str) -> Option<&'a Value> {
    let options = &mapping["options"];
    match text_of(&mapping["type"]) {
        "value" => options.get(value),
        "regex" => {
            let pattern = Regex::new(text_of(&options["pattern"])).ok()?;
            pattern.is_match(value).then_some(&options["result"])
        }
        _ => None,
    }
}

/// All texts and colours of `mappings` by value, in their order.
pub(crate) fn legend(mappings: &Value) -> Vec<(&str, &str)> {
    let options = list(mappings).iter().filter(|mapping| mapping["type"] == "value");
    let results = options.flat_map(|mapping| mapping["options"].as_object().into_iter().flat_map(|all| all.values()));
    results.map(|result| (text_of(&result["text"]), text_of(&result["color"]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_mapped_one_by_one_and_by_pattern() {
        let mappings = serde_json::json!([
            {"type": "value", "options": {"1": {"text": "up", "color": "green"}}},
            {"type": "regex", "options": {"pattern": "^http.+", "result": {"text": "Open"}}}]);
        assert_eq!(mapped(&mappings, "1"), Some(("up".to_owned(), "green".to_owned())));
        assert_eq!(mapped(&mappings, "https://x"), Some(("Open".to_owned(), String::new())));
        assert_eq!(mapped(&mappings, "2"), None);
        assert_eq!(legend(&mappings), [("up", "green")]);
    }
}
