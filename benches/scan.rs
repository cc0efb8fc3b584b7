//! How fast a big export is audited: `cargo bench --bench scan`.
//!
//! It writes a list of resources of which a third are of types that the audit knows, and runs the whole audit over
//! it, at two sizes, so that what does not grow linearly shows. `cargo bench --bench scan -- FILE [RESOURCES]` only
//! writes the file, for a look at the finished program's time and memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

const SUBSCRIPTION: &str = "00000000-1111-2222-3333-444444444444";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    if let [path, rest @ ..] = arguments.as_slice() {
        let count = rest.first().map_or(200_000, |count| count.parse().expect("RESOURCES is a number"));
        generate(Path::new(path), count);
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for count in [50_000, 200_000] {
        let path = folder.path().join(format!("{count}.json"));
        generate(&path, count);
        let bytes = std::fs::metadata(&path).expect("the file was written").len();
        let start = Instant::now();
        let (read, inventory) = azaudit::inventory::collect(|sink| {
            azaudit::source::offline::read(&[PathBuf::from(&path)], &mut std::io::empty(), sink)
        });
        read.expect("the file is readable");
        let typed = start.elapsed();
        println!(
            "{count} resources, {} MB: typed {} in {:.2} s ({:.0} MB/s)",
            bytes / 1_000_000,
            inventory.known,
            typed.as_secs_f64(),
            bytes as f64 / 1e6 / typed.as_secs_f64(),
        );
    }
}

/// Writes a REST list of `count` resources, about 2 kB each.
fn generate(path: &Path, count: u64) {
    let mut out = BufWriter::new(File::create(path).expect("the file can be written"));
    write!(out, "{{\"value\":[").expect("written");
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        write!(out, "{comma}\n{}", resource(number)).expect("written");
    }
    write!(out, "]}}").expect("written");
    out.flush().expect("written");
}

/// Every third resource is known: an interface with its group and address, or a network.
fn resource(number: u64) -> String {
    let group = number / 300;
    if number.is_multiple_of(300) {
        return network(group);
    }
    match number % 12 {
        0 => interface(group, number / 12),
        3 => security_group(group, number / 12),
        6 => plain(
            group,
            "Microsoft.Network/publicIPAddresses",
            &format!("pip-{}", number / 12),
            &format!(
                r#""sku":{{"name":"Standard","tier":"Regional"}},"properties":{{"provisioningState":"Succeeded","ipAddress":"20.{}.{}.{}","publicIPAddressVersion":"IPv4","publicIPAllocationMethod":"Static"{}}}"#,
                number / 65_536 % 256,
                number / 256 % 256,
                number % 256,
                filler(1200)
            ),
        ),
        9 => plain(
            group,
            "Microsoft.Compute/virtualMachines",
            &format!("vm-{}", number / 12),
            &format!(
                r#""properties":{{"storageProfile":{{"osDisk":{{"osType":"Windows"}}}},"networkProfile":{{"networkInterfaces":[{{"id":"{}"}}]}}{}}}"#,
                id(group, "Microsoft.Network/networkInterfaces", &format!("nic-{}", number / 12)),
                filler(1500)
            ),
        ),
        other => {
            let types = [
                "Microsoft.Storage/storageAccounts",
                "Microsoft.Compute/disks",
                "Microsoft.Web/sites",
                "Microsoft.KeyVault/vaults",
            ];
            plain(
                group,
                types[other as usize % 4],
                &format!("other{number}"),
                &format!(r#""properties":{{"a":1{}}}"#, filler(1700)),
            )
        }
    }
}

fn id(group: u64, ty: &str, name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{group}/providers/{ty}/{name}")
}

fn plain(group: u64, ty: &str, name: &str, rest: &str) -> String {
    format!(
        r#"{{"name":"{name}","id":"{}","type":"{ty}","location":"westeurope","tags":{{"owner":"team {group}"}},{rest}}}"#,
        id(group, ty, name)
    )
}

/// Members that no fact needs, as real resources have many.
fn filler(bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes {
        text.push_str(&format!(
            r#","setting{}":{{"enabled":true,"value":"some \"quoted\" text that nobody reads","numbers":[1,2,3]}}"#,
            text.len()
        ));
    }
    text
}

/// The network of a resource group, with a subnet for its machines and one for its gateway.
fn network(group: u64) -> String {
    let space = format!("10.{}.{}.0/24", group / 256 % 256, group % 256);
    let rest = format!(
        r#""properties":{{"addressSpace":{{"addressPrefixes":["{space}"]}},"subnets":[{{"name":"machines","properties":{{"addressPrefix":"{space}"}}}},{{"name":"GatewaySubnet","properties":{{"addressPrefix":"10.255.0.0/27"}}}}]{}}}"#,
        filler(900)
    );
    plain(group, "Microsoft.Network/virtualNetworks", "vnet", &rest)
}

fn interface(group: u64, number: u64) -> String {
    let subnet = format!("{}/subnets/machines", id(group, "Microsoft.Network/virtualNetworks", "vnet"));
    let public = id(group, "Microsoft.Network/publicIPAddresses", &format!("pip-{number}"));
    let nsg = id(group, "Microsoft.Network/networkSecurityGroups", &format!("nsg-{number}"));
    let rest = format!(
        r#""properties":{{"provisioningState":"Succeeded","ipConfigurations":[{{"name":"ipconfig1","id":"{}/ipConfigurations/ipconfig1","properties":{{"privateIPAddress":"10.{}.{}.4","privateIPAllocationMethod":"Dynamic","primary":true,"privateIPAddressVersion":"IPv4","subnet":{{"id":"{subnet}"}},"publicIPAddress":{{"id":"{public}"}}}}}}],"networkSecurityGroup":{{"id":"{nsg}"}}{}}}"#,
        id(group, "Microsoft.Network/networkInterfaces", &format!("nic-{number}")),
        number / 256 % 256,
        number % 256,
        filler(900)
    );
    plain(group, "Microsoft.Network/networkInterfaces", &format!("nic-{number}"), &rest)
}

fn security_group(group: u64, number: u64) -> String {
    let rule = |index: u64| {
        // One interface in fifty is open to the Internet.
        let source = if number % 50 == 7 && index == 3 { "*".to_owned() } else { format!("10.{index}.0.0/16") };
        format!(
            r#"{{"name":"rule-{index}","properties":{{"protocol":"Tcp","sourcePortRange":"*","destinationPortRange":"3389","sourceAddressPrefix":"{source}","destinationAddressPrefix":"*","access":"Allow","priority":{},"direction":"Inbound"}}}}"#,
            100 + index
        )
    };
    let rules: Vec<String> = (0..8).map(rule).collect();
    let rest = format!(r#""properties":{{"provisioningState":"Succeeded","securityRules":[{}]}}"#, rules.join(","));
    plain(group, "Microsoft.Network/networkSecurityGroups", &format!("nsg-{number}"), &rest)
}
