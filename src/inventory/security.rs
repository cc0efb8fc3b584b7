//! Just-in-time access of Microsoft Defender for Cloud. Source of the fields: the 2020-01-01 types of
//! Microsoft.Security (`jitNetworkAccessPolicies.json`).

use super::arm::{arm, merge_by_value};
use super::id::ResourceId;

arm! {
    /// `Microsoft.Security/locations/jitNetworkAccessPolicies`.
    pub struct JitNetworkAccessPolicy {
        /// The machines whose ports it keeps closed.
        pub virtual_machines: Vec<JitVirtualMachine>,
        /// Who asked to open which port.
        pub requests: Vec<JitRequest>,
        /// `Succeeded`, …
        pub provisioning_state: Option<Box<str>>,
    }

    /// A machine under just-in-time access.
    pub struct JitVirtualMachine {
        /// The machine.
        pub id: Option<ResourceId>,
        /// The ports that are closed until somebody asks.
        pub ports: Vec<JitPort>,
        /// The public address of the firewall through which the machine is reached.
        pub public_ip_address: Option<Box<str>>,
    }

    /// A port that is closed until somebody asks.
    pub struct JitPort {
        /// The port on the machine.
        pub number: Option<i64>,
        /// `TCP`, `UDP`, `*`.
        pub protocol: Option<Box<str>>,
        /// Whom a request may let in: a prefix or `*`. Exclusive with the list.
        pub allowed_source_address_prefix: Option<Box<str>>,
        /// Whom a request may let in.
        pub allowed_source_address_prefixes: Vec<Box<str>>,
        /// For how long, as an ISO 8601 duration: `PT3H`.
        pub max_request_access_duration: Option<Box<str>>,
    }

    /// A request to open ports. Who made it is not read.
    pub struct JitRequest {
        /// The machines.
        pub virtual_machines: Vec<JitRequestedMachine>,
        /// When it was made.
        pub start_time_utc: Option<Box<str>>,
    }

    /// A machine of a request.
    pub struct JitRequestedMachine {
        /// The machine.
        pub id: Option<ResourceId>,
        /// The ports that were asked for.
        pub ports: Vec<JitRequestedPort>,
    }

    /// A port of a request.
    pub struct JitRequestedPort {
        /// The port on the machine.
        pub number: Option<i64>,
        /// Who is let in: a prefix or `*`. Exclusive with the list.
        pub allowed_source_address_prefix: Option<Box<str>>,
        /// Who is let in.
        pub allowed_source_address_prefixes: Vec<Box<str>>,
        /// Until when (RFC 3339).
        pub end_time_utc: Option<Box<str>>,
        /// `Initiated`, `Revoked`.
        pub status: Option<Box<str>>,
        /// The port on the firewall that leads to the machine's.
        pub mapped_port: Option<i64>,
    }
}

merge_by_value!(JitVirtualMachine, JitPort, JitRequest, JitRequestedMachine, JitRequestedPort);
