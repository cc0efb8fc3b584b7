//! Facts about virtual machines: whether one runs, and how its last change ended.

mod faults;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use rayon::prelude::*;

use super::command::Command;
use super::schema::{Known, RecordType, Unread, fact_enum, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::compute::{InstanceStatus, InstanceView, OsProfile, StorageProfile, VirtualMachine};
use crate::inventory::{Resource, ResourceId};
use faults::Faults;

fact_enum! {
    /// The operating system of a machine.
    pub enum MachineSystem {
        /// Windows.
        Windows => "windows",
        /// Linux.
        Linux => "linux",
    }
}

fact_enum! {
    /// Whether a machine has power, in Azure's words.
    pub enum PowerState {
        /// It is being created.
        Creating => "creating",
        /// It is on its way up.
        Starting => "starting",
        /// It runs.
        Running => "running",
        /// It is on its way down.
        Stopping => "stopping",
        /// Shut down from within, and still paid for.
        Stopped => "stopped",
        /// It is giving its hardware back.
        Deallocating => "deallocating",
        /// Shut down, without hardware.
        Deallocated => "deallocated",
    }
}

fact_enum! {
    /// How the last change to a machine ended.
    pub enum Provisioning {
        /// Well.
        Succeeded => "succeeded",
        /// Not well, or it was cancelled on the way.
        Failed => "failed",
        /// It still goes on: creating, updating, migrating.
        Changing => "changing",
        /// The machine is being deleted.
        Deleting => "deleting",
    }
}

fact_enum! {
    /// What the Azure agent within a machine says.
    pub enum AgentState {
        /// It is ready.
        Ready => "ready",
        /// It does not answer, or says that it is not ready.
        NotReady => "notReady",
        /// Nothing of it was read. Resource Graph never has it, and a machine that does not run has no agent.
        NotRead => "notRead",
    }
}

facts! {
    /// A virtual machine.
    pub struct Machine {
        /// Its name.
        pub name: String,
        /// Its resource group.
        pub resource_group: String,
        /// The id of its subscription.
        pub subscription: String,
        /// Its operating system, by its disk or its settings.
        pub operating_system: Known<MachineSystem>,
        /// Whether nothing says that it runs another system than Windows.
        pub may_be_windows: bool,
        /// Its state of power, out of its instance view.
        pub power_state: Known<PowerState>,
        /// Whether that is `running`.
        pub running: Known<bool>,
        /// How its last change ended, by the machine and its instance view: the worse of both.
        pub provisioning: Known<Provisioning>,
        /// That in Azure's words, `Failed`; of a failure that has a code, with it: `failed/AllocationFailed`.
        pub provisioning_state: String,
        /// Whether it ended in failure.
        pub failed: Known<bool>,
        /// What its agent says.
        pub agent: AgentState,
        /// Whether its agent is certainly not ready. Where nothing of the agent was read, a machine whose last change
        /// succeeded is given credit; of any other it is unread.
        pub agent_not_ready: Known<bool>,
        /// What is wrong, as a predicate: `is deallocated`; empty where nothing is known to be.
        pub problem: String,
        /// What to do about it, in sentences; empty where nothing is wrong.
        pub mending: String,
        /// Commands that start a machine that is down, and repeat a change that failed. None of them deletes.
        pub mend_commands: Vec<Command>,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("machine", Machine::describe())]
}

/// Calls `visit` for each subject, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    context.inventory.virtual_machines.rows().par_iter().for_each(|machine| {
        let facts = facts_of(machine);
        let identity = Identity {
            kind: SubjectKind::VirtualMachine,
            id: machine.id.clone(),
            name: facts.name.clone(),
            element: None,
            location: machine.location.as_deref().map(str::to_owned),
        };
        visit(&Subject { identity, roots: vec![&facts] });
    });
}

fn facts_of(machine: &Resource<VirtualMachine>) -> Machine {
    let it = &machine.properties;
    let operating_system = operating_system(&machine.id, &it.storage_profile, &it.os_profile);
    let power_state = power_state(machine);
    let (provisioning, provisioning_state) = provisioning(machine);
    let agent = agent(it);
    let agent_not_ready = match (agent, &provisioning) {
        (AgentState::Ready, _) | (AgentState::NotRead, Ok(Provisioning::Succeeded)) => Ok(false),
        (AgentState::NotReady, _) => Ok(true),
        (AgentState::NotRead, _) => Err(unread(machine, "what the agent says")),
    };
    let faults = Faults {
        power: power_state.as_ref().ok().copied().filter(|it| *it != PowerState::Running),
        provisioning: provisioning.as_ref().ok().copied(),
        // Of a machine that does not run, nobody expects an agent that answers.
        agent: agent == AgentState::NotReady && !matches!(power_state, Ok(it) if it != PowerState::Running),
        runs: power_state == Ok(PowerState::Running),
    };
    Machine {
        name: machine.name.to_string(),
        resource_group: machine.id.resource_group().to_owned(),
        subscription: machine.id.subscription().to_owned(),
        may_be_windows: operating_system != Ok(MachineSystem::Linux),
        running: power_state.clone().map(|it| it == PowerState::Running),
        failed: provisioning.clone().map(|it| it == Provisioning::Failed),
        problem: faults.problem(&provisioning_state),
        mending: faults.mending(),
        mend_commands: faults.commands(&machine.id),
        operating_system,
        power_state,
        provisioning,
        provisioning_state,
        agent,
        agent_not_ready,
    }
}

/// The operating system of a machine: its disk tells it, or its settings do.
pub fn operating_system(
    id: &ResourceId,
    disks: &Option<StorageProfile>,
    settings: &Option<OsProfile>,
) -> Known<MachineSystem> {
    let disk = disks.as_ref().and_then(|it| it.os_disk.as_ref()).and_then(|it| it.os_type.as_deref());
    let settings = settings.as_ref();
    match disk.map(str::trim) {
        Some(it) if it.eq_ignore_ascii_case("windows") => Ok(MachineSystem::Windows),
        Some(it) if it.eq_ignore_ascii_case("linux") => Ok(MachineSystem::Linux),
        _ if settings.is_some_and(|it| it.windows_configuration.is_some()) => Ok(MachineSystem::Windows),
        _ if settings.is_some_and(|it| it.linux_configuration.is_some()) => Ok(MachineSystem::Linux),
        _ => {
            let how = format!("read the machine with its disks (`az resource show --ids {id}`)");
            Err(Unread::new(format!("the operating system of `{}`", id.name()), how))
        }
    }
}

fn unread(machine: &Resource<VirtualMachine>, what: &str) -> Unread {
    let how = "export the machine with `$expand=instanceView`, or read it live";
    Unread::new(format!("{what} of `{}`", machine.name), how)
}

/// The instance views of a machine, the one that says more first.
fn views(machine: &VirtualMachine) -> impl Iterator<Item = &InstanceView> {
    let extended = machine.extended.as_ref().and_then(|it| it.instance_view.as_ref());
    machine.instance_view.as_ref().into_iter().chain(extended)
}

fn power_state(machine: &Resource<VirtualMachine>) -> Known<PowerState> {
    let it = &machine.properties;
    let statuses = views(it).flat_map(|view| view.statuses.iter().chain(&view.power_state));
    let words =
        statuses.filter_map(|status| coded(status, "PowerState").or_else(|| power_words(&status.display_status)));
    let mut words = words.chain(power_words(&it.power_state));
    let found = words.find_map(|word| {
        Some(match word.to_ascii_lowercase().as_str() {
            "creating" => PowerState::Creating,
            "starting" => PowerState::Starting,
            "running" => PowerState::Running,
            "stopping" => PowerState::Stopping,
            "stopped" => PowerState::Stopped,
            "deallocating" => PowerState::Deallocating,
            "deallocated" => PowerState::Deallocated,
            // `unknown`: Azure itself cannot tell.
            _ => return None,
        })
    });
    found.ok_or_else(|| unread(machine, "the power state"))
}

/// What follows that word in a status code: `running` in `PowerState/running`.
fn coded<'a>(status: &'a InstanceStatus, word: &str) -> Option<&'a str> {
    let (kind, rest) = status.code.as_deref()?.trim().split_once('/')?;
    kind.eq_ignore_ascii_case(word).then_some(rest)
}

/// `running` in `VM running`.
fn power_words(words: &Option<Box<str>>) -> Option<&str> {
    let (vm, rest) = words.as_deref()?.trim().split_once(' ')?;
    vm.eq_ignore_ascii_case("VM").then(|| rest.trim())
}

/// How the last change ended, and that in Azure's words.
fn provisioning(machine: &Resource<VirtualMachine>) -> (Known<Provisioning>, String) {
    let it = &machine.properties;
    let coded = views(it).flat_map(|view| &view.statuses).filter_map(|status| coded(status, "ProvisioningState"));
    let words = it.provisioning_state.as_deref().into_iter().chain(coded);
    let read = words.filter_map(|word| Some((provisioning_of(word)?, word.trim())));
    // A failure weighs more than a change, and that more than success.
    let weight = |it: Provisioning| match it {
        Provisioning::Failed => 3,
        Provisioning::Deleting => 2,
        Provisioning::Changing => 1,
        Provisioning::Succeeded => 0,
    };
    // Of two that say the same, the one with a code of the failure says more, else the first one counts.
    match read.min_by_key(|(state, word)| Reverse((weight(*state), word.contains('/')))) {
        Some((state, word)) => (Ok(state), word.to_owned()),
        None => (Err(unread(machine, "the provisioning state")), String::new()),
    }
}

fn provisioning_of(word: &str) -> Option<Provisioning> {
    let word = word.trim().split('/').next()?.to_ascii_lowercase();
    Some(match word.as_str() {
        "succeeded" => Provisioning::Succeeded,
        "failed" | "canceled" | "cancelled" => Provisioning::Failed,
        "deleting" => Provisioning::Deleting,
        "creating" | "updating" | "migrating" => Provisioning::Changing,
        _ => return None,
    })
}

fn agent(machine: &VirtualMachine) -> AgentState {
    let statuses = views(machine).filter_map(|view| view.vm_agent.as_ref()).flat_map(|agent| &agent.statuses);
    let says = |status: &InstanceStatus| {
        let word = status.display_status.as_deref().map(str::trim).filter(|it| !it.is_empty());
        match word.or_else(|| coded(status, "ProvisioningState")) {
            None => AgentState::NotRead,
            Some(it) if ["ready", "succeeded"].iter().any(|good| it.eq_ignore_ascii_case(good)) => AgentState::Ready,
            Some(_) => AgentState::NotReady,
        }
    };
    let all: Vec<AgentState> = statuses.map(says).collect();
    let said = [AgentState::NotReady, AgentState::Ready].into_iter().find(|state| all.contains(state));
    said.unwrap_or(AgentState::NotRead)
}
