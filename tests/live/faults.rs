//! What goes wrong on the way, and what is read all the same.

use super::*;

#[test]
fn a_refused_token_is_renewed_once() {
    let old = |request: &Request| request.headers.get("authorization").is_some_and(|it| it == "Bearer token-1");
    let arm = MockArm::start(estate()).always(old, error(401, "ExpiredAuthenticationToken"));
    let (report, sink, credential) = collect(&options(&arm));
    assert!(report.is_ok());
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), []);
    assert_eq!(credential.calls(), 2);
}

#[test]
fn requests_that_are_refused_together_renew_the_token_together() {
    let old = |request: &Request| is_graph(request) && request.headers["authorization"] == "Bearer token-1";
    let arm = MockArm::start(estate()).always(old, error(401, "ExpiredAuthenticationToken"));
    let (report, sink, credential) = collect(&options(&arm));
    assert!(report.is_ok());
    assert_eq!(sink.names(), NAMES);
    assert_eq!(credential.calls(), 2);
}

#[test]
fn an_identity_that_is_refused_twice_ends_the_run() {
    let arm = MockArm::start(estate()).always(|_| true, error(401, "InvalidAuthenticationTokenTenant"));
    let (report, _, credential) = collect(&options(&arm));
    assert!(matches!(report, Err(LiveError::Rejected { .. })), "{report:?}");
    assert_eq!(credential.calls(), 2);
}

#[test]
fn a_throttled_request_is_repeated_when_azure_says() {
    let busy = error(429, "TooManyRequests").insert_header("retry-after", "0");
    let arm = MockArm::start(estate()).fault(3, is_graph, busy);
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), []);
    assert_eq!(arm.count("ResourceGraph"), 4 + 3);
}

#[test]
fn throttling_beyond_the_budget_falls_back_to_lists() {
    let busy = error(429, "TooManyRequests").insert_header("retry-after", "3600");
    let arm = MockArm::start(estate()).always(is_graph, busy);
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(arm.count("ResourceGraph"), 4, "nobody waits an hour");
    assert_eq!(sink.gap_list(), []);
}

#[test]
fn passing_faults_leave_no_trace() {
    for answer in [
        error(500, "InternalServerError").insert_header("retry-after", "0"),
        ResponseTemplate::new(503).insert_header("retry-after", "0"),
        ResponseTemplate::new(504).insert_header("retry-after-ms", "1"),
        ResponseTemplate::new(200).set_body_string(r#"{"totalRecords": 3, "data": [{"id": "#),
        error(200, "TooManyRequests"),
    ] {
        let arm = MockArm::start(estate()).fault(1, is_graph, answer);
        let (_, sink) = audit(&options(&arm));
        assert_eq!(sink.names(), NAMES);
        assert_eq!(sink.gap_list(), []);
    }
}

#[test]
fn a_page_that_never_comes_keeps_the_pages_before_it() {
    let never = ResponseTemplate::new(200).set_delay(Duration::from_secs(3600));
    let arm = MockArm::start(estate()).page(2).always(is_later_graph_page, never);
    let (_, sink) = audit(&LiveOptions { timeout: Duration::from_secs(1), ..options(&arm) });
    assert!(sink.names().contains(&"hub".to_owned()), "all of the first query");
    assert!(sink.names().contains(&"nic0".to_owned()), "the first page of the third");
    assert!(!sink.names().contains(&"nic4".to_owned()), "its last one");
    let scope = format!("/subscriptions/{HUB}");
    assert!(sink.gap_list().contains(&(scope.as_str(), "microsoft.network/networkinterfaces", Reason::Unreachable)));
    assert!(!sink.gap_list().iter().any(|(_, what, _)| *what == "microsoft.network/virtualnetworks"));
}

#[test]
fn a_refused_page_is_made_up_for_by_lists() {
    let arm = MockArm::start(estate()).page(2).always(is_later_graph_page, error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES, "each once");
}

#[test]
fn a_list_goes_on_behind_an_empty_page() {
    let interfaces = path_has("/networkInterfaces");
    let arm = MockArm::start(estate()).always(is_graph, error(403, "AuthorizationFailed"));
    let next = format!("{}/subscriptions/{HUB}/providers/Microsoft.Network/networkInterfaces?api-version=1", arm.url());
    let empty = ResponseTemplate::new(200).set_body_json(json!({"value": [], "nextLink": next}));
    let arm = arm.fault(1, interfaces, empty);
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
}

#[test]
fn a_link_to_another_host_gets_no_token() {
    let (arm, elsewhere) = (MockArm::start(estate()), MockArm::start(vec![]));
    let page = json!({"value": [resource(HUB, INTERFACE, "nic0", json!({}))], "nextLink": format!("{}/next", elsewhere.url())});
    let arm = arm
        .always(is_graph, error(403, "AuthorizationFailed"))
        .always(path_has("/networkInterfaces"), ResponseTemplate::new(200).set_body_json(page));
    let (_, sink) = audit(&options(&arm));
    assert!(elsewhere.requests().is_empty());
    assert!(sink.names().contains(&"nic0".to_owned()), "the page itself is kept");
    let scope = format!("/subscriptions/{HUB}");
    assert!(sink.gap_list().contains(&(scope.as_str(), "microsoft.network/networkinterfaces", Reason::Unreachable)));
}

#[test]
fn a_list_that_leads_back_to_itself_ends() {
    let arm = MockArm::start(estate()).always(is_graph, error(403, "AuthorizationFailed"));
    let path = format!("/subscriptions/{HUB}/providers/Microsoft.Network/networkInterfaces?page=2");
    let page = json!({"value": [], "nextLink": format!("{}{path}", arm.url())});
    let arm = arm.always(path_has("/networkInterfaces"), ResponseTemplate::new(200).set_body_json(page));
    let (_, sink) = audit(&options(&arm));
    let scope = format!("/subscriptions/{HUB}");
    assert!(sink.gap_list().contains(&(scope.as_str(), "microsoft.network/networkinterfaces", Reason::Damaged)));
    assert_eq!(arm.count("networkInterfaces"), 2);
}

#[test]
fn a_redirect_is_not_followed() {
    let (arm, elsewhere) = (MockArm::start(estate()), MockArm::start(vec![]));
    let away = ResponseTemplate::new(307).insert_header("location", elsewhere.url());
    let arm = arm.always(path_has("/metrics"), away);
    let (_, sink) = audit(&options(&arm));
    assert!(elsewhere.requests().is_empty());
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "metrics", Reason::Unreachable)]);
}

#[test]
fn plain_http_to_another_machine_is_refused_before_a_token_is_asked_for() {
    let arm = MockArm::start(estate());
    let remote = LiveOptions { arm_endpoint: Some("http://arm.example.com".into()), ..options(&arm) };
    let (report, _, credential) = collect(&remote);
    assert!(matches!(report, Err(LiveError::Endpoint { .. })), "{report:?}");
    assert_eq!(credential.calls(), 0);
}

#[test]
fn an_endpoint_that_nobody_listens_on_ends_the_run() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = Some(format!("http://{closed}"));
    let gone =
        LiveOptions { arm_endpoint: endpoint, timeout: Duration::from_secs(1), ..options(&MockArm::start(vec![])) };
    let (report, ..) = collect(&gone);
    assert!(matches!(report, Err(LiveError::Unreachable { .. })), "{report:?}");
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"value\": [",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400\r\n{\"value\": [",
    ] {
        let arm = MockArm::start(estate());
        let broken = wire::breaking(&arm.url(), 1, answer);
        let (_, sink) = audit(&LiveOptions { arm_endpoint: Some(broken), ..options(&arm) });
        assert_eq!(sink.names(), NAMES, "{answer}");
        assert_eq!(sink.gap_list(), []);
    }
}

#[test]
fn a_connection_that_always_breaks_ends_the_run_within_the_budget() {
    let arm = MockArm::start(estate());
    let broken = wire::breaking(&arm.url(), usize::MAX, "");
    let short = LiveOptions { arm_endpoint: Some(broken), timeout: Duration::from_secs(1), ..options(&arm) };
    let (report, ..) = collect(&short);
    assert!(matches!(report, Err(LiveError::Unreachable { .. })), "{report:?}");
}

#[test]
fn an_answer_that_is_no_json_is_damaged_and_asked_for_again() {
    let page = ResponseTemplate::new(200).set_body_raw("<html><title>Sign in to the hotel</title>", "text/html");
    let arm = MockArm::start(estate()).always(path_has("/metrics"), page);
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "metrics", Reason::Damaged)]);
    assert_eq!(arm.count("/metrics"), 3);
}
