//! Live collection over HTTP, against Azure Resource Manager on loopback.

mod faults;
mod machines;
mod outside;
mod plan;
mod sessions;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azaudit::inventory::{self, ResourceId};
use azaudit::source::arm::{self, LiveError, LiveOptions, LiveReport};
use azaudit::source::{Kind, Reason, Sink};
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use serde_json::{Value, json};
use time::OffsetDateTime;
use wiremock::{Request, ResponseTemplate};

use support::mock_arm::{MockArm, error, is_graph, is_later_graph_page};
use support::recording::Recording;
use support::wire;

const HUB: &str = "11111111-1111-1111-1111-111111111111";
const SPOKE: &str = "22222222-2222-2222-2222-222222222222";

/// Hands out `token-1`, `token-2`, …, one with each call.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl Counting {
    fn calls(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TokenCredential for Counting {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let call = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let expires = OffsetDateTime::now_utc() + time::Duration::HOUR;
        Ok(AccessToken::new(format!("token-{call}"), expires))
    }
}

/// What a test may change of a run.
fn options(arm: &MockArm) -> LiveOptions {
    LiveOptions {
        subscriptions: vec![HUB.into()],
        arm_endpoint: Some(arm.url()),
        timeout: Duration::from_secs(20),
        now: OffsetDateTime::from_unix_timestamp(1_767_225_600).unwrap(),
        ..LiveOptions::default()
    }
}

fn collect(options: &LiveOptions) -> (Result<LiveReport, LiveError>, Recording, Arc<Counting>) {
    let (credential, mut sink) = (Arc::new(Counting::default()), Recording::default());
    let report = arm::collect_as(credential.clone(), options, &|_| None, &mut sink);
    (report, sink, credential)
}

/// A run that found something to audit.
fn audit(options: &LiveOptions) -> (LiveReport, Recording) {
    let (report, sink, _) = collect(options);
    (report.expect("something was audited"), sink)
}

fn id(subscription: &str, ty: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/rg/providers/{ty}/{name}")
}

fn resource(subscription: &str, ty: &str, name: &str, properties: Value) -> Value {
    json!({"id": id(subscription, ty, name), "name": name, "type": ty, "location": "westeurope", "properties": properties})
}

const NETWORK: &str = "Microsoft.Network/virtualNetworks";
const GATEWAY: &str = "Microsoft.Network/virtualNetworkGateways";
const TABLE: &str = "Microsoft.Network/routeTables";
const INTERFACE: &str = "Microsoft.Network/networkInterfaces";
const GROUP: &str = "Microsoft.Network/networkSecurityGroups";
const ADDRESS: &str = "Microsoft.Network/publicIPAddresses";

/// A gateway with clients, a network with a route table, and five interfaces.
fn estate() -> Vec<Value> {
    let mut estate = vec![
        resource(
            HUB,
            GATEWAY,
            "gw",
            json!({"gatewayType": "Vpn", "vpnClientConfiguration": {
            "vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]},
            "vpnClientConnectionHealth": {"vpnClientConnectionsCount": 7}}}),
        ),
        resource(HUB, GATEWAY, "gw-without-clients", json!({"gatewayType": "ExpressRoute"})),
        resource(HUB, "Microsoft.Network/connections", "site", json!({"connectionType": "IPsec"})),
        resource(
            HUB,
            NETWORK,
            "hub",
            json!({"subnets": [{"name": "GatewaySubnet",
            "properties": {"routeTable": {"id": id(HUB, TABLE, "routes")}}}]}),
        ),
        resource(HUB, TABLE, "routes", json!({"routes": []})),
        resource(HUB, "Microsoft.Compute/virtualMachines", "vm", json!({})),
        resource(HUB, "Microsoft.Storage/storageAccounts", "other", json!({})),
    ];
    estate.extend((0..5).map(|n| resource(HUB, INTERFACE, &format!("nic{n}"), json!({}))));
    estate
}

/// The names of what is read of it.
const NAMES: [&str; 11] =
    ["gw", "gw-without-clients", "hub", "nic0", "nic1", "nic2", "nic3", "nic4", "routes", "site", "vm"];

fn gateway() -> String {
    id(HUB, GATEWAY, "gw")
}

fn path_has(text: &'static str) -> impl Fn(&Request) -> bool + Send + Sync {
    move |request| request.url.path().contains(text)
}
