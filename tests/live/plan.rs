//! The plan of calls when Azure answers, and when it refuses a part.

use super::*;

#[test]
fn resource_graph_is_read_page_by_page() {
    let arm = MockArm::start(estate()).page(2);
    let (report, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), []);
    // Networks and tables 2, gateways and connection 3, interfaces and machine 6, rules 0: pages of two.
    assert!(report.requests.contains(&("Resource Graph".into(), 1 + 2 + 3 + 1)), "{:?}", report.requests);
    assert_eq!(report.subscriptions, [HUB]);
    assert_eq!(sink.inputs.len(), 1);
    assert_eq!(
        (sink.inputs[0].path.as_str(), sink.inputs[0].resources),
        (format!("/subscriptions/{HUB}").as_str(), 11)
    );
}

#[test]
fn a_gateway_with_clients_is_read_by_a_get_of_its_own() {
    let arm = MockArm::start(estate());
    let (_, sink) = audit(&options(&arm));
    let count = "/properties/vpnClientConfiguration/vpnClientConnectionHealth/vpnClientConnectionsCount";
    assert_eq!(sink.resource("gw").pointer(count), Some(&json!(7)));
    assert_eq!(arm.count("gw-without-clients"), 0);
}

#[test]
fn a_gateway_that_cannot_be_read_again_stands_as_it_was_listed() {
    let own = |request: &Request| request.url.path() == gateway();
    let arm = MockArm::start(estate()).always(own, error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "gateway", Reason::Forbidden)]);
}

#[test]
fn typed_lists_give_the_same_rows_where_resource_graph_is_refused() {
    let arm = MockArm::start(estate()).page(2).always(is_graph, error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert!(sink.gaps.is_empty(), "{:?}", sink.gaps);
}

#[test]
fn admin_rules_that_no_list_shows_are_a_gap_where_there_is_a_network_manager() {
    let manager = json!({
        "id": format!("/subscriptions/{HUB}/resourceGroups/rg/providers/Microsoft.Network/networkManagers/avnm"),
        "name": "avnm", "type": "Microsoft.Network/networkManagers", "properties": {},
    });
    let managed = [estate(), vec![manager]].concat();
    let (_, sink) = audit(&options(&MockArm::start(managed.clone())));
    assert!(sink.gaps.is_empty(), "{:?}", sink.gaps);
    let arm = MockArm::start(managed).always(is_graph, error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    let scope = format!("/subscriptions/{HUB}");
    assert_eq!(sink.gap_list(), [(scope.as_str(), "microsoft.network/effectivesecurityadminrules", Reason::Missing)]);
}

#[test]
fn a_listed_subscription_that_nothing_is_said_of_is_a_gap_and_never_clean() {
    let silent = ResponseTemplate::new(200).set_body_json(json!({"totalRecords": 0, "count": 0, "data": []}));
    let arm = MockArm::start(estate())
        .always(is_graph, silent)
        .always(path_has("/resources"), error(404, "SubscriptionNotFound"));
    let (_, sink) = audit(&options(&arm));
    let scope = format!("/subscriptions/{HUB}");
    assert_eq!(sink.gap_list(), [(scope.as_str(), "subscription", Reason::Missing)]);
}

#[test]
fn an_answer_that_says_it_was_cut_short_is_a_gap() {
    let answer = |truncated: &str| {
        let answer = json!({"count": 0, "resultTruncated": truncated, "data": []});
        let arm = MockArm::start(estate()).always(is_graph, ResponseTemplate::new(200).set_body_json(answer));
        let (_, sink) = audit(&options(&arm));
        sink.gaps.iter().any(|gap| gap.reason == Reason::Truncated)
    };
    assert!(answer("true"));
    assert!(!answer("false"));
}

#[test]
fn empty_pages_without_an_end_are_given_up_and_the_lists_stand_in() {
    const PAGES: usize = 600;
    let arm = (0..PAGES).fold(MockArm::start(estate()), |arm, page| {
        let page = json!({"data": [], "$skipToken": format!("page {page}")});
        arm.fault(1, is_graph, ResponseTemplate::new(200).set_body_json(page))
    });
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert!(arm.count("ResourceGraph") < PAGES, "{} requests", arm.count("ResourceGraph"));
}

#[test]
fn a_list_that_is_refused_is_a_gap_of_its_type_alone() {
    let arm = MockArm::start(estate())
        .always(is_graph, error(403, "AuthorizationFailed"))
        .always(path_has("/virtualMachines"), error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert!(!sink.names().contains(&"vm".to_owned()));
    assert!(sink.names().contains(&"nic4".to_owned()));
    assert!(sink.gap_list().contains(&(
        format!("/subscriptions/{HUB}").as_str(),
        "microsoft.compute/virtualmachines",
        Reason::Forbidden
    )));
}

#[test]
fn an_unregistered_provider_has_no_resources() {
    let arm = MockArm::start(estate())
        .always(is_graph, error(403, "AuthorizationFailed"))
        .always(path_has("/virtualMachines"), error(409, "MissingSubscriptionRegistration"));
    let (_, sink) = audit(&options(&arm));
    assert!(sink.gap_list().iter().all(|(_, what, _)| *what != "microsoft.compute/virtualmachines"));
}

#[test]
fn the_table_format_is_read_as_well() {
    let row = resource(HUB, NETWORK, "hub", json!({}));
    let table = json!({"totalRecords": 1, "data": {"columns": [{"name": "id"}, {"name": "type"}, {"name": "properties"}],
        "rows": [[row["id"], row["type"], row["properties"]]]}});
    let first =
        |request: &Request| is_graph(request) && String::from_utf8_lossy(&request.body).contains("/routetables");
    let arm = MockArm::start(estate()).always(first, ResponseTemplate::new(200).set_body_json(table));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.resource("hub")["type"], NETWORK);
}

#[test]
fn fewer_rows_than_counted_are_a_gap() {
    let first =
        |request: &Request| is_graph(request) && String::from_utf8_lossy(&request.body).contains("/routetables");
    let short =
        json!({"totalRecords": 5, "resultTruncated": "false", "data": [resource(HUB, NETWORK, "hub", json!({}))]});
    let arm = MockArm::start(estate()).always(first, ResponseTemplate::new(200).set_body_json(short));
    let (_, sink) = audit(&options(&arm));
    assert!(sink.names().contains(&"hub".to_owned()));
    let scope = format!("/subscriptions/{HUB}");
    assert!(sink.gap_list().contains(&(scope.as_str(), "microsoft.network/routetables", Reason::Truncated)));
}

#[test]
fn metrics_are_asked_for_by_the_minute_and_name_their_gateway() {
    let answer = json!({"value": [{"id": "x", "name": {"value": "P2SConnectionCount"}, "timeseries": []}]});
    let arm = MockArm::start(estate()).metrics(&gateway(), answer);
    let (_, sink) = audit(&options(&arm));
    let metrics = sink.items(Kind::Metric);
    assert_eq!(metrics.len(), 1);
    assert!(metrics[0].1["id"].as_str().unwrap().starts_with(&format!("{}/providers/", gateway())));
    let requests = arm.requests();
    let asked = requests.iter().find(|it| it.url.path().ends_with("/metrics")).unwrap();
    let query: Vec<(String, String)> = asked.url.query_pairs().map(|(a, b)| (a.into(), b.into())).collect();
    for (name, value) in [
        ("timespan", "2025-12-31T00:00:00Z/2026-01-01T00:00:00Z"),
        ("interval", "PT1M"),
        ("aggregation", "Total"),
        ("$filter", "Protocol eq '*'"),
    ] {
        assert!(query.contains(&(name.into(), value.into())), "{name}: {query:?}");
    }
}

#[test]
fn refused_metrics_are_a_gap_of_the_gateway() {
    let arm = MockArm::start(estate()).always(path_has("/metrics"), error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), [(gateway().as_str(), "metrics", Reason::Forbidden)]);
}

#[test]
fn one_denied_subscription_is_a_gap_beside_the_other() {
    let mut both = estate();
    both.push(resource(SPOKE, NETWORK, "spoke", json!({})));
    let arm = MockArm::start(both).deny(SPOKE);
    let (report, sink) = audit(&LiveOptions { subscriptions: vec![HUB.into(), SPOKE.into()], ..options(&arm) });
    assert_eq!(sink.names(), NAMES);
    assert_eq!(sink.gap_list(), [(format!("/subscriptions/{SPOKE}").as_str(), "subscription", Reason::Forbidden)]);
    assert_eq!(report.subscriptions, [HUB, SPOKE]);
    let counts: Vec<u64> = sink.inputs.iter().map(|it| it.resources).collect();
    assert_eq!(counts, [11, 0]);
}

#[test]
fn a_subscription_that_is_listed_but_gives_nothing_is_looked_at_again() {
    // Resource Graph says nothing of it, though a list shows a network.
    let nothing = json!({"totalRecords": 0, "data": []});
    let arm = MockArm::start(estate()).always(is_graph, ResponseTemplate::new(200).set_body_json(nothing));
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.names(), NAMES);
}

#[test]
fn an_empty_subscription_is_no_gap() {
    let arm = MockArm::start(estate()).subscription(SPOKE, "Empty");
    let (_, sink) = audit(&LiveOptions { subscriptions: vec!["empty".into()], ..options(&arm) });
    assert_eq!(sink.names(), [""; 0]);
    assert_eq!(sink.gap_list(), []);
}

#[test]
fn subscriptions_are_found_by_name() {
    let arm = MockArm::start(estate()).subscription(HUB, "Contoso Hub");
    let by_name = |name: &str| collect(&LiveOptions { subscriptions: vec![name.into()], ..options(&arm) }).0;
    assert_eq!(by_name("contoso hub").unwrap().subscriptions, [HUB]);
    let unknown = by_name("Contoso Hup").unwrap_err();
    assert_eq!(
        unknown,
        LiveError::UnknownSubscription { name: "Contoso Hup".into(), near: vec!["Contoso Hub".into()] }
    );
}

#[test]
fn all_subscriptions_are_read_in_one_query_of_each_kind() {
    let mut both = estate();
    both.push(resource(SPOKE, NETWORK, "spoke", json!({})));
    let arm = MockArm::start(both);
    let all = LiveOptions { subscriptions: vec![], all_subscriptions: true, ..options(&arm) };
    let (report, sink) = audit(&all);
    assert_eq!(report.subscriptions, [HUB, SPOKE]);
    assert!(sink.names().contains(&"spoke".to_owned()));
    assert_eq!(arm.count("ResourceGraph"), 4);
}

#[test]
fn a_management_group_stands_for_the_subscriptions_below_it() {
    let both = || {
        let mut both = estate();
        both.push(resource(SPOKE, NETWORK, "spoke", json!({})));
        both
    };
    let below = |members: &[&str], group: &str| {
        let arm = MockArm::start(both()).management_group("contoso", members);
        let options = LiveOptions { subscriptions: vec![], management_groups: vec![group.to_owned()], ..options(&arm) };
        (arm, options)
    };
    let (_arm, options) = below(&[HUB, SPOKE], "contoso");
    assert_eq!(audit(&options).0.subscriptions, [HUB, SPOKE]);
    let (_arm, options) = below(&[SPOKE], "contoso");
    let (report, sink) = audit(&options);
    assert_eq!((report.subscriptions, sink.names()), (vec![SPOKE.to_owned()], vec!["spoke".to_owned()]));

    let refused = |members: &[&str], group: &str| {
        let (_arm, options) = below(members, group);
        collect(&options).0.unwrap_err()
    };
    for (members, group) in [(&[HUB][..], "contso"), (&[], "contoso")] {
        let error = refused(members, group);
        assert!(matches!(&error, LiveError::ManagementGroup { group: named, .. } if named == group), "{error}");
    }
}

#[test]
fn a_page_of_a_management_group_that_never_comes_is_a_gap() {
    let mut both = estate();
    both.push(resource(SPOKE, NETWORK, "spoke", json!({})));
    let second = |request: &Request| {
        String::from_utf8_lossy(&request.body).contains("skipToken\":\"1\"")
            && String::from_utf8_lossy(&request.body).contains("managementGroups")
    };
    let arm = MockArm::start(both).management_group("contoso", &[HUB, SPOKE]).always(second, error(403, "Denied"));
    let options = LiveOptions { subscriptions: vec![], management_groups: vec!["contoso".into()], ..options(&arm) };
    let (report, sink) = audit(&options);
    assert_eq!(report.subscriptions, [HUB]);
    let gaps: Vec<_> = sink.gaps.iter().map(|it| (it.scope.as_str(), it.what.as_str())).collect();
    assert_eq!(gaps, [("/providers/Microsoft.Management/managementGroups/contoso", "subscription")]);
}

#[test]
fn a_resource_group_narrows_both_ways_of_reading() {
    let other = |mut it: Value| {
        it["id"] = json!(it["id"].as_str().unwrap().replace("/rg/", "/elsewhere/"));
        it
    };
    let mut estate = estate();
    estate.push(other(resource(HUB, NETWORK, "far", json!({}))));
    let arm = MockArm::start(estate);
    let narrow = LiveOptions { resource_group: Some("RG".into()), ..options(&arm) };
    let (_, sink) = audit(&narrow);
    assert_eq!(sink.names(), NAMES);
    let arm = arm.always(is_graph, error(403, "AuthorizationFailed"));
    let (_, sink) = audit(&narrow);
    assert_eq!(sink.names(), NAMES);
    assert_eq!(arm.count(&format!("/subscriptions/{HUB}/resources")), 0, "a group has lists of gateways");
}

#[test]
fn the_rules_of_firewall_policies_are_read_either_way() {
    let mut estate = estate();
    estate.push(resource(HUB, "Microsoft.Network/firewallPolicies", "policy", json!({})));
    let mut rules = resource(HUB, "Microsoft.Network/firewallPolicies", "policy/ruleCollectionGroups/rules", json!({}));
    rules["type"] = json!("Microsoft.Network/firewallPolicies/ruleCollectionGroups");
    estate.push(rules);
    let arm = MockArm::start(estate);
    assert!(audit(&options(&arm)).1.names().contains(&"rules".to_owned()));
    let arm = arm.always(is_graph, error(403, "AuthorizationFailed"));
    assert!(audit(&options(&arm)).1.names().contains(&"rules".to_owned()));
}

#[test]
fn only_reads_are_sent() {
    let arm = MockArm::start(estate()).always(is_later_graph_page, error(500, "X"));
    audit(&LiveOptions { sessions: true, ..options(&arm) });
    for request in arm.requests() {
        let action = request.url.path().rsplit('/').next().unwrap();
        let reads = match request.method.as_str() {
            "GET" => true,
            "POST" => ["resources", "getVpnClientConnectionHealth"].contains(&action),
            _ => false,
        };
        assert!(reads, "{} {}", request.method, request.url);
    }
}

#[test]
fn a_subscription_that_nobody_knows_is_a_gap() {
    let arm = MockArm::start(estate());
    let (_, sink) = audit(&LiveOptions { subscriptions: vec![SPOKE.into()], ..options(&arm) });
    assert_eq!(sink.gap_list(), [(format!("/subscriptions/{SPOKE}").as_str(), "subscription", Reason::Forbidden)]);
    assert!(sink.gaps[0].detail.starts_with("SubscriptionNotFound: "), "{}", sink.gaps[0].detail);
}

#[test]
fn a_resource_group_that_nobody_has_ends_the_run() {
    let arm =
        MockArm::start(estate()).always(path_has("/resourceGroups/nowhere/"), error(404, "ResourceGroupNotFound"));
    let (report, ..) = collect(&LiveOptions { resource_group: Some("nowhere".into()), ..options(&arm) });
    assert_eq!(report.unwrap_err(), LiveError::UnknownResourceGroup("nowhere".into()));
}

#[test]
fn many_subscriptions_share_queries_of_three_hundred() {
    let ids = (0..650).map(|n| format!("{n:08}-0000-0000-0000-000000000000"));
    let mut estate: Vec<Value> = ids.map(|it| resource(&it, NETWORK, "vnet", json!({}))).collect();
    estate.extend((0..2100).map(|n| resource(HUB, INTERFACE, &format!("nic{n}"), json!({}))));
    let resources = estate.len();
    let arm = MockArm::start(estate);
    let all = LiveOptions { subscriptions: vec![], all_subscriptions: true, ..options(&arm) };
    let (report, sink) = audit(&all);
    assert_eq!(sink.names().len(), resources);
    // Four kinds of query for each of three batches; the 2,100 interfaces of the last subscription take two pages more.
    assert!(report.requests.contains(&("Resource Graph".into(), 4 * 3 + 2)), "{:?}", report.requests);
    // Just-in-time policies are asked for where there are interfaces: in that subscription.
    assert_eq!(report.requests.iter().map(|(_, count)| count).sum::<u64>(), 1 + 4 * 3 + 2 + 1);
}

#[test]
fn the_inventory_finds_what_was_read() {
    let answer = json!({"value": [{"id": "x", "name": {"value": "P2SConnectionCount"}, "timeseries": [{"data": [{"total": 3.0}]}]}]});
    let arm = MockArm::start(estate())
        .metrics(&gateway(), answer)
        .sessions(&gateway(), json!({"value": [{"vpnConnectionId": "OVPN_1"}]}));
    let options = LiveOptions { sessions: true, ..options(&arm) };
    let read = |sink: &mut dyn Sink| arm::collect_as(Arc::new(Counting::default()), &options, &|_| None, sink);
    let (report, inventory) = inventory::collect(read);
    assert!(report.is_ok());
    assert_eq!((inventory.network_interfaces.len(), inventory.gaps.len()), (5, 0));
    let id = ResourceId::new(&gateway());
    let clients = inventory.gateways.get(&id).and_then(|it| it.properties.vpn_client_configuration.clone()).unwrap();
    assert_eq!(clients.vpn_client_connection_health.unwrap().vpn_client_connections_count, Some(7));
    assert_eq!(inventory.metrics_of(&id).next().unwrap().timeseries[0].data[0].total, Some(3.0));
    assert_eq!(inventory.sessions_of(&id).unwrap().value.len(), 1);
}

#[test]
fn nothing_is_known_of_a_denied_subscription() {
    let mut both = estate();
    both.push(resource(SPOKE, NETWORK, "spoke", json!({})));
    let arm = MockArm::start(both).deny(SPOKE);
    let options = LiveOptions { subscriptions: vec![HUB.into(), SPOKE.into()], ..options(&arm) };
    let read = |sink: &mut dyn Sink| arm::collect_as(Arc::new(Counting::default()), &options, &|_| None, sink);
    let (_, inventory) = inventory::collect(read);
    assert!(inventory.incomplete("microsoft.network/routetables", SPOKE).is_some());
    assert!(inventory.incomplete("microsoft.network/routetables", HUB).is_none());
}
