//! Who may ask: the token, the `Host` and `Origin` headers, and the headers of every answer.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::Failure;

/// What the page may load: its own files, and pictures that it made itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: \
     blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const COOKIE: &str = "rekindle";
/// Bytes of the token.
const TOKEN: usize = 32;

/// What a request must have.
pub(super) struct Guard {
    /// The address of the listener.
    address: SocketAddr,
    /// The name that the user gave, beside addresses and `localhost`.
    name: Option<String>,
    /// In the page's address and later in a cookie, where other machines can reach the server.
    token: Option<String>,
}

impl Guard {
    pub fn new(name: Option<String>, address: SocketAddr) -> Self {
        let token = (!address.ip().is_loopback()).then(|| {
            rand::random::<[u8; TOKEN]>().iter().fold(String::new(), |mut token, byte| {
                write!(token, "{byte:02x}").expect("a text can always grow");
                token
            })
        });
        Self { address, name, token }
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The address of the page.
    pub fn address(&self) -> String {
        let ip = self.address.ip();
        let host = match (&self.name, ip) {
            // Every address of this machine: this one works here.
            (_, ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            (Some(name), _) if name.parse::<IpAddr>().is_err() => name.clone(),
            (_, IpAddr::V6(ip)) => format!("[{ip}]"),
            (_, IpAddr::V4(ip)) => ip.to_string(),
        };
        let token = self.token.as_ref().map_or(String::new(), |token| format!("?token={token}"));
        format!("http://{host}:{}/{token}", self.address.port())
    }

    /// Whether the `Host` header names this server itself. A page elsewhere whose name was made to lead here has a name
    /// in it: only addresses, `localhost` and the name that the user gave are answered.
    fn knows(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let given = self.name.as_deref().is_some_and(|given| given.eq_ignore_ascii_case(name));
        given || name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
    }

    /// Refuses requests with a foreign host, from a page elsewhere, or without the token.
    fn refusal(&self, request: &Request) -> Option<Failure> {
        let forbidden = |sentence: &str| Some(Failure(StatusCode::FORBIDDEN, sentence.to_owned()));
        let headers = request.headers();
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        if headers.get_all(header::HOST).iter().count() != 1 || !self.knows(host) {
            return forbidden("the request names another host: open the address that `rekindle view` printed");
        }
        if let Some(origin) = headers.get(header::ORIGIN)
            && origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://")) != Some(host)
        {
            return forbidden("the request comes from another page");
        }
        let site = text(HeaderName::from_static("sec-fetch-site")).unwrap_or("none");
        if request.uri().path().starts_with("/api/") && !["none", "same-origin"].contains(&site) {
            return forbidden("the request comes from another page");
        }
        match &self.token {
            Some(token) if !cookie(headers).is_some_and(|given| same(given, token)) => Some(Failure(
                StatusCode::UNAUTHORIZED,
                "the token is missing or wrong: open the address that `rekindle view` printed".to_owned(),
            )),
            _ => None,
        }
    }

    /// The answer to an address with the right token: the token moves to a cookie, and out of the address.
    fn entered(&self, request: &Request) -> Option<Response> {
        let token = self.token.as_ref()?;
        let given = super::api::parameter(request.uri().query(), "token")?;
        if request.uri().path() != "/" || !same(given, token) {
            return None;
        }
        let cookie = format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/");
        let headers = [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, cookie)];
        Some((StatusCode::SEE_OTHER, headers).into_response())
    }
}

/// Checks a request, and sets the headers of its answer.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let known = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let entered = known.filter(|host| guard.knows(host)).and_then(|_| guard.entered(&request));
    let mut response = match (entered, guard.refusal(&request)) {
        (Some(response), _) => response,
        (None, Some(failure)) => failure.into_response(),
        (None, None) => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A picture has a stricter one.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    response
}

/// The token in the cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// Whether two texts are the same, in a time that does not say where they differ.
fn same(given: &str, wanted: &str) -> bool {
    let different = given.bytes().zip(wanted.bytes()).fold(0, |different, (a, b)| different | (a ^ b));
    given.len() == wanted.len() && std::hint::black_box(different) == 0
}

#[cfg(test)]
mod tests;
