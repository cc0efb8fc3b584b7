//! What is wrong with a machine, in words, and what mends it.

use super::{PowerState, Provisioning};
use crate::facts::command::{Command, az};
use crate::inventory::ResourceId;

/// What is known to be wrong with a machine.
pub(super) struct Faults {
    /// Its state of power, where it does not run.
    pub(super) power: Option<PowerState>,
    /// How its last change ended.
    pub(super) provisioning: Option<Provisioning>,
    /// Whether its agent says that it is not ready.
    pub(super) agent: bool,
    /// Whether it certainly runs.
    pub(super) runs: bool,
}

impl Faults {
    fn failed(&self) -> bool {
        self.provisioning == Some(Provisioning::Failed)
    }

    /// What is wrong, as a predicate; empty where nothing is.
    pub(super) fn problem(&self, provisioning_state: &str) -> String {
        let power = self.power.map(|power| match power {
            PowerState::Running => "runs",
            PowerState::Creating => "is still being created",
            PowerState::Starting => "is starting and not up yet",
            PowerState::Stopping => "is shutting down",
            PowerState::Stopped => "is stopped",
            PowerState::Deallocating => "is being deallocated",
            PowerState::Deallocated => "is deallocated",
        });
        let failed = self.failed().then(|| format!("its last change ended as `{provisioning_state}`"));
        let deleting = (self.power.is_some() && self.provisioning == Some(Provisioning::Deleting))
            .then(|| "is being deleted".to_owned());
        let agent = self.agent.then(|| "its Azure agent is not ready".to_owned());
        let parts: Vec<String> = [power.map(str::to_owned), deleting, failed, agent].into_iter().flatten().collect();
        let parts = parts.join(", and ");
        match self.power {
            None if parts.is_empty() => parts,
            None if self.runs => format!("runs, but {parts}"),
            None => format!("is not ready: {parts}"),
            Some(_) => parts,
        }
    }

    /// What to do about it, in sentences.
    pub(super) fn mending(&self) -> String {
        let power = self.power.map(|power| match power {
            PowerState::Running => "",
            _ if self.provisioning == Some(Provisioning::Deleting) => {
                "It is being deleted: take it out of what people connect to."
            }
            PowerState::Stopped | PowerState::Deallocated => {
                "Start it, if people are to connect to it now; a schedule or the rules for cost may have shut it down."
            }
            PowerState::Creating | PowerState::Starting => "Give it some minutes, and look again.",
            PowerState::Stopping | PowerState::Deallocating => {
                "Somebody shuts it down: wait until it is down, then start it, if people are to connect to it."
            }
        });
        let failed = self.failed().then_some(
            "Repeat its last change with `az vm reapply`, which keeps its disks. If that fails too, `az vm redeploy` \
             moves it to other hardware: it restarts, and its temporary disk is lost.",
        );
        let agent = self.agent.then_some(
            "Look into the machine (serial console, boot diagnostics): it may still be booting or hang, or the service \
             WindowsAzureGuestAgent does not run. When its users are ready, restart it with `az vm restart`; if that \
             does not help, install the agent again.",
        );
        [power, failed, agent].into_iter().flatten().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Commands that do it, where one can say which. None of them deletes.
    pub(super) fn commands(&self, id: &ResourceId) -> Vec<Command> {
        let command = |verb: &str| az(&format!("vm {verb}"), id, &["--name", id.name()]);
        let down = matches!(self.power, Some(PowerState::Stopped | PowerState::Deallocated));
        let verbs = [
            self.failed().then_some("reapply"),
            (down && self.provisioning != Some(Provisioning::Deleting)).then_some("start"),
        ];
        verbs.into_iter().flatten().map(command).collect()
    }
}
