//! Error bodies, in every form in which Azure writes them.

use serde_json::Value;

/// The member of that name, in any letter case.
pub(crate) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    crate::json::member(value.as_object()?, name)
}

/// Code and message of an error body in any of the forms that Azure writes: `{"error": {code, message, details}}`,
/// bare, PascalCase, OData, an OAuth error, a page of HTML, nothing.
pub(crate) fn describe(body: &[u8]) -> (Option<String>, Option<String>) {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return (None, plain_text(body)) };
    let wrapper = ["error", "odata.error", "errorResponse"].into_iter().find_map(|name| member(&value, name));
    let error = wrapper.unwrap_or(&value);
    if error.is_string() {
        let message = member(&value, "error_description").or_else(|| member(&value, "message"));
        return (text(Some(error)), text(message));
    }
    let said = |error: &Value| {
        let code = member(error, "code").or_else(|| member(error, "errorCode"));
        (text(code), text(member(error, "message")))
    };
    let (code, message) = said(error);
    let details = member(error, "details").and_then(Value::as_array).and_then(|details| details.first());
    // Resource Graph's own message is a request id; what is wrong stands in the first detail.
    let (inner_code, inner) = details.map(said).unwrap_or_default();
    let message = match (message, inner) {
        (Some(message), Some(inner)) if inner != message => Some(match &inner_code {
            Some(code) => format!("{message} ({code}: {inner})"),
            None => format!("{message} ({inner})"),
        }),
        (message, inner) => message.or(inner),
    };
    (code.or(inner_code), message)
}

fn text(value: Option<&Value>) -> Option<String> {
    let value = value?;
    // OData wraps the message once more: `{"lang": "en-US", "value": "…"}`.
    let text = value.as_str().or_else(|| member(value, "value").and_then(Value::as_str))?;
    let text = shorten(text);
    (!text.is_empty()).then_some(text)
}

/// The title of a page of HTML, or the start of other text.
fn plain_text(body: &[u8]) -> Option<String> {
    let body = String::from_utf8_lossy(body);
    let lower = body.to_ascii_lowercase();
    let title = lower.find("<title>").map(|at| at + "<title>".len());
    let title = title.and_then(|start| Some(&body[start..start + lower[start..].find("</title>")?]));
    let text = match title {
        Some(title) => format!("a web page, {}", shorten(title)),
        None if lower.trim_start().starts_with('<') => "a web page".to_owned(),
        None => shorten(&body),
    };
    (!text.is_empty()).then_some(text)
}

/// One line of at most 400 characters.
fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(400) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}
