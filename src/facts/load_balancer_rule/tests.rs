use super::*;
use crate::inventory::ResourceId;

/// The facts of the only rule of a load balancer with these members, its front end being private.
fn rule(member: &str) -> LoadBalancerRule {
    rule_behind(r#"{"privateIPAddress":"10.0.0.9"}"#, member, false)
}

fn rule_behind(front_end: &str, member: &str, firewalls: bool) -> LoadBalancerRule {
    let id = ResourceId::new("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/loadBalancers/lb");
    let properties =
        format!(r#"{{"frontendIPConfigurations":[{{"name":"front","properties":{front_end}}}],{member}}}"#);
    let properties = crate::inventory::lenient::from_str(&properties).unwrap();
    let name = id.name().into();
    let balancer = Resource { id, name, location: None, sku: None, zones: Vec::new(), properties };
    let all = rules(&balancer);
    assert_eq!(all.len(), 1);
    facts_of(&balancer, &all[0], &Scene { rdp_port: 3389, firewalls })
}

fn balancing(properties: &str) -> LoadBalancerRule {
    rule(&format!(r#""loadBalancingRules":[{{"name":"r","properties":{{{properties}}}}}]"#))
}

fn nat(properties: &str) -> LoadBalancerRule {
    rule(&format!(r#""inboundNatRules":[{{"name":"r","properties":{{{properties}}}}}]"#))
}

fn ports(rule: &LoadBalancerRule) -> (Option<i64>, Option<i64>, Option<i64>) {
    let known = |port: &Known<i64>| port.as_ref().ok().copied();
    (known(&rule.front_end_first), known(&rule.front_end_last), known(&rule.back_end_port))
}

#[test]
fn each_kind_of_rule_has_its_ports() {
    let balancing = balancing(r#""frontendPort":3389,"backendPort":3390"#);
    assert_eq!(
        (ports(&balancing), balancing.kind),
        ((Some(3389), Some(3389), Some(3390)), RuleKind::LoadBalancingRule)
    );
    let nat_rule =
        nat(r#""frontendPort":0,"frontendPortRangeStart":3380,"frontendPortRangeEnd":3400,"backendPort":22"#);
    assert_eq!((ports(&nat_rule), nat_rule.kind), ((Some(3380), Some(3400), Some(22)), RuleKind::InboundNatRule));
    let pool = r#""inboundNatPools":[{"name":"p","properties":{"frontendPortRangeStart":5,"frontendPortRangeEnd":9,"backendPort":3389}}]"#;
    assert_eq!((ports(&rule(pool)), rule(pool).kind), ((Some(5), Some(9), Some(3389)), RuleKind::InboundNatPool));
    assert_eq!(rule(pool).front_end_ports, "ports 5 to 9");
}

#[test]
fn a_range_counts_only_where_no_single_port_is_written() {
    let single = nat(r#""frontendPort":3389,"frontendPortRangeStart":0,"frontendPortRangeEnd":0,"backendPort":22"#);
    assert_eq!(ports(&single), (Some(3389), Some(3389), Some(22)));
    let open_ended = nat(r#""frontendPortRangeStart":3380,"backendPort":22"#);
    assert_eq!(ports(&open_ended), (None, None, Some(22)));
    assert_eq!(open_ended.front_end_ports, "its traffic");
}

#[test]
fn ports_of_zero_are_every_port_with_protocol_all_alone() {
    assert!(balancing(r#""protocol":"all","frontendPort":0,"backendPort":0"#).every_port);
    assert!(balancing(r#""protocol":"All","frontendPort":0"#).every_port);
    assert!(!balancing(r#""protocol":"Tcp","frontendPort":0,"backendPort":0"#).every_port);
    assert!(!balancing(r#""protocol":"All","frontendPort":0,"backendPort":3398"#).every_port);
    assert!(!balancing(r#""protocol":"All","frontendPort":3389,"backendPort":3389"#).every_port);
}

#[test]
fn with_floating_ip_the_traffic_ends_at_the_port_of_the_front_end() {
    let end = |floating: &str| {
        ports(&balancing(&format!(r#""frontendPort":3389,"backendPort":22,"enableFloatingIP":{floating}"#))).2
    };
    assert_eq!((end("true"), end("false")), (Some(3389), Some(22)));
}

#[test]
fn a_port_that_is_not_written_is_unread() {
    assert_eq!(ports(&balancing(r#""frontendPort":3389"#)), (Some(3389), Some(3389), None));
    assert_eq!(ports(&balancing(r#""backendPort":3389"#)), (None, None, Some(3389)));
}

#[test]
fn a_rule_is_led_to_remote_desktop_only_where_nobody_on_the_internet_can_come_by() {
    let named = r#""inboundNatRules":[{"name":"r","properties":{"frontendIPConfiguration":{"id":"/x/frontendIPConfigurations/FRONT"},"backendPort":3398}}]"#;
    let commands = |front_end: &str, firewalls: bool| {
        let rule = rule_behind(front_end, named, firewalls);
        rule.lead_to_rdp_commands.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>()
    };
    let private = r#"{"subnet":{"id":"/s"}}"#;
    let command = "az network lb inbound-nat-rule update --subscription s --resource-group rg --lb-name lb --name r --backend-port 3389";
    assert_eq!(commands(private, false), [command]);
    assert_eq!(commands(private, true), [""; 0], "a firewall could lead there");
    for other in [
        r#"{"publicIPAddress":{"id":"/pip"}}"#,
        r#"{"publicIPPrefix":{"id":"/prefix"}}"#,
        r#"{"privateIPAddress":"10.0.0.9","publicIPAddress":{"id":"/pip"}}"#,
        "{}",
    ] {
        assert_eq!(commands(other, false), [""; 0], "{other}");
    }
    assert_eq!(nat(r#""backendPort":3398"#).lead_to_rdp_commands, [], "its front end is not said");
}
