//! The HTTP client under azure_identity, which is built without one of its own.

use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind, ResultExt};
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request};

/// A reqwest client for token requests: no redirects, short waits.
#[derive(Debug)]
pub(crate) struct Plain {
    /// `Err`: it could not be set up (no usable TLS).
    client: Result<reqwest::Client, String>,
}

impl Plain {
    /// `direct`: without the system's proxy.
    pub(crate) fn new(direct: bool) -> Self {
        let builder = builder(direct).timeout(Duration::from_secs(30));
        Self { client: builder.build().map_err(|error| error.to_string()) }
    }
}

/// What every client of ours has in common. A redirect is an answer, never followed: it would take a token along.
pub(crate) fn builder(direct: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("azaudit/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(20));
    if direct { builder.no_proxy() } else { builder }
}

#[async_trait]
impl HttpClient for Plain {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let client = self.client.as_ref().map_err(|why| Error::with_message(ErrorKind::Other, why.clone()))?;
        let method = match request.method() {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            other => return Err(Error::with_message(ErrorKind::Other, format!("no token is asked for by {other:?}"))),
        };
        let mut builder = client.request(method, request.url().clone());
        for (name, value) in request.headers().iter() {
            builder = builder.header(name.as_str(), value.as_str());
        }
        let Body::Bytes(body) = request.body() else {
            return Err(Error::with_message(ErrorKind::Other, "a token request does not stream its body"));
        };
        let sent = builder.body(body.clone()).send().await.map_err(reqwest::Error::without_url);
        let response = sent.with_context(ErrorKind::Io, "no answer")?;
        let status = response.status().as_u16();
        let mut headers = Headers::new();
        for (name, value) in response.headers() {
            if let Ok(value) = value.to_str() {
                headers.insert(HeaderName::from(name.as_str().to_owned()), HeaderValue::from(value.to_owned()));
            }
        }
        let body = response.bytes().await.map_err(reqwest::Error::without_url);
        let body = body.with_context(ErrorKind::Io, "the answer broke off")?;
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, body))
    }
}
