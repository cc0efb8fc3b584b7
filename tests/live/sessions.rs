//! Live sessions: an action that is accepted first and answered later.

use super::*;

#[test]
fn sessions_follow_the_latest_location_to_its_end() {
    let rows = json!({"value": [{"vpnConnectionId": "OVPN_1"}]});
    let arm = MockArm::start(estate()).sessions(&gateway(), rows.clone());
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.items(Kind::Sessions), [(Some(gateway()), rows)]);
    assert_eq!(sink.gap_list(), []);
    let polls: Vec<String> = arm
        .requests()
        .iter()
        .filter(|it| it.url.path().contains("/operations/"))
        .map(|it| it.url.query().unwrap().into())
        .collect();
    assert_eq!(polls, ["t=a%2Fb", "signed=x%2By"], "each Location as it was given");
}

#[test]
fn an_empty_session_list_means_that_nobody_is_connected() {
    let arm = MockArm::start(estate());
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.items(Kind::Sessions), [(Some(gateway()), json!({"value": []}))]);
}

#[test]
fn sessions_are_asked_for_on_demand_only() {
    let arm = MockArm::start(estate());
    let (_, sink) = audit(&options(&arm));
    assert_eq!(arm.count("getVpnClientConnectionHealth"), 0);
    assert_eq!(sink.items(Kind::Sessions), []);
}

#[test]
fn refused_sessions_are_a_gap_that_names_the_permission() {
    let arm = MockArm::start(estate()).always(path_has("ConnectionHealth"), error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Forbidden)]);
    assert!(sink.gaps[0].detail.contains("getvpnclientconnectionhealth/action"), "{}", sink.gaps[0].detail);
}

#[test]
fn an_operation_that_never_ends_is_given_up() {
    let running = ResponseTemplate::new(202).insert_header("retry-after", "0");
    let arm = MockArm::start(estate()).always(path_has("/operations/"), running);
    let (_, sink) = audit(&LiveOptions { sessions: true, timeout: Duration::from_secs(1), ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Unreachable)]);
}

#[test]
fn an_operation_that_asks_for_more_patience_than_there_is_ends_at_once() {
    let running = ResponseTemplate::new(202).insert_header("retry-after", "3600");
    let arm = MockArm::start(estate()).always(path_has("/operations/"), running);
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Unreachable)]);
    assert_eq!(arm.count("/operations/"), 1);
}

#[test]
fn an_operation_without_location_is_followed_by_its_status() {
    let arm = MockArm::start(estate());
    let status = format!("{}/subscriptions/{HUB}/status", arm.url());
    let accepted =
        ResponseTemplate::new(202).insert_header("azure-asyncoperation", status).insert_header("retry-after", "0");
    let running =
        ResponseTemplate::new(200).set_body_json(json!({"status": "InProgress"})).insert_header("retry-after", "0");
    let done = json!({"status": "Succeeded", "properties": {"value": [{"vpnConnectionId": "IKEv2_1"}]}});
    let arm = arm
        .always(path_has("ConnectionHealth"), accepted)
        .fault(2, path_has("/status"), running)
        .always(path_has("/status"), ResponseTemplate::new(200).set_body_json(done));
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.items(Kind::Sessions), [(Some(gateway()), json!({"value": [{"vpnConnectionId": "IKEv2_1"}]}))]);
}

#[test]
fn an_operation_that_fails_says_why() {
    let arm = MockArm::start(estate());
    let status = format!("{}/subscriptions/{HUB}/status", arm.url());
    let accepted =
        ResponseTemplate::new(202).insert_header("azure-asyncoperation", status).insert_header("retry-after", "0");
    let failed = json!({"status": "Failed", "error": {"code": "GatewayBusy", "message": "m"}});
    let arm = arm
        .always(path_has("ConnectionHealth"), accepted)
        .always(path_has("/status"), ResponseTemplate::new(200).set_body_json(failed));
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Unreachable)]);
    assert!(sink.gaps[0].detail.contains("GatewayBusy: m"), "{}", sink.gaps[0].detail);
}

#[test]
fn a_location_on_another_host_is_refused() {
    let (arm, elsewhere) = (MockArm::start(estate()), MockArm::start(vec![]));
    let away = ResponseTemplate::new(202).insert_header("location", format!("{}/x", elsewhere.url()));
    let arm = arm.always(path_has("ConnectionHealth"), away);
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "sessions", Reason::Unreachable)]);
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_gateway_of_a_virtual_hub_answers_with_itself() {
    let ty = "Microsoft.Network/p2sVpnGateways";
    let arm = MockArm::start(vec![resource(HUB, ty, "hub-gw", json!({"vpnGatewayScaleUnit": 1}))]);
    let counted = json!({"vpnClientConnectionHealth": {"vpnClientConnectionsCount": 12}});
    let arm = arm.sessions(&id(HUB, ty, "hub-gw"), resource(HUB, ty, "hub-gw", counted.clone()));
    let (_, sink) = audit(&LiveOptions { sessions: true, ..options(&arm) });
    let copies: Vec<Value> = sink.items(Kind::Resource).into_iter().map(|(_, it)| it["properties"].clone()).collect();
    assert_eq!(copies, [counted, json!({"vpnGatewayScaleUnit": 1})], "the first copy counts");
    assert_eq!(arm.count("/metrics"), 1);
}
