use super::*;

/// The facts of a machine with these properties.
fn machine(properties: &str) -> Machine {
    let id = ResourceId::new("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm");
    let name = id.name().into();
    let properties = crate::inventory::lenient::from_str(properties).unwrap();
    facts_of(&Resource { id, name, location: None, sku: None, zones: Vec::new(), properties })
}

fn with_power(code: &str) -> Machine {
    machine(&format!(r#"{{"provisioningState":"Succeeded","instanceView":{{"statuses":[{{"code":"{code}"}}]}}}}"#))
}

#[test]
fn the_power_state_is_read_wherever_it_stands() {
    for properties in [
        r#"{"instanceView":{"statuses":[{"code":"ProvisioningState/succeeded"},{"code":"PowerState/deallocated"}]}}"#,
        r#"{"extended":{"instanceView":{"powerState":{"code":"powerstate/Deallocated"}}}}"#,
        r#"{"instanceView":{"statuses":[{"displayStatus":"VM deallocated"}]}}"#,
        r#"{"powerState":"VM deallocated"}"#,
    ] {
        assert_eq!(machine(properties).power_state, Ok(PowerState::Deallocated), "{properties}");
    }
    for properties in ["{}", r#"{"instanceView":{"statuses":[{"code":"PowerState/unknown"}]}}"#, r#"{"powerState":""}"#]
    {
        assert!(machine(properties).power_state.is_err(), "{properties}");
    }
}

#[test]
fn every_power_state_has_its_words_and_only_a_machine_that_is_down_is_started() {
    let said = |code: &str| {
        let it = with_power(code);
        (it.running, it.problem, it.mend_commands.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>())
    };
    let start = vec!["az vm start --subscription s --resource-group rg --name vm".to_owned()];
    for (state, problem, commands) in [
        ("creating", "is still being created", vec![]),
        ("starting", "is starting and not up yet", vec![]),
        ("stopping", "is shutting down", vec![]),
        ("stopped", "is stopped", start.clone()),
        ("deallocating", "is being deallocated", vec![]),
        ("deallocated", "is deallocated", start),
    ] {
        assert_eq!(said(&format!("PowerState/{state}")), (Ok(false), problem.to_owned(), commands), "{state}");
    }
    assert_eq!(said("PowerState/running"), (Ok(true), String::new(), vec![]));
}

#[test]
fn the_worse_of_two_provisioning_states_counts_with_its_code() {
    let said = |model: &str, view: &str| {
        let it = machine(&format!(
            r#"{{"provisioningState":"{model}","instanceView":{{"statuses":[{{"code":"ProvisioningState/{view}"}}]}}}}"#
        ));
        (it.provisioning.ok(), it.provisioning_state)
    };
    assert_eq!(said("Succeeded", "succeeded"), (Some(Provisioning::Succeeded), "Succeeded".into()));
    let failed = (Some(Provisioning::Failed), "failed/AllocationFailed".to_owned());
    assert_eq!(said("Failed", "failed/AllocationFailed"), failed);
    assert_eq!(said("Succeeded", "failed/AllocationFailed"), failed);
    assert_eq!(said("Canceled", "succeeded"), (Some(Provisioning::Failed), "Canceled".into()));
    assert_eq!(said("Succeeded", "updating"), (Some(Provisioning::Changing), "updating".into()));
    for word in ["Creating", "Updating", "Migrating"] {
        assert_eq!(said(word, "succeeded").0, Some(Provisioning::Changing));
    }
    assert_eq!(said("Deleting", "updating").0, Some(Provisioning::Deleting));
    assert_eq!(said("", "").0, None);
}

#[test]
fn the_agent_counts_as_it_says_and_silence_is_excused_by_success_alone() {
    let said = |provisioning: &str, agent: &str| {
        let it = machine(&format!(
            r#"{{"provisioningState":"{provisioning}","instanceView":{{"statuses":[{{"code":"PowerState/running"}}],"vmAgent":{agent}}}}}"#
        ));
        (it.agent, it.agent_not_ready.ok())
    };
    let status = |status: &str| format!(r#"{{"statuses":[{status}]}}"#);
    assert_eq!(said("Updating", &status(r#"{"displayStatus":"Ready"}"#)), (AgentState::Ready, Some(false)));
    assert_eq!(said("Updating", &status(r#"{"code":"ProvisioningState/succeeded"}"#)).0, AgentState::Ready);
    assert_eq!(said("Succeeded", &status(r#"{"displayStatus":"Not Ready"}"#)), (AgentState::NotReady, Some(true)));
    assert_eq!(said("Succeeded", &status(r#"{"code":"ProvisioningState/Unavailable"}"#)).0, AgentState::NotReady);
    for nothing in ["null", "{}", r#"{"vmAgentVersion":"Unknown","statuses":[]}"#, r#"{"statuses":[{}]}"#] {
        assert_eq!(said("Succeeded", nothing), (AgentState::NotRead, Some(false)), "{nothing}");
        assert_eq!(said("Updating", nothing), (AgentState::NotRead, None), "{nothing}");
    }
}

#[test]
fn a_machine_that_is_deleted_is_not_started_and_one_that_failed_is_applied_again() {
    let down = r#""instanceView":{"statuses":[{"code":"PowerState/stopped"}]}"#;
    let deleting = machine(&format!(r#"{{"provisioningState":"Deleting",{down}}}"#));
    assert_eq!((deleting.problem.as_str(), deleting.mend_commands.len()), ("is stopped, and is being deleted", 0));
    let failed = machine(&format!(r#"{{"provisioningState":"Failed",{down}}}"#));
    assert_eq!(failed.problem, "is stopped, and its last change ended as `Failed`");
    let commands: Vec<_> = failed.mend_commands.iter().map(|it| it.as_str().split(' ').nth(2).unwrap()).collect();
    assert_eq!(commands, ["reapply", "start"]);
    let alone = machine(r#"{"provisioningState":"Failed"}"#);
    assert_eq!(alone.problem, "is not ready: its last change ended as `Failed`");
    assert_eq!(alone.mend_commands.len(), 1);
    let agent = r#""vmAgent":{"statuses":[{"displayStatus":"Not Ready"}]}"#;
    let silent =
        machine(&format!(r#"{{"provisioningState":"Failed","powerState":"VM running","instanceView":{{{agent}}}}}"#));
    let both = "runs, but its last change ended as `Failed`, and its Azure agent is not ready";
    assert_eq!(silent.problem, both);
    let unclear = machine(&format!(r#"{{"instanceView":{{{agent}}}}}"#));
    assert_eq!(unclear.problem, "is not ready: its Azure agent is not ready");
}

#[test]
fn a_machine_may_be_windows_until_something_says_linux() {
    for (properties, system, may_be) in [
        (r#"{"storageProfile":{"osDisk":{"osType":"WINDOWS"}}}"#, Some(MachineSystem::Windows), true),
        (r#"{"osProfile":{"windowsConfiguration":{}}}"#, Some(MachineSystem::Windows), true),
        (r#"{"storageProfile":{"osDisk":{"osType":"Linux"}}}"#, Some(MachineSystem::Linux), false),
        (r#"{"osProfile":{"linuxConfiguration":{}}}"#, Some(MachineSystem::Linux), false),
        (r#"{"osProfile":{}}"#, None, true),
    ] {
        let it = machine(properties);
        assert_eq!((it.operating_system.ok(), it.may_be_windows), (system, may_be), "{properties}");
    }
}
