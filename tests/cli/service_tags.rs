use serde_json::{Value, json};

use crate::support::{Folder, Ran, azaudit};

const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

fn rule(name: &str, priority: i64, access: &str, source: &str) -> Value {
    json!({"name": name, "properties": {"access": access, "direction": "Inbound", "priority": priority,
        "protocol": "Tcp", "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*",
        "destinationPortRange": "3389"}})
}

/// One interface with a public address, behind a group with these rules.
fn estate(rules: &[Value]) -> String {
    let resource = |ty: &str, name: &str, properties: Value| {
        json!({"id": format!("{NETWORK}/{ty}/{name}"), "name": name, "type": format!("Microsoft.Network/{ty}"),
            "location": "westeurope", "sku": {"name": "Standard"}, "properties": properties})
    };
    let subnet = format!("{NETWORK}/virtualNetworks/vnet/subnets/apps");
    json!([
        resource(
            "virtualNetworks",
            "vnet",
            json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [{"name": "apps", "id": subnet, "properties": {"addressPrefix": "10.0.0.0/24"}}]})
        ),
        resource("networkSecurityGroups", "nsg", json!({"securityRules": rules})),
        resource("publicIPAddresses", "pip", json!({"ipAddress": "20.1.2.3"})),
        resource(
            "networkInterfaces",
            "nic",
            json!({
            "networkSecurityGroup": {"id": format!("{NETWORK}/networkSecurityGroups/nsg")},
            "ipConfigurations": [{"name": "config", "properties": {"privateIPAddress": "10.0.0.4",
                "subnet": {"id": subnet}, "publicIPAddress": {"id": format!("{NETWORK}/publicIPAddresses/pip")}}}]})
        ),
    ])
    .to_string()
}

fn tags(cloud: &str, tags: &[(&str, &[&str])]) -> String {
    let value = |(name, prefixes): &(&str, &[&str])| json!({"name": name, "id": name, "properties": {"changeNumber": 1, "addressPrefixes": prefixes}});
    json!({"changeNumber": 412, "cloud": cloud, "values": tags.iter().map(value).collect::<Vec<_>>()}).to_string()
}

fn scan_bytes(rules: &[Value], tags: Option<&[u8]>, more: &[&str]) -> Ran {
    let folder = Folder::new(&[("estate.json", estate(rules).as_bytes()), ("tags.json", tags.unwrap_or_default())]);
    let (estate, file) = (folder.text("estate.json"), folder.text("tags.json"));
    let mut arguments = vec!["scan", "--from", &estate, "--now", "2026-01-01T00:00:00Z", "--format", "json"];
    arguments.extend(["--policy", "rdp-open-to-internet", "--show", "pass"]);
    if tags.is_some() {
        arguments.extend(["--service-tags", &file]);
    }
    arguments.extend(more);
    azaudit(&arguments)
}

fn scan(rules: &[Value], tags: Option<&str>, more: &[&str]) -> Ran {
    scan_bytes(rules, tags.map(str::as_bytes), more)
}

/// The verdict, and what is known of who gets in.
fn judged(ran: &Ran) -> (String, Value) {
    let report = ran.json();
    let [result] = &report["results"].as_array().unwrap()[..] else { panic!("{ran:?}") };
    (result["verdict"].as_str().unwrap().to_owned(), result["evidence"].clone())
}

#[test]
fn a_tag_counts_as_many_addresses_as_its_list_gives_it() {
    let rules = [rule("allow-azure", 100, "Allow", "azurecloud")];
    let (verdict, evidence) = judged(&scan(&rules, None, &[]));
    assert_eq!((verdict.as_str(), &evidence["sourceTags"]), ("pass", &json!(["azurecloud"])));

    let wide = tags("Public", &[("AzureCloud", &["20.0.0.0/7", "2603:1000::/24"])]);
    let (verdict, evidence) = judged(&scan(&rules, Some(&wide), &[]));
    assert_eq!((verdict.as_str(), &evidence["sourceTags"]), ("fail", &json!([])));
    assert_eq!(evidence["publicIpv4AtLeast"], 1 << 25);

    // The line is crossed by more than 2^24 addresses.
    let narrow = tags("Public", &[("AzureCloud", &["20.0.0.0/8", "2603:1000::/24"])]);
    let (verdict, evidence) = judged(&scan(&rules, Some(&narrow), &[]));
    assert_eq!((verdict.as_str(), &evidence["publicIpv4AtLeast"]), ("pass", &json!(1 << 24)));
}

#[test]
fn a_tag_that_the_list_lacks_stays_a_name() {
    let rules = [rule("allow-azure", 100, "Allow", "AzureCloud")];
    let list = tags("Public", &[("Storage", &["20.0.0.0/7"])]);
    let (verdict, evidence) = judged(&scan(&rules, Some(&list), &[]));
    assert_eq!((verdict.as_str(), &evidence["sourceTags"]), ("pass", &json!(["AzureCloud"])));
}

#[test]
fn a_deny_of_a_tag_takes_away_exactly_its_addresses() {
    let rules = [rule("deny-azure", 100, "Deny", "AzureCloud"), rule("allow-range", 200, "Allow", "20.0.0.0/6")];
    let (verdict, evidence) = judged(&scan(&rules, None, &[]));
    assert_eq!((verdict.as_str(), &evidence["publicIpv4AtMost"]), ("fail", &json!(1 << 26)));

    let list = tags("Public", &[("AzureCloud", &["20.0.0.0/8", "22.0.0.0/8", "100.0.0.0/8"])]);
    let (verdict, evidence) = judged(&scan(&rules, Some(&list), &[]));
    assert_eq!((verdict.as_str(), &evidence["sources"]), ("fail", &json!(["21.0.0.0/8", "23.0.0.0/8"])));

    let list = tags("Public", &[("AzureCloud", &["20.0.0.0/8", "22.0.0.0/7"])]);
    let (verdict, evidence) = judged(&scan(&rules, Some(&list), &[]));
    assert_eq!((verdict.as_str(), &evidence["sources"]), ("pass", &json!(["21.0.0.0/8"])));
}

#[test]
fn tags_of_the_network_mean_what_they_always_mean() {
    for tag in ["Internet", "VirtualNetwork", "AzureLoadBalancer"] {
        let rules = [rule("allow", 100, "Allow", tag)];
        let list = tags("Public", &[(tag, &["20.0.0.0/7"]), ("Sql", &["40.0.0.0/16"])]);
        assert_eq!(judged(&scan(&rules, Some(&list), &[])), judged(&scan(&rules, None, &[])), "{tag}");
    }
}

#[test]
fn a_tag_that_a_route_names_is_part_of_the_virtual_network() {
    let mut estate: Value = serde_json::from_str(&estate(&[rule("allow", 100, "Allow", "VirtualNetwork")])).unwrap();
    let table = format!("{NETWORK}/routeTables/rt");
    estate[0]["properties"]["subnets"][0]["properties"]["routeTable"] = json!({"id": table});
    let route = json!({"name": "r", "properties": {"addressPrefix": "AzureCloud", "nextHopType": "Internet"}});
    let table = json!({"id": table, "name": "rt", "type": "Microsoft.Network/routeTables", "location": "westeurope",
        "properties": {"routes": [route]}});
    estate.as_array_mut().unwrap().push(table);
    let list = tags("Public", &[("AzureCloud", &["20.0.0.0/7"])]);
    let folder = Folder::new(&[("estate.json", estate.to_string().as_bytes()), ("tags.json", list.as_bytes())]);
    let (estate, file) = (folder.text("estate.json"), folder.text("tags.json"));
    let fixed = ["scan", "--from", &estate, "--format", "json", "--policy", "rdp-open-to-internet", "--show", "pass"];
    let (verdict, evidence) = judged(&azaudit(&fixed));
    assert_eq!((verdict.as_str(), &evidence["sourceTags"]), ("pass", &json!(["AzureCloud"])));
    let (verdict, evidence) = judged(&azaudit(&[&fixed[..], &["--service-tags", &file]].concat()));
    assert_eq!((verdict.as_str(), &evidence["publicIpv4AtLeast"]), ("fail", &json!(1 << 25)));
}

#[test]
fn every_encoding_is_read_and_verbose_names_the_edition() {
    let rules = [rule("allow-azure", 100, "Allow", "AzureCloud")];
    let text = tags("Public", &[("AzureCloud", &["20.0.0.0/7"])]);
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for bytes in [
        text.clone().into_bytes(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [b"\xff\xfe", &utf16[..]].concat(),
        utf16,
    ] {
        let ran = scan_bytes(&rules, Some(&bytes), &["-v"]);
        assert_eq!(judged(&ran).0, "fail", "{}", ran.stderr);
        assert!(ran.stderr.contains("info: service tags: change 412, 1 tag ("), "{}", ran.stderr);
    }
}

#[test]
fn a_list_of_another_cloud_is_a_warning() {
    let rules = [rule("allow-azure", 100, "Allow", "AzureCloud")];
    let list = tags("AzureGovernment", &[("AzureCloud", &["20.0.0.0/7"])]);
    let warned = |more: &[&str]| {
        let ran = scan(&rules, Some(&list), more);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        ran.stderr.contains("warning: the service tags are those of the cloud `AzureGovernment`")
    };
    assert!(warned(&["--cloud", "public"]));
    assert!(!warned(&["--cloud", "usgov"]));
    // Nobody said which cloud the files are of.
    assert!(!warned(&[]));
}

#[test]
fn what_is_no_list_is_refused_with_the_way_to_get_one() {
    let rules = [rule("allow-azure", 100, "Allow", "AzureCloud")];
    let damaged = tags("Public", &[("AzureCloud", &["20.0.0.0/7"]), ("Sql.WestEurope", &["40.0.0.0/33"])]);
    let estate = estate(&rules);
    for (text, message) in [
        (estate.as_str(), "this is no list of service tags"),
        ("", "this is no list of service tags"),
        (r#"{"values": []}"#, "none of its `values` has a name and `properties.addressPrefixes`"),
        (&damaged, "the service tag `Sql.WestEurope` has a prefix that cannot be read: `40.0.0.0/33`"),
    ] {
        let ran = scan(&rules, Some(text), &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{text}");
        assert!(ran.stderr.contains(message), "{text}: {}", ran.stderr);
        assert!(ran.stderr.contains("\nhint: ") && ran.stderr.contains("az network list-service-tags"), "{text}");
    }
}

#[test]
fn a_rule_behind_the_addresses_of_a_tag_is_shadowed() {
    let rules = [rule("deny-azure", 100, "Deny", "AzureCloud"), rule("allow-some", 200, "Allow", "20.1.0.0/16")];
    let shadowed = |tags: Option<&str>| {
        let ran = scan(&rules, tags, &["--policy", "rdp-rule-shadowed"]);
        ran.results().contains(&"rdp-rule-shadowed fail allow-some".to_owned())
    };
    assert!(!shadowed(None));
    assert!(shadowed(Some(&tags("Public", &[("AzureCloud", &["20.0.0.0/8"])]))));
}

#[test]
fn a_group_attached_to_nothing_is_judged_by_the_addresses_of_its_tags() {
    let open = |prefix: &str| {
        let text = estate(&[rule("allow-azure", 100, "Allow", "AzureCloud")]);
        let resources: Vec<Value> = serde_json::from_str(&text).unwrap();
        let alone: Vec<&Value> = resources.iter().filter(|it| it["name"] == "nsg").collect();
        let list = tags("Public", &[("AzureCloud", &[prefix])]);
        let estate = json!(alone).to_string();
        let folder = Folder::new(&[("estate.json", estate.as_bytes()), ("tags.json", list.as_bytes())]);
        let files = (folder.text("estate.json"), folder.text("tags.json"));
        let common = ["scan", "--policy", "rdp-open-unattached", "--format", "json", "--show", "pass"];
        let ran = azaudit(&[&common[..], &["--from", &files.0, "--service-tags", &files.1]].concat());
        ran.results()
    };
    assert_eq!(open("20.0.0.0/7"), ["rdp-open-unattached fail nsg"]);
    assert_eq!(open("20.0.0.0/8"), ["rdp-open-unattached pass nsg"]);
}
