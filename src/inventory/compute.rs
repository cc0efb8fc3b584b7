//! Machines and scale sets. Source of the fields: the 2026-04-01 types of Microsoft.Compute.

use super::arm::{Child, Reference, arm, merge_by_value};

arm! {
    /// `Microsoft.Compute/virtualMachines`.
    pub struct VirtualMachine {
        /// Its disks, which tell the operating system.
        pub storage_profile: Option<StorageProfile>,
        /// Its operating system's settings, which tell it too.
        pub os_profile: Option<OsProfile>,
        /// Its interfaces.
        pub network_profile: Option<NetworkProfile>,
        /// The scale set that it belongs to (flexible orchestration).
        pub virtual_machine_scale_set: Option<Reference>,
        /// `Succeeded`, `Updating`, `Failed`, …
        pub provisioning_state: Option<Box<str>>,
        /// How it runs; only `$expand=instanceView` and `statusOnly=true` give it.
        pub instance_view: Option<InstanceView>,
        /// What Resource Graph adds to the machine.
        pub extended: Option<Extended>,
        /// How it runs in words, `VM running`; only `az vm list --show-details` gives it.
        pub power_state: Option<Box<str>>,
    }

    /// What Resource Graph adds to a machine.
    pub struct Extended {
        /// How it runs, without its agent.
        pub instance_view: Option<InstanceView>,
    }

    /// How a machine runs.
    pub struct InstanceView {
        /// One for each of `ProvisioningState/…` and `PowerState/…`.
        pub statuses: Vec<InstanceStatus>,
        /// The state of power alone, in Resource Graph.
        pub power_state: Option<InstanceStatus>,
        /// The agent within the machine. A machine that does not run has none.
        pub vm_agent: Option<VmAgent>,
    }

    /// One state of a machine, or of its agent.
    pub struct InstanceStatus {
        /// `PowerState/running`, `ProvisioningState/succeeded`, `ProvisioningState/failed/CODE`.
        pub code: Option<Box<str>>,
        /// `VM running`, `Provisioning succeeded`; of an agent `Ready`, `Not Ready`.
        pub display_status: Option<Box<str>>,
        /// `Info`, `Warning`, `Error`.
        pub level: Option<Box<str>>,
        /// When it was so.
        pub time: Option<Box<str>>,
    }

    /// The agent within a machine.
    pub struct VmAgent {
        /// Its version, `Unknown` where it does not answer.
        pub vm_agent_version: Option<Box<str>>,
        /// Its states.
        pub statuses: Vec<InstanceStatus>,
    }

    /// Disks.
    pub struct StorageProfile {
        /// The disk that it starts from.
        pub os_disk: Option<OsDisk>,
    }

    /// The disk that a machine starts from.
    pub struct OsDisk {
        /// `Windows`, `Linux`.
        pub os_type: Option<Box<str>>,
    }

    /// Settings of the operating system: only which of the two is present is of interest.
    pub struct OsProfile {
        /// Present on Windows.
        pub windows_configuration: Option<Present>,
        /// Present on Linux.
        pub linux_configuration: Option<Present>,
    }

    /// An object whose presence is all that matters.
    pub struct Present {}

    /// Interfaces of a machine.
    pub struct NetworkProfile {
        /// References to them.
        pub network_interfaces: Vec<Reference>,
    }

    /// `Microsoft.Compute/virtualMachineScaleSets`.
    pub struct VirtualMachineScaleSet {
        /// The model that its machines are made from.
        pub virtual_machine_profile: Option<ScaleSetProfile>,
    }

    /// The model of a scale set.
    pub struct ScaleSetProfile {
        /// Its disks.
        pub storage_profile: Option<StorageProfile>,
        /// Its operating system's settings.
        pub os_profile: Option<OsProfile>,
        /// Its interfaces.
        pub network_profile: Option<ScaleSetNetworkProfile>,
    }

    /// Interfaces in the model of a scale set.
    pub struct ScaleSetNetworkProfile {
        /// One for each interface that every machine gets.
        pub network_interface_configurations: Vec<Child<ScaleSetInterface>>,
    }

    /// An interface in the model of a scale set.
    pub struct ScaleSetInterface {
        /// Its IP configurations.
        pub ip_configurations: Vec<Child<ScaleSetIpConfiguration>>,
        /// The NSG that filters it.
        pub network_security_group: Option<Reference>,
        /// Whether it is the first.
        pub primary: Option<bool>,
    }

    /// An IP configuration in the model of a scale set.
    pub struct ScaleSetIpConfiguration {
        /// The subnet.
        pub subnet: Option<Reference>,
        /// `IPv4`, `IPv6`.
        pub private_ip_address_version: Option<Box<str>>,
        /// Present where every machine gets a public address of its own.
        pub public_ip_address_configuration: Option<ScaleSetPublicAddress>,
        /// Application security groups.
        pub application_security_groups: Vec<Reference>,
        /// Back-end pools.
        pub load_balancer_backend_address_pools: Vec<Reference>,
        /// NAT pools.
        pub load_balancer_inbound_nat_pools: Vec<Reference>,
    }

    /// The public address that every machine of a scale set gets.
    pub struct ScaleSetPublicAddress {
        /// Its name.
        pub name: Option<Box<str>>,
        /// Its SKU.
        pub sku: Option<super::arm::Sku>,
    }
}

merge_by_value!(InstanceStatus);
