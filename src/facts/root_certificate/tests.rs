use std::sync::Mutex;

use time::macros::datetime;

use super::*;
use crate::facts::Options;
use crate::facts::schema::{Value, record_to_json};
use crate::inventory::collect;
use crate::source::{Batch, Input, Kind};

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/certificates/", $name)).trim_end()
    };
}

const NOW: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

/// Identity and facts of every subject of these resources, as JSON, in the order of their names.
fn subjects(resources: &[serde_json::Value]) -> Vec<(Identity, serde_json::Value, serde_json::Value)> {
    let ((), inventory) = collect(|sink| {
        for resource in resources {
            sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
        }
        sink.input(Input { path: "-".into(), shape: "arm-array".into(), resources: resources.len() as u64 });
    });
    assert_eq!(inventory.gaps.len(), 0, "{:?}", inventory.gaps);
    let options = Options::at(NOW);
    let seen = Mutex::new(Vec::new());
    each(Context { inventory: &inventory, options: &options }, &|subject| {
        let [certificate, owner] = subject.roots[..] else { panic!("two roots are declared") };
        let row = (subject.identity.clone(), record_to_json(certificate), record_to_json(owner));
        seen.lock().unwrap().push(row);
    });
    let mut seen = seen.into_inner().unwrap();
    seen.sort_by(|(a, ..), (b, ..)| a.element.cmp(&b.element));
    seen
}

fn gateway(ty: &str, roots: serde_json::Value) -> serde_json::Value {
    serde_json::json!({
        "id": "/subscriptions/s1/resourceGroups/rg-vpn/providers/Microsoft.Network/virtualNetworkGateways/gw1",
        "type": "Microsoft.Network/virtualNetworkGateways",
        "location": "westeurope",
        "properties": {"gatewayType": ty, "vpnClientConfiguration": {"vpnClientRootCertificates": roots}},
    })
}

fn root(name: &str, data: impl Into<serde_json::Value>) -> serde_json::Value {
    serde_json::json!({"name": name, "properties": {"publicCertData": data.into()}})
}

fn facts(data: impl Into<serde_json::Value>) -> serde_json::Value {
    subjects(&[gateway("Vpn", serde_json::json!([root("P2SRoot", data)]))]).remove(0).1
}

#[test]
fn roots_of_gateways_and_of_virtual_wan_are_subjects() {
    let wan = serde_json::json!({
        "id": "/subscriptions/s1/resourceGroups/rg-wan/providers/Microsoft.Network/vpnServerConfigurations/config1",
        "type": "Microsoft.Network/vpnServerConfigurations",
        "properties": {"vpnClientRootCertificates": [{"name": "WanRoot", "publicCertData": data!("root-ec-p256.b64")}]},
    });
    let seen = subjects(&[wan, gateway("Vpn", serde_json::json!([root("P2SRoot", data!("root-rsa-2048.b64"))]))]);
    let [(id, certificate, owner), (wan_id, wan_certificate, wan_owner)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((id.name.as_str(), id.element.as_deref()), ("gw1", Some("P2SRoot")));
    assert_eq!(id.location.as_deref(), Some("westeurope"));
    assert_eq!(certificate["keyKind"], "rsa");
    let expected = serde_json::json!({"name": "gw1", "resourceGroup": "rg-vpn", "subscription": "s1", "virtualWan": false,
        "rootsPath": "properties.vpnClientConfiguration.vpnClientRootCertificates[].properties of Microsoft.Network/virtualNetworkGateways",
        "judged": true});
    assert_eq!(*owner, expected);
    assert_eq!((wan_id.name.as_str(), wan_id.element.as_deref()), ("config1", Some("WanRoot")));
    assert_eq!(wan_certificate["keyKind"], "ec");
    assert_eq!(wan_owner["virtualWan"], true);
}

#[test]
fn gateways_that_serve_no_clients_are_not_judged() {
    for (ty, judged) in [("Vpn", true), ("ExpressRoute", false), ("localgateway", false), ("", true)] {
        let seen = subjects(&[gateway(ty, serde_json::json!([root("P2SRoot", "")]))]);
        assert_eq!(seen[0].2["judged"], judged, "{ty}");
    }
}

#[test]
fn data_that_was_not_read_is_unread_and_empty_data_is_damage() {
    let absent = facts(serde_json::Value::Null);
    for fact in ["layout", "problem", "hasPrivateKey", "notAfter", "validityState", "elapsedFraction"] {
        let what = absent[fact]["unread"].as_str().unwrap_or_default();
        assert_eq!(what, "`publicCertData` of the root certificate `P2SRoot` on `gw1`", "{fact}");
    }
    let empty = facts("");
    assert_eq!((&empty["layout"], &empty["problem"]), (&"oneLine".into(), &"empty".into()));
    assert_eq!(empty["hasPrivateKey"], false);
    assert!(empty["notAfter"]["unread"].as_str().unwrap().contains("it is empty"));
}

#[test]
fn an_unevaluated_template_expression_is_not_data() {
    assert!(facts("[parameters('rootCertificate')]")["problem"]["unread"].is_string());
    assert_eq!(facts("[]")["problem"], "notBase64");
}

#[test]
fn a_renewed_root_stands_beside_the_old_one() {
    let commands = facts(data!("half-elapsed.b64"))["renewCommands"].to_string();
    assert!(commands.contains("--name P2SRoot-new --public-cert-data P2SRoot-new.cer"), "{commands}");
}

#[test]
fn a_root_of_virtual_wan_is_changed_alone() {
    let id = "/subscriptions/s1/resourceGroups/rg-wan/providers/Microsoft.Network/vpnServerConfigurations/config1";
    let data = data!("root-ec-p256.b64");
    let wan = serde_json::json!({"id": id, "type": "Microsoft.Network/vpnServerConfigurations",
        "properties": {"vpnClientRootCertificates": [{"name": "WanRoot", "publicCertData": format!("{data}\n")}]}});
    let commands = &subjects(&[wan])[0].1["mendCommands"];
    let set = format!("'properties.vpnClientRootCertificates[name=WanRoot].publicCertData={data}'");
    assert_eq!(*commands, serde_json::json!([format!("az resource update --ids {id} --set {set}")]));
}

#[test]
fn half_of_the_lifetime_is_exactly_half() {
    assert_eq!(facts(data!("half-elapsed.b64"))["elapsedFraction"], 0.5);
    assert_eq!(facts(data!("half-elapsed.b64"))["elapsedPercent"], "50 %");
    let past = facts(data!("half-elapsed-and-a-second.b64"));
    assert!(past["elapsedFraction"].as_f64().unwrap() > 0.5);
    assert_eq!(past["elapsedPercent"], "50.1 %");
}

#[test]
fn both_ends_of_the_validity_belong_to_it() {
    for (data, state) in [
        (data!("expires-at-2026.b64"), "valid"),
        (data!("expired-a-second-before-2026.b64"), "expired"),
        (data!("starts-at-2026.b64"), "valid"),
        (data!("starts-a-second-after-2026.b64"), "notYetValid"),
    ] {
        assert_eq!(facts(data)["validityState"], state);
    }
    assert_eq!(facts(data!("expires-at-2026.b64"))["daysLeft"], 0.0);
}

#[test]
fn a_validity_without_length_is_over_when_it_starts() {
    assert_eq!((validity_state(NOW, NOW, NOW), elapsed_fraction(NOW, NOW, NOW)), (ValidityState::Valid, 1.0));
    // As at the end of any other.
    assert_eq!(elapsed_fraction(NOW - time::Duration::DAY, NOW, NOW), 1.0);
    assert_eq!(elapsed_fraction(NOW, NOW, NOW - time::Duration::SECOND), 0.0);
}

#[test]
fn a_dirty_certificate_is_mended_with_a_file_of_der() {
    let clean = data!("root-rsa-2048.b64");
    let dirty = facts(format!("{}\n{}", &clean[..64], &clean[64..]));
    assert_eq!(dirty["layoutProblem"], "a line break (LF) at character 64");
    let az = "az network vnet-gateway root-cert create --subscription s1 --resource-group rg-vpn --gateway-name gw1";
    let expected = serde_json::json!([
        format!("printf %s {clean} | base64 -d > P2SRoot.cer"),
        format!("{az} --name P2SRoot --public-cert-data P2SRoot.cer"),
    ]);
    assert_eq!(dirty["mendCommands"], expected);
}

#[test]
fn no_name_breaks_out_of_a_command() {
    let name = "-x'; rm -rf ~ #";
    let seen = subjects(&[gateway("Vpn", serde_json::json!([root(name, data!("root-ec-p256.b64"))]))]);
    let commands = seen[0].1["replaceCommands"].to_string();
    assert!(commands.contains(r"'--name=-x'\\''; rm -rf ~ #'"), "{commands}");
    assert!(commands.contains("--public-cert-data x___rm_-rf____.cer"), "{commands}");
}

#[test]
fn no_fact_repeats_a_private_key() {
    let key = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/certificates/throwaway-key-pkcs8.pem"));
    let certificate = data!("root-ec-p256.b64");
    let body: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    for data in [
        key.to_owned(),
        format!("{key}-----BEGIN CERTIFICATE-----\n{certificate}"),
        format!("{certificate}\n{body}"),
        format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n{body}"),
        format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n{}", &body[64..]),
    ] {
        let shown = facts(data).to_string();
        for line in key.lines().filter(|line| !line.starts_with('-')) {
            assert!(!shown.contains(&line[..16]), "{shown}");
        }
    }
}

#[test]
fn a_certificate_whose_key_leaked_is_never_uploaded_again() {
    let key = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/certificates/throwaway-key-pkcs8.pem"));
    let beside = facts(format!("{key}{}", data!("root-ec-p256.b64")));
    assert_eq!((&beside["problem"], &beside["certificateBesideKey"]), (&"none".into(), &true.into()));
    assert!(!beside.to_string().contains(&data!("root-ec-p256.b64")[..40]), "{beside}");
    assert_eq!(beside["mendCommands"], beside["replaceCommands"]);
    let delete = "az network vnet-gateway root-cert delete --subscription s1 --resource-group rg-vpn --gateway-name gw1 --name P2SRoot";
    let mut expected = beside["renewCommands"].as_array().unwrap().clone();
    expected.push(delete.into());
    assert_eq!(beside["removeKeyCommands"], serde_json::Value::Array(expected));
    assert_eq!(facts(key)["removeKeyCommands"], serde_json::json!([delete]));
}

#[test]
fn only_a_certificate_stands_beside_a_key() {
    let key = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/certificates/throwaway-key-pkcs8.pem"));
    let cut = &data!("root-ec-p256.b64")[..200];
    for (data, beside) in [
        (key.to_owned(), false),
        ("garbage!!!".to_owned(), false),
        (r#"{"kty": "oct", "k": "AA"}"#.to_owned(), false),
        (data!("root-ec-p256.b64").to_owned(), false),
        (format!("{key}-----BEGIN CERTIFICATE-----\ngarbage!!!"), false),
        (format!("{key}-----BEGIN CERTIFICATE-----\n{cut}"), true),
    ] {
        assert_eq!(facts(&*data)["certificateBesideKey"], beside, "{data}");
    }
}

#[test]
fn a_long_cleaned_value_stands_in_no_command() {
    let facts = facts(format!("{} ", "QUJD".repeat(3_000)));
    assert!(!facts.to_string().contains("QUJDQUJD"));
    assert_eq!(facts["mendCommands"], facts["replaceCommands"]);
}

#[test]
fn the_roots_are_declared_in_the_order_of_the_subject() {
    let names: Vec<_> = roots().iter().map(|(name, ty)| (*name, ty.name)).collect();
    assert_eq!(names, [("certificate", "RootCertificate"), ("gateway", "CertificateOwner")]);
    let value = Value::Record(&CertificateOwner {
        name: String::new(),
        resource_group: String::new(),
        subscription: String::new(),
        virtual_wan: false,
        roots_path: String::new(),
        judged: false,
    });
    assert!(value.to_json().is_object());
}

/// Name and standing of the roots of one gateway.
fn standings(roots: &[(&str, &str)], revoked: serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let roots: Vec<_> = roots.iter().map(|(name, data)| root(name, *data)).collect();
    let mut gateway = gateway("Vpn", roots.into());
    gateway["properties"]["vpnClientConfiguration"]["vpnClientRevokedCertificates"] = revoked;
    let seen = subjects(&[gateway]).into_iter();
    seen.map(|(identity, facts, _)| (identity.element.unwrap(), facts["standing"].clone())).collect()
}

#[test]
fn a_name_that_a_template_computes_is_no_bad_name() {
    let of = |name| standings(&[(name, data!("root-ec-p256.b64"))], serde_json::json!([])).remove(0).1;
    assert!(of("[parameters('name')]")["nameFits"]["unread"].is_string());
    assert_eq!(of("[parameters('name')")["nameFits"], false);
}

#[test]
fn every_copy_of_a_root_is_told_to_go_but_the_same_one() {
    let (clean, other) = (data!("root-ec-p256.b64"), data!("root-rsa-2048.b64"));
    let dirty = format!("{clean}\n");
    let seen = standings(&[("a", &dirty), ("b", clean), ("c", clean), ("d", other)], serde_json::json!([]));
    let delete = |name| {
        let az =
            "az network vnet-gateway root-cert delete --subscription s1 --resource-group rg-vpn --gateway-name gw1";
        format!("{az} --name {name}")
    };
    for (name, standing) in &seen[..3] {
        assert_eq!(standing["singleOutCommands"], serde_json::json!([delete("a"), delete("c")]), "{name}");
    }
    assert_eq!(seen[1].1["twins"], serde_json::json!(["a", "c"]));
    assert_eq!(
        (&seen[3].1["twins"], &seen[3].1["singleOutCommands"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
}

#[test]
fn a_thumbprint_that_was_not_read_may_be_the_roots_own() {
    let of = |thumbprint| {
        let revoked = serde_json::json!([{"name": "r", "properties": {"thumbprint": thumbprint}}]);
        standings(&[("a", data!("root-ec-p256.b64"))], revoked).remove(0).1["revokedAs"].clone()
    };
    assert!(of(serde_json::Value::Null)["unread"].is_string());
    assert!(of("[parameters('thumbprint')]".into())["unread"].is_string());
    assert_eq!(of("".into()), serde_json::json!([]));
}
