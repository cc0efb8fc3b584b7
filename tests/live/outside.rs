//! What lies outside the scope, but is referred to from within.

use super::*;

#[test]
fn what_is_referred_to_elsewhere_is_read_if_it_is_there() {
    let mut estate = estate();
    let peering = |name: &str| json!({"properties": {"remoteVirtualNetwork": {"id": id(SPOKE, NETWORK, name)}}});
    estate.push(resource(
        HUB,
        NETWORK,
        "peered",
        json!({"virtualNetworkPeerings": [peering("spoke"), peering("gone")]}),
    ));
    estate.push(resource(
        SPOKE,
        NETWORK,
        "spoke",
        json!({
        "virtualNetworkPeerings": [peering("third")],
        "subnets": [{"id": format!("{}/subnets/s", id(SPOKE, NETWORK, "spoke")),
            "properties": {"networkSecurityGroup": {"id": id(SPOKE, GROUP, "unused")}}}]}),
    ));
    estate.push(resource(SPOKE, NETWORK, "third", json!({})));
    estate.push(resource(SPOKE, GROUP, "unused", json!({})));
    let arm = MockArm::start(estate);
    let (_, sink) = audit(&options(&arm));
    let names = sink.names();
    assert!(names.contains(&"spoke".to_owned()));
    assert!(!names.contains(&"third".to_owned()), "a peer's peer is nobody's business");
    assert!(!names.contains(&"unused".to_owned()), "nothing of ours stands in that subnet");
    // `gone` is not there: what rests on it is unknown, but nothing was refused.
    assert_eq!(sink.gap_list(), []);
}

#[test]
fn a_subnet_in_use_elsewhere_brings_its_security_group() {
    let mut estate = estate();
    let subnet = |name: &str| format!("{}/subnets/{name}", id(SPOKE, NETWORK, "spoke"));
    let in_subnet = |name: &str, group: &str| json!({"id": subnet(name), "properties": {"networkSecurityGroup": {"id": id(SPOKE, GROUP, group)}}});
    estate.push(resource(
        HUB,
        INTERFACE,
        "nic5",
        json!({"ipConfigurations": [{"properties": {
        "subnet": {"id": subnet("Used")}, "publicIPAddress": {"id": id(SPOKE, ADDRESS, "pip")}}}]}),
    ));
    estate.push(resource(
        SPOKE,
        NETWORK,
        "spoke",
        json!({"subnets": [in_subnet("used", "mine"), in_subnet("other", "theirs")]}),
    ));
    estate.push(resource(
        SPOKE,
        GROUP,
        "mine",
        json!({"networkInterfaces": [{"id": id(SPOKE, INTERFACE, "stranger")}]}),
    ));
    estate.push(resource(SPOKE, GROUP, "theirs", json!({})));
    estate.push(resource(SPOKE, INTERFACE, "stranger", json!({})));
    estate.push(resource(SPOKE, ADDRESS, "pip", json!({})));
    let arm = MockArm::start(estate);
    let (_, sink) = audit(&options(&arm));
    let mut expected: Vec<&str> = NAMES.to_vec();
    expected.extend(["mine", "nic5", "pip", "spoke"]);
    expected.sort_unstable();
    assert_eq!(sink.names(), expected);
    assert_eq!(sink.gap_list(), []);
}

#[test]
fn a_refused_reference_is_a_gap_of_its_own_id() {
    let mut estate = estate();
    let remote = id(SPOKE, NETWORK, "spoke");
    estate.push(resource(
        HUB,
        NETWORK,
        "peered",
        json!({"virtualNetworkPeerings": [{"properties": {"remoteVirtualNetwork": {"id": remote}}}]}),
    ));
    estate.push(resource(SPOKE, NETWORK, "spoke", json!({})));
    let arm = MockArm::start(estate).deny(SPOKE);
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.gap_list(), [(remote.as_str(), "microsoft.network/virtualnetworks", Reason::Forbidden)]);
}
