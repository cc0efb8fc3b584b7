//! What policies see: for each subject kind one documented struct, computed here and nowhere else.
//!
//! [`each`] walks the subjects of one kind; the engines beside it (certificates, address algebra, NSG evaluation)
//! are pure functions without I/O.

pub mod address;
pub mod belonging;
mod bicep;
pub mod certificate;
pub mod command;
pub mod gateway;
pub mod gateway_subnet;
pub mod ip_flow;
pub mod load_balancer_rule;
pub mod network_index;
pub mod network_security_group;
pub mod nsg;
pub mod peering;
pub mod rdp_endpoint;
pub mod resource;
pub mod root_certificate;
pub mod schema;
pub mod security_rule;
pub mod service_tag;
pub mod sessions;
pub mod sku;
pub mod virtual_machine;
pub mod way_in;

use std::sync::Arc;

use time::OffsetDateTime;

use crate::inventory::{Inventory, ResourceId};
use schema::{Record, RecordType};
use service_tag::ServiceTags;

/// The port that Remote Desktop listens on unless configured otherwise.
pub const RDP_PORT: u16 = 3389;

/// What facts depend on beside the inventory.
#[derive(Clone, Debug)]
pub struct Options {
    /// The moment of the audit.
    pub now: OffsetDateTime,
    /// The port that Remote Desktop listens on; 3389 unless configured.
    pub rdp_port: u16,
    /// The cloud that was named on the command line: `public`, `usgov`, `china`.
    pub cloud: Option<String>,
    /// The addresses behind service tags, as far as they are known.
    pub service_tags: Arc<ServiceTags>,
}

impl Options {
    /// The options of an audit at that moment for which nothing else was configured.
    pub fn at(now: OffsetDateTime) -> Self {
        Self { now, rdp_port: RDP_PORT, cloud: None, service_tags: Arc::default() }
    }
}

/// What facts are computed from.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The typed resources.
    pub inventory: &'a Inventory,
    /// The moment, the port, the cloud, the service tags.
    pub options: &'a Options,
}

/// The kinds of subjects that a policy can judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// A virtual network gateway, or the point-to-site gateway of a Virtual WAN hub.
    Gateway,
    /// A root certificate of a gateway or of a Virtual WAN server configuration.
    RootCertificate,
    /// A subnet named GatewaySubnet.
    GatewaySubnet,
    /// An IP configuration of a network interface.
    RdpEndpoint,
    /// A load-balancing rule, inbound NAT rule or inbound NAT pool.
    LoadBalancerRule,
    /// A virtual machine.
    VirtualMachine,
    /// Any ARM resource of a type that the audit knows.
    Resource,
    /// A network security group.
    NetworkSecurityGroup,
    /// A rule of a network security group; Azure's own are none.
    SecurityRule,
    /// A peering on the path of point-to-site clients, or of a network with a gateway.
    Peering,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Gateway,
        Self::RootCertificate,
        Self::GatewaySubnet,
        Self::RdpEndpoint,
        Self::LoadBalancerRule,
        Self::VirtualMachine,
        Self::Resource,
        Self::NetworkSecurityGroup,
        Self::SecurityRule,
        Self::Peering,
    ];

    /// The word that policies and reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::RootCertificate => "rootCertificate",
            Self::GatewaySubnet => "gatewaySubnet",
            Self::RdpEndpoint => "rdpEndpoint",
            Self::LoadBalancerRule => "loadBalancerRule",
            Self::VirtualMachine => "virtualMachine",
            Self::Resource => "resource",
            Self::NetworkSecurityGroup => "networkSecurityGroup",
            Self::SecurityRule => "securityRule",
            Self::Peering => "peering",
        }
    }

    /// The names that an expression about this kind can start with, and what they are. A subject's
    /// [`Subject::roots`] stand in the same order.
    pub fn roots(self) -> Vec<(&'static str, &'static RecordType)> {
        match self {
            Self::Gateway => gateway::roots(),
            Self::RootCertificate => root_certificate::roots(),
            Self::GatewaySubnet => gateway_subnet::roots(),
            Self::RdpEndpoint => rdp_endpoint::roots(),
            Self::LoadBalancerRule => load_balancer_rule::roots(),
            Self::VirtualMachine => virtual_machine::roots(),
            Self::Resource => resource::roots(),
            Self::NetworkSecurityGroup => network_security_group::roots(),
            Self::SecurityRule => security_rule::roots(),
            Self::Peering => peering::roots(),
        }
    }
}

/// Which thing a verdict is about. The fields are those of `subject` in the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The kind.
    pub kind: SubjectKind,
    /// The resource's id, as it was spelt in the input.
    pub id: ResourceId,
    /// The resource's name.
    pub name: String,
    /// The part of the resource: the name of the certificate, of the IP configuration, of the rule.
    pub element: Option<String>,
    /// The region, where it is known.
    pub location: Option<String>,
}

/// A subject with its facts.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Which one.
    pub identity: Identity,
    /// Its facts, in the order of [`SubjectKind::roots`].
    pub roots: Vec<&'a dyn Record>,
}

/// Calls `visit` for each subject of that kind, from several threads and in no particular order.
pub fn each(kind: SubjectKind, context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    match kind {
        SubjectKind::Gateway => gateway::each(context, visit),
        SubjectKind::RootCertificate => root_certificate::each(context, visit),
        SubjectKind::GatewaySubnet => gateway_subnet::each(context, visit),
        SubjectKind::RdpEndpoint => rdp_endpoint::each(context, visit),
        SubjectKind::LoadBalancerRule => load_balancer_rule::each(context, visit),
        SubjectKind::VirtualMachine => virtual_machine::each(context, visit),
        SubjectKind::Resource => resource::each(context, visit),
        SubjectKind::NetworkSecurityGroup => network_security_group::each(context, visit),
        SubjectKind::SecurityRule => security_rule::each(context, visit),
        SubjectKind::Peering => peering::each(context, visit),
    }
}
