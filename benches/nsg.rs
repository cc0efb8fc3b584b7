//! What the evaluation of network security groups costs: `cargo bench --bench nsg`.
//!
//! One interface behind two groups of more and more rules, and the facts of more and more interfaces, each behind two
//! groups of 200 rules. Twice the interfaces should take twice the time; twice the rules hardly more than that.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use azaudit::facts::{self, Context, Options, Subject, SubjectKind};
use azaudit::inventory::{Inventory, collect};
use azaudit::source::{Batch, Kind};
use divan::counter::ItemsCount;

const SUBSCRIPTION: &str = "00000000-1111-2222-3333-444444444444";
/// Interfaces that share a subnet, and those that share a group of their own.
const IN_SUBNET: usize = 100;
const IN_GROUP: usize = 50;

fn main() {
    divan::main();
}

/// The facts of one interface: everything about its groups is worked out for it alone.
#[divan::bench(args = [50, 100, 200, 400, 800, 1600])]
fn one_interface_behind_two_groups_of_rules(bencher: divan::Bencher<'_, '_>, rules: usize) {
    let estate = estate(1, rules);
    bencher.counter(ItemsCount::new(2 * rules)).bench(|| judge(&estate));
}

/// The facts of all interfaces of an estate, on all cores.
#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 3, sample_size = 1)]
fn interfaces_behind_two_groups_of_200_rules(bencher: divan::Bencher<'_, '_>, interfaces: usize) {
    let estate = estate(interfaces, 200);
    bencher.counter(ItemsCount::new(interfaces)).bench(|| judge(&estate));
}

/// How many interfaces somebody on the Internet reaches.
fn judge(estate: &Inventory) -> u64 {
    let open = AtomicU64::new(0);
    let options = Options::at(time::OffsetDateTime::UNIX_EPOCH);
    let context = Context { inventory: estate, options: &options };
    facts::each(SubjectKind::RdpEndpoint, context, &|subject: &Subject<'_>| {
        let endpoint = subject.roots[0];
        let sources = endpoint.record_type().position("sourcePrefixes").expect("a fact");
        let reached = !matches!(endpoint.get(sources), azaudit::facts::schema::Value::Int(0));
        open.fetch_add(reached.into(), Ordering::Relaxed);
    });
    open.into_inner()
}

fn estate(interfaces: usize, rules: usize) -> Inventory {
    let ((), inventory) = collect(|sink| {
        let mut add = |text: String| sink.batch(Batch::whole(0, Kind::Resource, None, text));
        for group in 0..interfaces.div_ceil(IN_GROUP) {
            add(security_group(&format!("nic-{group}"), rules, group));
        }
        for number in 0..interfaces.div_ceil(IN_SUBNET) {
            add(security_group(&format!("subnet-{number}"), rules, number + 7));
            add(network(number));
        }
        for number in 0..interfaces {
            add(public_address(number));
            add(interface(number));
        }
    });
    assert!(inventory.gaps.is_empty(), "{:?}", inventory.gaps);
    inventory
}

fn id(ty: &str, name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/{ty}/{name}")
}

fn resource(ty: &str, name: &str, rest: &str) -> String {
    format!(r#"{{"id":"{}","name":"{name}","type":"Microsoft.Network/{ty}",{rest}}}"#, id(ty, name))
}

/// Every rule names prefixes of its own; each eighth is about Remote Desktop's port, from a range of sources.
fn security_group(name: &str, rules: usize, seed: usize) -> String {
    let mut list = String::new();
    for i in 0..rules {
        let comma = if i == 0 { "" } else { "," };
        let access = if (i + seed).is_multiple_of(3) { "Deny" } else { "Allow" };
        let (a, b) = (11 + (i * 7 + seed) % 200, (i * 13 + seed) % 256);
        let ports = if i % 8 == 0 { "3000-4000".to_owned() } else { (1000 + i).to_string() };
        let protocol = ["*", "Tcp", "Udp"][i % 3];
        write!(
            list,
            r#"{comma}{{"name":"rule-{i}","properties":{{"priority":{},"access":"{access}","direction":"Inbound","protocol":"{protocol}","sourceAddressPrefixes":["{a}.{b}.0.0/16","{a}.{b}.{b}.0/24"],"sourcePortRange":"*","destinationAddressPrefix":"10.0.0.0/8","destinationPortRange":"{ports}"}}}}"#,
            100 + i
        )
        .expect("written");
    }
    resource("networkSecurityGroups", name, &format!(r#""properties":{{"securityRules":[{list}]}}"#))
}

fn network(number: usize) -> String {
    let name = format!("vnet-{number}");
    let prefix = format!("10.{}.{}.0/24", number / 256, number % 256);
    let subnet = format!("{}/subnets/s", id("virtualNetworks", &name));
    let group = id("networkSecurityGroups", &format!("subnet-{number}"));
    resource(
        "virtualNetworks",
        &name,
        &format!(
            r#""properties":{{"addressSpace":{{"addressPrefixes":["{prefix}"]}},"subnets":[{{"id":"{subnet}","name":"s","properties":{{"addressPrefix":"{prefix}","networkSecurityGroup":{{"id":"{group}"}}}}}}]}}"#
        ),
    )
}

fn public_address(number: usize) -> String {
    let address = format!("20.{}.{}.{}", number / 65_536, number / 256 % 256, number % 256);
    let rest = format!(
        r#""sku":{{"name":"Standard"}},"properties":{{"ipAddress":"{address}","publicIPAllocationMethod":"Static"}}"#
    );
    resource("publicIPAddresses", &format!("pip-{number}"), &rest)
}

fn interface(number: usize) -> String {
    let network = number / IN_SUBNET;
    let address = format!("10.{}.{}.{}", network / 256, network % 256, 4 + number % IN_SUBNET);
    let subnet = format!("{}/subnets/s", id("virtualNetworks", &format!("vnet-{network}")));
    let public = id("publicIPAddresses", &format!("pip-{number}"));
    let group = id("networkSecurityGroups", &format!("nic-{}", number / IN_GROUP));
    resource(
        "networkInterfaces",
        &format!("nic-{number}"),
        &format!(
            r#""properties":{{"networkSecurityGroup":{{"id":"{group}"}},"ipConfigurations":[{{"name":"ipconfig1","properties":{{"privateIPAddress":"{address}","subnet":{{"id":"{subnet}"}},"publicIPAddress":{{"id":"{public}"}}}}}}]}}"#
        ),
    )
}
