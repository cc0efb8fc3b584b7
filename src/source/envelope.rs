//! What stands around the items of a saved answer: a next page, a count, an error in place of data.

use serde_json::Value;

use super::Reason;
use super::azure_error::{describe, member};

/// Names under which APIs and tools say where a list goes on, in lower case.
const NEXT: [&str; 7] =
    ["nextlink", "@odata.nextlink", "odata.nextlink", "$skiptoken", "skip_token", "skiptoken", "@nextlink"];

/// Why a list of `count` items is only a part of what was asked for; `None`: nothing says so.
///
/// `frame` is the document without its list.
pub(super) fn goes_on(frame: &Value, count: u64) -> Option<String> {
    let members = frame.as_object()?;
    let next = members.iter().find(|(key, value)| {
        NEXT.iter().any(|next| key.eq_ignore_ascii_case(next)) && !value.is_null() && value.as_str() != Some("")
    });
    if let Some((key, _)) = next {
        return Some(format!("the list goes on: its `{key}` names a next page that this document does not hold"));
    }
    let truncated = member(frame, "resultTruncated");
    if truncated
        .is_some_and(|it| it == &Value::Bool(true) || it.as_str().is_some_and(|it| it.eq_ignore_ascii_case("true")))
    {
        return Some("the list goes on: Resource Graph says `resultTruncated`".to_owned());
    }
    let total = member(frame, "totalRecords").or_else(|| member(frame, "total_records")).and_then(Value::as_u64)?;
    (total > count).then(|| format!("the list goes on: it holds {count} of {total} records"))
}

/// What an error that was saved in place of data means; `None`: that there are no such resources.
pub(super) fn saved_error(body: &[u8]) -> Option<(Reason, String)> {
    let (code, message) = describe(body);
    let code = code.unwrap_or_default();
    let lower = code.to_lowercase();
    if lower == "missingsubscriptionregistration" {
        return None;
    }
    let about = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let reason = if about(&["authoriz", "authentic", "forbidden", "denied", "invalid_grant", "invalid_client"]) {
        Reason::Forbidden
    } else if about(&["throttl", "toomany", "retryable", "ratelimit"]) {
        Reason::Throttled
    } else if about(&["internalservererror", "timeout", "unavailable", "badgateway"]) {
        Reason::Unreachable
    } else {
        Reason::Missing
    };
    let words: Vec<String> = [Some(code), message].into_iter().flatten().filter(|it| !it.is_empty()).collect();
    Some((reason, format!("it holds an error of Azure instead of data: {}", words.join(": "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_that_goes_on_is_told_in_every_spelling() {
        for frame in [
            json!({"nextLink": "https://x", "value": []}),
            json!({"NextLink": "https://x"}),
            json!({"@odata.nextLink": "https://x"}),
            json!({"nextLink": 5}),
            json!({"$skipToken": "x"}),
            json!({"skip_token": "x"}),
            json!({"resultTruncated": "true"}),
            json!({"total_records": 99, "count": 3}),
            json!({"totalRecords": 4}),
        ] {
            assert!(goes_on(&frame, 3).is_some(), "{frame}");
        }
        for frame in [
            json!({"nextLink": null, "value": []}),
            json!({"nextLink": ""}),
            json!({"resultTruncated": "false", "totalRecords": 3, "count": 3}),
            json!({}),
        ] {
            assert_eq!(goes_on(&frame, 3), None, "{frame}");
        }
    }

    #[test]
    fn saved_errors_say_why_there_is_no_data() {
        let reason = |body: &str| saved_error(body.as_bytes()).map(|(reason, _)| reason);
        assert_eq!(reason(r#"{"Error":{"Code":"AuthorizationFailed","Message":"m"}}"#), Some(Reason::Forbidden));
        assert_eq!(reason(r#"{"error":"invalid_grant","error_description":"AADSTS1"}"#), Some(Reason::Forbidden));
        assert_eq!(reason(r#"{"code":"RetryableError","message":"m"}"#), Some(Reason::Throttled));
        assert_eq!(reason(r#"{"error":{"code":"ResourceNotFound","message":"m"}}"#), Some(Reason::Missing));
        assert_eq!(reason(r#"{"error":{"code":"MissingSubscriptionRegistration","message":"m"}}"#), None);
        let (_, detail) = saved_error(br#"{"error":{"message":"only words"}}"#).unwrap();
        assert_eq!(detail, "it holds an error of Azure instead of data: only words");
    }
}
