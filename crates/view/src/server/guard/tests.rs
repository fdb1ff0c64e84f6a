use axum::body::Body;

use super::*;

fn guard(name: Option<&str>, address: &str) -> Guard {
    Guard::new(name.map(str::to_owned), address.parse().unwrap())
}

fn request(path: &str, headers: &[(&str, &str)]) -> Request {
    let request =
        headers.iter().fold(Request::builder().uri(path), |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

fn refused(guard: &Guard, path: &str, headers: &[(&str, &str)]) -> Option<u16> {
    guard.refusal(&request(path, headers)).map(|failure| failure.0.as_u16())
}

#[test]
fn only_this_server_is_a_host() {
    let guard = guard(None, "127.0.0.1:7007");
    for host in ["127.0.0.1:7007", "localhost:7007", "LOCALHOST", "[::1]:7007", "localhost:9000"] {
        assert_eq!(refused(&guard, "/api/runs", &[("host", host)]), None, "{host}");
    }
    for host in
        ["", "example.com", "example.com:7007", "localhost.example.com", "127.0.0.1.example.com:7007", "localhost:x"]
    {
        assert_eq!(refused(&guard, "/", &[("host", host)]), Some(403), "{host}");
    }
    assert_eq!(refused(&guard, "/", &[]), Some(403));
    assert_eq!(refused(&guard, "/", &[("host", "localhost"), ("host", "localhost")]), Some(403));
    assert_eq!(refused(&self::guard(Some("lab.local"), "127.0.0.1:7007"), "/", &[("host", "lab.local:7007")]), None);
}

#[test]
fn pages_elsewhere_are_refused() {
    let (guard, host) = (guard(None, "127.0.0.1:7007"), ("host", "127.0.0.1:7007"));
    for (header, value, status) in [
        ("origin", "http://127.0.0.1:7007", None),
        ("origin", "http://127.0.0.1:8080", Some(403)),
        ("origin", "https://127.0.0.1:7007", Some(403)),
        ("origin", "null", Some(403)),
        ("sec-fetch-site", "same-origin", None),
        ("sec-fetch-site", "none", None),
        ("sec-fetch-site", "same-site", Some(403)),
        ("sec-fetch-site", "cross-site", Some(403)),
    ] {
        assert_eq!(refused(&guard, "/api/runs", &[host, (header, value)]), status, "{header}: {value}");
    }
    // A link on another page may lead here.
    assert_eq!(refused(&guard, "/", &[host, ("sec-fetch-site", "cross-site")]), None);
}

#[test]
fn other_machines_need_the_token() {
    let guard = guard(None, "192.168.1.5:7007");
    let address = guard.address();
    let token = address.strip_prefix("http://192.168.1.5:7007/?token=").unwrap();
    assert_eq!(token.len(), 2 * TOKEN);
    let host = ("host", "192.168.1.5:7007");
    let cookie = format!("other=1; rekindle={token}");
    assert_eq!(refused(&guard, "/api/runs", &[host, ("cookie", &cookie)]), None);
    for cookie in
        ["", "rekindle=", "rekindle=0", &cookie[..cookie.len() - 1], &format!("{cookie}0"), &format!("x{cookie}")]
    {
        let status = refused(&guard, "/api/runs", &[host, ("cookie", cookie)]);
        // The name of another cookie may end like ours.
        assert_eq!(status, if cookie.starts_with("xother") { None } else { Some(401) }, "{cookie}");
    }
    assert_eq!(refused(&guard, &format!("/api/runs?token={token}"), &[host]), Some(401));
    let entered = guard.entered(&request(&format!("/?token={token}"), &[host])).unwrap();
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    let set = entered.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(set.contains(token) && set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    assert!(guard.entered(&request("/?token=0", &[host])).is_none());
    assert_ne!(self::guard(None, "192.168.1.5:7007").address(), address, "each server has its own");
}

#[test]
fn loopback_needs_no_token_and_every_address_of_the_machine_does() {
    assert_eq!(guard(None, "127.0.0.1:80").address(), "http://127.0.0.1:80/");
    assert_eq!(guard(Some("::1"), "[::1]:80").address(), "http://[::1]:80/");
    assert!(guard(Some("0.0.0.0"), "0.0.0.0:80").address().starts_with("http://127.0.0.1:80/?token="));
    assert!(guard(Some("lab.local"), "10.0.0.1:80").address().starts_with("http://lab.local:80/?token="));
}

#[test]
fn texts_are_compared_whole() {
    assert!(same("abc", "abc") && !same("abc", "abd") && !same("ab", "abc") && !same("abcd", "abc") && !same("", "a"));
}
