//! `azaudit test-ip-flow`: answers, exit codes, and which machine is meant.

use serde_json::{Value, json};

use crate::azure::mock_arm::MockArm;
use crate::support::{Folder, Ran, azaudit, azaudit_with_env, azaudit_with_input};

const SUBSCRIPTION: &str = "3d9b7c52-6c1e-4f0a-9d55-0a1f6f2e8b11";

fn id(ty: &str, name: &str) -> String {
    in_group("rg-web", ty, name)
}

fn in_group(group: &str, ty: &str, name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{ty}/{name}")
}

fn resource(id: &str, properties: Value) -> Value {
    let (rest, name) = id.rsplit_once('/').unwrap();
    let ty = rest.rsplit_once("/providers/").unwrap().1;
    json!({"id": id, "name": name, "type": ty, "location": "westeurope", "properties": properties})
}

fn rule(name: &str, priority: u16, access: &str, remote: &str) -> Value {
    json!({"name": name, "properties": {
        "priority": priority, "access": access, "direction": "Inbound", "protocol": "Tcp",
        "sourceAddressPrefix": remote, "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "3389",
    }})
}

fn group(name: &str, rules: &[Value]) -> Value {
    resource(&id("Microsoft.Network/networkSecurityGroups", name), json!({"securityRules": rules}))
}

/// A network `vnet` with the subnet `web`, filtered by `nsg-subnet`.
fn network() -> Value {
    resource(
        &id("Microsoft.Network/virtualNetworks", "vnet"),
        json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16", "fd00::/48"]}, "subnets": [{"name": "web", "properties": {
            "addressPrefixes": ["10.0.1.0/24", "fd00::/64"],
            "networkSecurityGroup": {"id": id("Microsoft.Network/networkSecurityGroups", "nsg-subnet")},
        }}]}),
    )
}

/// An interface with these private addresses, filtered by `nsg-nic`.
fn interface(id: &str, machine: &str, addresses: &[Value]) -> Value {
    let subnet = self::id("Microsoft.Network/virtualNetworks", "vnet/subnets/web");
    let configurations = addresses.iter().enumerate().map(|(i, address)| {
        let version = if address.as_str().is_some_and(|it| it.contains(':')) { "IPv6" } else { "IPv4" };
        json!({"name": format!("ipconfig{i}"), "properties": {
            "privateIPAddress": address, "privateIPAddressVersion": version, "subnet": {"id": subnet}}})
    });
    let configurations: Vec<Value> = configurations.collect();
    resource(
        id,
        json!({
            "ipConfigurations": configurations,
            "virtualMachine": {"id": machine},
            "networkSecurityGroup": {"id": self::id("Microsoft.Network/networkSecurityGroups", "nsg-nic")},
        }),
    )
}

fn web01() -> Value {
    interface(
        &id("Microsoft.Network/networkInterfaces", "web01-nic"),
        &id("Microsoft.Compute/virtualMachines", "web01"),
        &[json!("10.0.1.4"), json!("fd00::4")],
    )
}

fn subnet_rules() -> Vec<Value> {
    vec![rule("AllowCorp", 200, "Allow", "203.0.113.0/24"), rule("AllowCorpV6", 210, "Allow", "2001:db8::/32")]
}

fn nic_rules() -> Vec<Value> {
    vec![rule("DenyGuests", 100, "Deny", "203.0.113.128/25"), rule("AllowAny", 300, "Allow", "*")]
}

/// `web01`, reached by 203.0.113.0/25, 2001:db8::/32, the network and the load balancer's probes.
fn estate() -> Vec<Value> {
    vec![network(), group("nsg-subnet", &subnet_rules()), group("nsg-nic", &nic_rules()), web01()]
}

/// Asks about TCP inbound to 10.0.1.4:3389 unless told otherwise.
fn ask(estate: &[Value], arguments: &[&str]) -> Ran {
    let given = |name: &str| arguments.contains(&name);
    let mut all = vec!["test-ip-flow", "--from", "-"];
    let defaults = [
        ("--direction", "Inbound"),
        ("--protocol", "TCP"),
        ("--local", "10.0.1.4:3389"),
        ("--remote", "203.0.113.7:50000"),
        ("--format", "json"),
    ];
    for (name, value) in defaults.into_iter().filter(|(name, _)| !given(name)) {
        all.extend([name, value]);
    }
    all.extend(arguments);
    azaudit_with_input(&all, Value::from(estate.to_vec()).to_string())
}

fn refused(ran: &Ran) -> &str {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("\nhint: "), "{}", ran.stderr);
    &ran.stderr
}

#[test]
fn an_allow_names_the_rule_of_the_last_level_and_everyone_else_who_gets_it() {
    let ran = ask(&estate(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let expected = json!({
        "schema": "azaudit.ip-flow/v1",
        "access": "Allow",
        "ruleName": "AllowAny",
        "level": "nic",
        "networkSecurityGroup": "nsg-nic",
        "priority": 300,
        "sources": ["10.0.0.0/16", "168.63.129.16/32", "203.0.113.0/25"],
        "sourceTags": [],
        "remotePorts": null,
        "localPorts": null,
        "decisions": [
            {"level": "subnet", "networkSecurityGroup": "nsg-subnet", "rule": "AllowCorp", "priority": 200, "access": "Allow"},
            {"level": "nic", "networkSecurityGroup": "nsg-nic", "rule": "AllowAny", "priority": 300, "access": "Allow"},
        ],
        "interface": id("Microsoft.Network/networkInterfaces", "web01-nic"),
        "ipConfiguration": "ipconfig0",
        "direction": "Inbound",
        "protocol": "TCP",
        "local": "10.0.1.4:3389",
        "remote": "203.0.113.7:50000",
        "unread": [],
        "remarks": [],
        "gaps": [],
    });
    assert_eq!(ran.json(), expected);
}

#[test]
fn a_deny_names_the_first_level_that_denies() {
    let guest = ask(&estate(), &["--remote", "203.0.113.200:50000"]);
    let stranger = ask(&estate(), &["--remote", "8.8.8.8:50000"]);
    let by = |ran: &Ran| ["access", "ruleName", "level", "priority"].map(|key| ran.json()[key].clone());
    assert_eq!(by(&guest), [json!("Deny"), json!("DenyGuests"), json!("nic"), json!(100)]);
    assert_eq!(by(&stranger), [json!("Deny"), json!("DenyAllInBound"), json!("subnet"), json!(65500)]);
    assert_eq!((guest.code, stranger.code), (1, 1));
    assert_eq!(stranger.json()["decisions"].as_array().unwrap().len(), 1, "the interface's group is not asked");
}

#[test]
fn outbound_the_interface_comes_first_and_the_internet_is_open() {
    let out = ["--direction", "outbound", "--local", "10.0.1.4:*", "--remote", "8.8.8.8:443"];
    let ran = ask(&estate(), &out);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let json = ran.json();
    let levels: Vec<&Value> = json["decisions"].as_array().unwrap().iter().map(|it| &it["level"]).collect();
    assert_eq!(levels, ["nic", "subnet"]);
    assert_eq!(json["ruleName"], "AllowInternetOutBound");
    assert_eq!((&json["localPorts"], &json["remotePorts"]), (&json!(["1-65535"]), &Value::Null));
}

#[test]
fn an_open_port_is_one_port_or_another() {
    let mut high = rule("AllowHigh", 100, "Allow", "8.8.8.8");
    high["properties"]["sourcePortRange"] = json!("1024-2047");
    let mut estate = estate();
    estate[1] = group("nsg-subnet", &[high]);
    let open = ask(&estate, &["--remote", "8.8.8.8:*"]);
    assert_eq!((open.code, &open.json()["remotePorts"]), (0, &json!(["1024-2047"])));
    assert_eq!(ask(&estate, &["--remote", "8.8.8.8:1023"]).code, 1);
    let denied = ask(&estate, &["--remote", "8.8.4.4:*"]);
    assert_eq!((denied.code, &denied.json()["remotePorts"]), (1, &json!(["1-65535"])));
}

#[test]
fn ipv6_is_asked_in_brackets_and_answered_in_ipv6() {
    let ran = ask(&estate(), &["--local", "[fd00::4]:3389", "--remote", "[2001:db8::7]:50000"]);
    assert_eq!(
        (ran.code, &ran.json()["sources"]),
        (0, &json!(["2001:db8::/32", "fd00::/48", "fe80::1234:5678:9abc/128"])),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.json()["ipConfiguration"], "ipconfig1");
    let mixed = ask(&estate(), &["--remote", "[2001:db8::7]:50000"]);
    assert!(refused(&mixed).contains("IPv4 and the other IPv6"), "{}", mixed.stderr);
}

#[test]
fn a_group_that_was_not_read_is_unknown_only_where_it_matters() {
    let mut estate = estate();
    estate.remove(1);
    let open = ask(&estate, &[]);
    assert_eq!(open.code, 3, "{}", open.stderr);
    let json = open.json();
    assert_eq!(
        [&json["access"], &json["level"], &json["ruleName"]],
        [&json!("Unknown"), &json!("subnet"), &Value::Null]
    );
    assert!(json["unread"][0]["what"].as_str().unwrap().contains("nsg-subnet"), "{json}");
    assert!(!json["unread"][0]["how"].as_str().unwrap().is_empty(), "{json}");
    let closed = ask(&estate, &["--remote", "203.0.113.200:50000"]);
    let json = closed.json();
    assert_eq!((closed.code, &json["ruleName"], &json["level"]), (1, &json!("DenyGuests"), &json!("nic")));
    assert_eq!((&json["unread"], &json["sources"]), (&json!([]), &json!(["203.0.113.128/25"])));
}

#[test]
fn a_service_tag_makes_an_answer_unknown_only_where_it_decides() {
    let with = |then: &str| {
        let mut estate = estate();
        estate[1] = group("nsg-subnet", &[rule("Sql", 100, "Allow", "Sql"), rule("Then", 200, then, "*")]);
        estate
    };
    let unknown = ask(&with("Deny"), &["--remote", "8.8.8.8:50000"]);
    assert_eq!((unknown.code, &unknown.json()["level"]), (3, &json!("subnet")), "{}", unknown.stderr);
    assert!(unknown.json()["unread"][0]["how"].as_str().unwrap().contains("--service-tags"), "{}", unknown.stdout);
    let private = ask(&with("Deny"), &["--remote", "192.168.0.1:50000"]);
    assert_eq!((private.code, &private.json()["ruleName"]), (1, &json!("Then")), "a tag means public addresses");
    let either = ask(&with("Allow"), &["--remote", "8.8.8.8:50000"]);
    assert_eq!((either.code, &either.json()["ruleName"]), (0, &json!("AllowAny")));
    assert!(either.json()["remarks"][0].as_str().unwrap().contains("`Sql` of `nsg-subnet`"), "{}", either.stdout);
}

#[test]
fn a_list_of_service_tags_gives_the_answer() {
    let list = json!({"changeNumber": 7, "cloud": "Public", "values": [
        {"name": "Sql", "id": "Sql", "properties": {"addressPrefixes": ["8.8.8.0/24"]}}]});
    let folder = Folder::new(&[("tags.json", list.to_string().as_bytes())]);
    let mut estate = estate();
    estate[1] = group("nsg-subnet", &[rule("Sql", 100, "Allow", "Sql")]);
    let of = |remote: &str| {
        let ran = ask(&estate, &["--remote", remote, "--service-tags", &folder.text("tags.json")]);
        (ran.code, ran.json()["ruleName"].clone())
    };
    assert_eq!(of("8.8.8.8:50000"), (0, json!("AllowAny")));
    assert_eq!(of("8.8.9.8:50000"), (1, json!("DenyAllInBound")));
    let missing = ask(&estate, &["--service-tags", &folder.text("none.json")]);
    assert!(refused(&missing).contains("none.json"), "{}", missing.stderr);
}

#[test]
fn without_any_rules_everything_is_allowed_by_none() {
    let mut nic = web01();
    nic["properties"].as_object_mut().unwrap().remove("networkSecurityGroup");
    let mut network = network();
    network["properties"]["subnets"][0]["properties"].as_object_mut().unwrap().remove("networkSecurityGroup");
    let ran = ask(&[network, nic], &["--remote", "8.8.8.8:50000"]);
    let json = ran.json();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!([&json["ruleName"], &json["priority"], &json["networkSecurityGroup"]], [&Value::Null; 3]);
    assert_eq!(
        [&json["level"], &json["decisions"], &json["sources"]],
        [&json!("none"), &json!([]), &json!(["0.0.0.0/0"])]
    );
    assert!(json["remarks"][0].as_str().unwrap().contains("Standard public address"), "{json}");
}

#[test]
fn admin_rules_come_first_and_may_end_it() {
    let with = |access: &str| {
        let row = json!({
            "id": format!("{}/providers/Microsoft.Network/effectiveSecurityAdminRules/Guard", id("Microsoft.Network/virtualNetworks", "vnet")),
            "name": "Guard", "type": "Microsoft.Network/effectiveSecurityAdminRules",
            "properties": {"access": access, "direction": "Inbound", "priority": 5, "protocol": "Any",
                "sources": [{"addressPrefix": "8.8.8.8", "addressPrefixType": "IPPrefix"}], "destinations": [],
                "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["0-65535"]},
        });
        let mut estate = estate();
        estate.push(row);
        let ran = ask(&estate, &["--remote", "8.8.8.8:50000"]);
        let json = ran.json();
        (ran.code, ["ruleName", "level", "networkSecurityGroup"].map(|key| json[key].clone()))
    };
    assert_eq!(with("AlwaysAllow"), (0, [json!("Guard"), json!("admin"), Value::Null]));
    assert_eq!(with("Deny"), (1, [json!("Guard"), json!("admin"), Value::Null]));
    assert_eq!(with("Allow"), (1, [json!("DenyAllInBound"), json!("subnet"), json!("nsg-subnet")]));
}

#[test]
fn a_machine_is_named_by_name_or_id_in_any_letter_case() {
    let machine = id("Microsoft.Compute/virtualMachines", "web01");
    let nic = id("Microsoft.Network/networkInterfaces", "web01-nic");
    for named in [["--vm", "WEB01"], ["--vm", &machine.to_uppercase()], ["--nic", "Web01-NIC"], ["--nic", &nic]] {
        assert_eq!(ask(&estate(), &named).code, 0, "{named:?}");
    }
    let unknown = ask(&estate(), &["--vm", "web1"]);
    assert!(refused(&unknown).contains("there is no machine `web1`") && unknown.stderr.contains("`web01`"));
    let unknown = ask(&estate(), &["--nic", "db"]);
    assert!(refused(&unknown).contains("there are `web01-nic`"), "{}", unknown.stderr);
}

#[test]
fn the_machine_may_be_what_names_the_interface() {
    let mut nic = web01();
    nic["properties"].as_object_mut().unwrap().remove("virtualMachine");
    let reference = json!({"networkProfile": {"networkInterfaces": [{"id": nic["id"]}]}});
    let machine = resource(&id("Microsoft.Compute/virtualMachines", "web01"), reference);
    let mut estate = estate();
    estate[3] = nic;
    estate.push(machine);
    assert_eq!(ask(&estate, &["--vm", "web01"]).code, 0);
    estate.remove(3);
    estate.push(interface(
        &id("Microsoft.Network/networkInterfaces", "other-nic"),
        &id("Microsoft.Compute/virtualMachines", "other"),
        &[json!("10.0.1.9")],
    ));
    let unread = ask(&estate, &["--vm", "web01"]);
    assert!(refused(&unread).contains("the interfaces of `web01` were not read"), "{}", unread.stderr);
    assert!(unread.stderr.contains("web01-nic"), "{}", unread.stderr);
}

#[test]
fn an_address_that_is_not_the_machines_is_refused_with_those_that_are() {
    for named in [&["--vm", "web01"][..], &[]] {
        let wrong = ask(&estate(), &[&["--local", "10.0.1.5:3389"], named].concat());
        assert!(refused(&wrong).contains("`10.0.1.4`, `fd00::4`"), "{}", wrong.stderr);
    }
}

#[test]
fn machines_that_cannot_be_told_apart_are_listed_and_the_resource_group_picks_one() {
    let other = in_group("rg-test", "Microsoft.Network/networkInterfaces", "web01-nic");
    let machine = in_group("rg-test", "Microsoft.Compute/virtualMachines", "web01");
    let mut estate = estate();
    let mut twin = interface(&other, &machine, &[json!("10.0.1.4")]);
    twin["properties"].as_object_mut().unwrap().remove("networkSecurityGroup");
    estate.push(twin);
    for named in [&["--vm", "web01"][..], &["--nic", "web01-nic"], &[]] {
        let several = ask(&estate, named);
        assert!(refused(&several).contains(&other) && several.stderr.contains("/rg-web/"), "{}", several.stderr);
        let picked = ask(&estate, &[named, &["-g", "RG-Test"]].concat());
        assert_eq!((picked.code, &picked.json()["interface"]), (0, &json!(other)), "{}", picked.stderr);
        let nowhere = ask(&estate, &[named, &["-g", "rg-none"]].concat());
        assert!(refused(&nowhere).contains("`rg-test`, `rg-web`"), "{}", nowhere.stderr);
    }
    let both = ask(&estate, &["--vm", &machine, "--nic", "web01-nic"]);
    assert_eq!((both.code, &both.json()["interface"]), (0, &json!(other)), "{}", both.stderr);
    let by_id = ask(&estate, &["--nic", &other]);
    assert_eq!((by_id.code, &by_id.json()["level"]), (0, &json!("subnet")));
}

#[test]
fn an_address_that_was_not_read_may_be_the_one_and_that_is_said() {
    let mut estate = estate();
    estate[3] = interface(
        &id("Microsoft.Network/networkInterfaces", "web01-nic"),
        &id("Microsoft.Compute/virtualMachines", "web01"),
        &[Value::Null],
    );
    let inside = ask(&estate, &[]);
    assert_eq!(inside.code, 0, "{}", inside.stderr);
    assert!(inside.json()["remarks"][0].as_str().unwrap().contains("it is taken for 10.0.1.4"), "{}", inside.stdout);
    refused(&ask(&estate, &["--local", "10.0.2.4:3389"]));
}

#[test]
fn the_model_of_a_scale_set_can_be_asked() {
    let subnet = id("Microsoft.Network/virtualNetworks", "vnet/subnets/web");
    let configuration = json!({"name": "ip", "properties": {"subnet": {"id": subnet}}});
    let nic = json!({"name": "nic", "properties": {"ipConfigurations": [configuration]}});
    let profile = json!({"virtualMachineProfile": {"networkProfile": {"networkInterfaceConfigurations": [nic]}}});
    let set = resource(&id("Microsoft.Compute/virtualMachineScaleSets", "portal"), profile);
    let estate = vec![network(), group("nsg-subnet", &subnet_rules()), set.clone()];
    let ran = ask(&estate, &["--vm", "portal"]);
    assert_eq!((ran.code, &ran.json()["ruleName"]), (0, &json!("AllowCorp")), "{}", ran.stderr);
    let interface = format!("{}/networkInterfaces/nic", set["id"].as_str().unwrap());
    assert_eq!(ran.json()["interface"], interface);
}

#[test]
fn input_without_interfaces_or_without_anything_is_refused() {
    assert!(refused(&ask(&[network()], &[])).contains("no network interface"));
    assert!(refused(&ask(&[], &[])).contains("nothing to audit"));
    let missing = azaudit(&[
        "test-ip-flow",
        "--from",
        "no-such.json",
        "--direction",
        "Inbound",
        "--protocol",
        "TCP",
        "--local",
        "10.0.0.4:1",
        "--remote",
        "10.0.0.5:1",
    ]);
    assert!(refused(&missing).contains("no-such.json"));
}

#[test]
fn arguments_that_mean_nothing_are_wrong_use() {
    for wrong in [
        ["--local", "10.0.1.4"],
        ["--local", "10.0.1.400:1"],
        ["--remote", "fd00::4:3389"],
        ["--remote", "8.8.8.8:70000"],
        ["--protocol", "icmp"],
        ["--direction", "in"],
    ] {
        let ran = ask(&estate(), &wrong);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{wrong:?}");
    }
}

#[test]
fn the_platform_is_not_filtered_and_the_answer_says_so() {
    let ran = ask(&estate(), &["--direction", "Outbound", "--remote", "168.63.129.16:53", "--protocol", "UDP"]);
    assert!(ran.json()["remarks"][0].as_str().unwrap().contains("168.63.129.16"), "{}", ran.stdout);
    let ran = ask(&estate(), &["--direction", "Outbound", "--remote", "168.63.129.17:53", "--protocol", "UDP"]);
    assert_eq!(ran.json()["remarks"], json!([]));
}

#[test]
fn people_read_a_few_lines() {
    let ran = ask(&estate(), &["--format", "table"]);
    let expected = "\
Allow: rule AllowAny of nsg-nic (network interface, priority 300)
TCP inbound from 203.0.113.7:50000 to 10.0.1.4:3389 (web01-nic of web01)

  1. subnet: Allow by AllowCorp of nsg-subnet (priority 200)
  2. network interface: Allow by AllowAny of nsg-nic (priority 300)

The same answer for 3 prefixes of remote addresses: 10.0.0.0/16, 168.63.129.16/32, 203.0.113.0/25
";
    assert_eq!(ran.stdout, expected);
    let mut estate = estate();
    estate.remove(1);
    let unknown = ask(&estate, &["--format", "table"]);
    assert!(unknown.stdout.starts_with("Unknown: "), "{}", unknown.stdout);
    assert!(unknown.stdout.contains("\nnot read: ") && unknown.stdout.contains("\nhint: "), "{}", unknown.stdout);
}

/// A packet from the Internet to the Remote Desktop of web01, asked for as JSON.
const PACKET: &[&str] = &[
    "--direction",
    "Inbound",
    "--protocol",
    "TCP",
    "--local",
    "10.0.1.4:3389",
    "--remote",
    "203.0.113.7:50000",
    "--format",
    "json",
];

#[test]
fn a_gap_is_told_and_does_not_change_a_certain_answer() {
    let mut text = Value::from(estate()).to_string();
    text.insert_str(1, r#"{"id": 7, "type": "Microsoft.Network/routeTables", "properties": []},"#);
    let arguments = [&["test-ip-flow", "--from", "-", "-q"], PACKET].concat();
    let ran = azaudit_with_input(&arguments, text);
    assert_eq!((ran.code, ran.gaps()), (0, vec!["damaged microsoft.network/routetables".to_owned()]), "{}", ran.stderr);
    assert!(ran.stderr.contains("gap: "), "{}", ran.stderr);
}

#[test]
fn live_gives_the_same_answer_as_offline() {
    let arm = MockArm::start(estate()).subscription(SUBSCRIPTION, "Contoso Web");
    let live = ["test-ip-flow", "--subscription", "Contoso Web", "-g", "rg-web", "--vm", "web01"];
    let signed_in = ["--auth", "managed-identity", "--timeout", "20"];
    let arguments = [&live, PACKET, &signed_in].concat();
    let live = azaudit_with_env(&arguments, &arm.variables());
    assert_eq!(live.code, 0, "{}", live.stderr);
    assert_eq!(live.json(), ask(&estate(), &[]).json());
    let stranger = [&arguments[..], &["-v"]].concat();
    let told = azaudit_with_env(&stranger, &arm.variables()).stderr;
    assert!(told.contains("requests: "), "{told}");
}
