//! A request that failed for good: whose fault, and Azure's own words.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::source::azure_error::describe;
pub(crate) use crate::source::azure_error::member;
use crate::source::{Gap, Reason};

/// Why a request has no usable answer, after all its retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    /// The HTTP status; `None`: no answer came.
    pub(crate) status: Option<u16>,
    /// Azure's error code, `AuthorizationFailed`.
    pub(crate) code: Option<String>,
    /// For a person: code and message, or what went wrong on the way.
    pub(crate) detail: String,
}

impl Failure {
    /// A failure that is not an error answer.
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, status: None, code: None, detail: detail.into() }
    }

    /// What an error answer says.
    pub(crate) fn answer(status: u16, body: &[u8]) -> Self {
        let reason = match status {
            401 | 403 => Reason::Forbidden,
            404 => Reason::Missing,
            429 => Reason::Throttled,
            _ => Reason::Unreachable,
        };
        let (code, message) = describe(body);
        let detail = match (&code, message) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => format!("{code} (HTTP {status})"),
            (None, Some(message)) => format!("HTTP {status}: {message}"),
            (None, None) => format!("HTTP {status} without a message"),
        };
        Self { reason, status: Some(status), code, detail }
    }

    /// What a 200 says that holds an error instead of a result, if it does.
    pub(crate) fn in_success(body: &[u8]) -> Option<Self> {
        /// The status of a long-running operation has an `error` of its own, which is that operation's.
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Peek<'a> {
            #[serde(borrow)]
            error: Option<&'a RawValue>,
            status: Option<IgnoredAny>,
        }
        let peek: Peek<'_> = serde_json::from_slice(body).ok()?;
        let error = peek.error.filter(|error| error.get().starts_with('{') && peek.status.is_none())?;
        let error: Value = serde_json::from_str(error.get()).ok()?;
        let code = member(&error, "code").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let status = match code.as_str() {
            "authorizationfailed" | "forbidden" | "linkedauthorizationfailed" => 403,
            "toomanyrequests" | "subscriptionrequeststhrottled" | "ratelimiting" => 429,
            _ => 500,
        };
        Some(Self { status: Some(200), ..Self::answer(status, body) })
    }

    /// Whether the provider is not registered or does not know the type: then there are no such resources.
    pub(crate) fn means_none(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        (self.status == Some(409) && code.eq_ignore_ascii_case("MissingSubscriptionRegistration"))
            || (self.status == Some(404)
                && ["InvalidResourceType", "InvalidResourceNamespace"].iter().any(|it| code.eq_ignore_ascii_case(it)))
    }

    /// Whether the provider is not registered in the subscription, in the words of any provider. An API version that
    /// nobody knows is answered in the same words.
    pub(crate) fn means_unregistered(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default().to_lowercase().replace(' ', "");
        let said = ["missingsubscriptionregistration", "noregisteredproviderfound", "notregistered"];
        matches!(self.status, Some(400 | 404 | 409)) && said.iter().any(|it| code.contains(it))
    }

    /// The gap that it leaves.
    pub(crate) fn gap(&self, scope: impl Into<String>, what: impl Into<String>) -> Gap {
        Gap { scope: scope.into(), what: what.into(), reason: self.reason, detail: self.detail.clone() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_error_body_gives_its_code_and_message() {
        for (body, detail) in [
            (r#"{"error":{"code":"AuthorizationFailed","message":"no\nrole"}}"#, "AuthorizationFailed: no role"),
            (r#"{"code":"NotFound","message":"gone"}"#, "NotFound: gone"),
            (r#"{"Error":{"Code":"X","Message":"y"}}"#, "X: y"),
            (r#"{"Code":"X","Message":"a \"quoted\" word"}"#, "X: a \"quoted\" word"),
            (r#"{"error":{"message":"only words"}}"#, "HTTP 403: only words"),
            (r#"{"error":{"code":"BadRequest","details":[{"code":"P","message":"inner"}]}}"#, "BadRequest: inner"),
            (r#"{"code":"A","message":"m","details":[{"code":"B","message":"n"}]}"#, "A: m (B: n)"),
            (r#"{"code":"A","message":"m","details":[{"code":"A","message":"m"}]}"#, "A: m"),
            (r#"{"ErrorCode":"E","Message":"m","Values":{}}"#, "E: m"),
            (r#"{"odata.error":{"code":"O","message":{"lang":"en","value":"v"}}}"#, "O: v"),
            (r#"{"error":"invalid_client","error_description":"AADSTS7000215"}"#, "invalid_client: AADSTS7000215"),
            ("<html><TITLE>502 Bad\r\nGateway</TITLE>", "HTTP 403: a web page, 502 Bad Gateway"),
            ("<html>", "HTTP 403: a web page"),
            ("", "HTTP 403 without a message"),
            ("null", "HTTP 403 without a message"),
            ("The service is unavailable.", "HTTP 403: The service is unavailable."),
        ] {
            assert_eq!(Failure::answer(403, body.as_bytes()).detail, detail, "{body}");
        }
    }

    #[test]
    fn a_success_that_holds_an_error_is_a_failure() {
        let body = br#"{"error":{"code":"AuthorizationFailed","message":"m"}}"#;
        assert_eq!(Failure::in_success(body).map(|it| it.reason), Some(Reason::Forbidden));
        assert_eq!(Failure::in_success(br#"{"value":[]}"#), None);
    }

    #[test]
    fn an_unregistered_provider_means_no_such_resources() {
        let body = br#"{"error":{"code":"MissingSubscriptionRegistration","message":"m"}}"#;
        assert!(Failure::answer(409, body).means_none());
        assert!(!Failure::answer(403, body).means_none());
    }
}
