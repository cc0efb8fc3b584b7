//! Machines: how they run, just-in-time access to them, and those of the classic deployment model.

use super::*;

const MACHINE: &str = "Microsoft.Compute/virtualMachines";
const JUST_IN_TIME: &str = "microsoft.security/locations/jitnetworkaccesspolicies";

/// A machine that runs, with its agent.
fn running() -> Value {
    let ready = json!([{"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready"}]);
    let statuses =
        json!([{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/running", "displayStatus": "VM running"}]);
    let view = json!({"statuses": statuses, "vmAgent": {"vmAgentVersion": "2.7", "statuses": ready}});
    let properties = json!({"storageProfile": {"osDisk": {"osType": "Windows"}}, "instanceView": view});
    resource(HUB, MACHINE, "running", properties)
}

fn with(mut resources: Vec<Value>) -> MockArm {
    resources.extend(estate());
    MockArm::start(resources)
}

fn read(arm: &MockArm, options: &LiveOptions) -> inventory::Inventory {
    let read = |sink: &mut dyn Sink| arm::collect_as(Arc::new(Counting::default()), options, &|_| None, sink);
    let (report, inventory) = inventory::collect(read);
    assert!(report.is_ok(), "{report:?} of {}", arm.url());
    inventory
}

fn refused() -> ResponseTemplate {
    error(403, "AuthorizationFailed")
}

/// The codes of the states that are known of the machine, those of its agent behind them.
fn states(inventory: &inventory::Inventory) -> Vec<String> {
    let id = ResourceId::new(&id(HUB, MACHINE, "running"));
    let machine = &inventory.virtual_machines.get(&id).expect("the machine").properties;
    assert!(machine.storage_profile.is_some(), "its model is there too");
    let graph = machine.extended.iter().filter_map(|it| it.instance_view.as_ref()).flat_map(|it| &it.power_state);
    let view = machine.instance_view.iter().flat_map(|it| &it.statuses);
    let agent = machine.instance_view.iter().filter_map(|it| it.vm_agent.as_ref()).flat_map(|it| &it.statuses);
    graph.chain(view).chain(agent).filter_map(|it| it.code.as_deref().map(str::to_owned)).collect()
}

#[test]
fn resource_graph_tells_the_power_of_a_machine_by_itself() {
    let arm = with(vec![running()]);
    let inventory = read(&arm, &options(&arm));
    assert_eq!(states(&inventory), ["PowerState/running"]);
    assert_eq!(arm.count("/virtualMachines"), 0, "no list is asked for");
}

#[test]
fn lists_bring_the_instance_views_of_a_subscription_and_of_a_group() {
    for group in [None, Some("rg".to_owned())] {
        let arm = with(vec![running()]).always(is_graph, refused());
        let inventory = read(&arm, &LiveOptions { resource_group: group, ..options(&arm) });
        let all = ["ProvisioningState/succeeded", "PowerState/running", "ProvisioningState/succeeded"];
        assert_eq!(states(&inventory), all);
        assert_eq!(inventory.gaps.len(), 0, "{:?}", inventory.gaps);
        assert_eq!(inventory.notes, [""; 0]);
    }
}

#[test]
fn refused_instance_views_are_a_gap_and_cost_no_machine() {
    let arm = with(vec![running()])
        .always(is_graph, refused())
        .always(|request| request.url.query().is_some_and(|it| it.contains("statusOnly")), refused());
    let inventory = read(&arm, &options(&arm));
    assert_eq!(states(&inventory), [""; 0]);
    let gaps: Vec<_> = inventory.gaps.iter().map(|it| (it.scope.clone(), it.what.as_str(), it.reason)).collect();
    assert_eq!(gaps, [(format!("/subscriptions/{HUB}"), "instanceView", Reason::Forbidden)]);
    let arm = with(vec![running()])
        .always(is_graph, refused())
        .always(|request| request.url.query().is_some_and(|it| it.contains("instanceView")), refused());
    let inventory = read(&arm, &LiveOptions { resource_group: Some("rg".into()), ..options(&arm) });
    assert_eq!(states(&inventory), [""; 0]);
    let scopes: Vec<_> = inventory.gaps.iter().map(|it| it.scope.as_str()).collect();
    assert_eq!(scopes, [id(HUB, MACHINE, "running"), id(HUB, MACHINE, "vm")]);
}

#[test]
fn a_machine_elsewhere_is_read_with_its_instance_view() {
    let mut elsewhere = running();
    elsewhere["id"] = json!(id(SPOKE, MACHINE, "running"));
    let machine = json!({"virtualMachine": {"id": elsewhere["id"]}});
    let arm = with(vec![resource(HUB, INTERFACE, "nic9", machine), elsewhere]);
    let inventory = read(&arm, &options(&arm));
    let read = inventory.virtual_machines.get(&ResourceId::new(&id(SPOKE, MACHINE, "running"))).unwrap();
    assert!(read.properties.instance_view.as_ref().is_some_and(|view| view.vm_agent.is_some()));
}

/// Two policies, the second of another group.
fn policies() -> Vec<Value> {
    let policy = |group: &str, name: &str| {
        let scope = format!("/subscriptions/{HUB}/resourceGroups/{group}/providers/Microsoft.Security");
        let id = format!("{scope}/locations/westeurope/jitNetworkAccessPolicies/{name}");
        json!({"id": id, "name": name, "type": "Microsoft.Security/locations/jitNetworkAccessPolicies",
            "location": "westeurope", "properties": {"virtualMachines": []}})
    };
    vec![policy("rg", "default"), policy("other", "theirs")]
}

#[test]
fn just_in_time_policies_are_read_by_rest_page_by_page() {
    let arm = with(policies()).page(1);
    let inventory = read(&arm, &options(&arm));
    assert_eq!(inventory.jit_policies.len(), 2);
    assert_eq!(arm.count("jitNetworkAccessPolicies"), 2, "a page each");
    let arm = with(policies());
    let inventory = read(&arm, &LiveOptions { resource_group: Some("rg".into()), ..options(&arm) });
    assert_eq!(inventory.jit_policies.rows().iter().map(|it| &*it.name).collect::<Vec<_>>(), ["default"]);
}

#[test]
fn just_in_time_policies_are_asked_for_only_where_there_are_machines() {
    let arm = MockArm::start(vec![resource(HUB, NETWORK, "hub", json!({}))]);
    audit(&options(&arm));
    assert_eq!(arm.count("jitNetworkAccessPolicies"), 0);
    let arm = MockArm::start(vec![resource(HUB, INTERFACE, "nic", json!({}))]);
    audit(&options(&arm));
    assert_eq!(arm.count("jitNetworkAccessPolicies"), 1);
}

#[test]
fn refused_just_in_time_policies_are_a_gap() {
    let arm = with(policies()).always(path_has("/jitNetworkAccessPolicies"), refused());
    let (_, sink) = audit(&options(&arm));
    assert_eq!(sink.gap_list(), [(format!("/subscriptions/{HUB}").as_str(), JUST_IN_TIME, Reason::Forbidden)]);
}

#[test]
fn where_defender_is_not_registered_there_are_no_just_in_time_policies() {
    for (status, code) in [
        (409, "MissingSubscriptionRegistration"),
        (400, "NoRegisteredProviderFound"),
        (404, "SubscriptionNotRegistered"),
        (404, "Subscription Not Registered"),
        (404, "InvalidResourceType"),
    ] {
        let arm = with(vec![]).always(path_has("/jitNetworkAccessPolicies"), error(status, code));
        let (_, sink) = audit(&options(&arm));
        assert_eq!(sink.gap_list(), [], "{code}");
    }
    let arm = with(vec![]).always(path_has("/jitNetworkAccessPolicies"), error(400, "InvalidApiVersionParameter"));
    assert_eq!(audit(&options(&arm)).1.gaps.len(), 1, "any other answer is a gap");
}

#[test]
fn classic_resources_are_read_either_way_and_by_their_ids_alone() {
    let classic = vec![
        resource(HUB, "Microsoft.ClassicCompute/domainNames", "service", json!({})),
        resource(HUB, "Microsoft.ClassicStorage/storageAccounts", "account", json!({})),
    ];
    for group in [None, Some("rg".to_owned())] {
        let arm = with(classic.clone());
        let narrow = LiveOptions { resource_group: group, ..options(&arm) };
        assert_eq!(read(&arm, &narrow).classic_resources.len(), 2);
        let arm = arm.always(is_graph, refused());
        let inventory = read(&arm, &narrow);
        assert_eq!((inventory.classic_resources.len(), inventory.gaps.len()), (2, 0), "{:?}", inventory.gaps);
        assert_eq!(arm.count("/Microsoft.ClassicCompute/"), 0);
    }
}

#[test]
fn a_peered_classic_network_is_not_asked_for() {
    let classic = id(SPOKE, "Microsoft.ClassicNetwork/virtualNetworks", "old");
    let peering = json!({"virtualNetworkPeerings": [{"properties": {"remoteVirtualNetwork": {"id": classic}}}]});
    let arm = with(vec![resource(HUB, NETWORK, "peered", peering)]);
    assert_eq!(audit(&options(&arm)).1.gap_list(), []);
    assert_eq!(arm.count("ClassicNetwork"), 0);
}
