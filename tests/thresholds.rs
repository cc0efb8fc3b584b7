//! The boundary of every threshold of the gateway policies, judged by the built-in policies themselves: the two sides of
//! each differ in one field of the estate, or in one second of the moment at which it is judged.

use std::sync::OnceLock;

use azaudit::facts::{Context, Options};
use azaudit::inventory::collect;
use azaudit::policy::{Judgement, PolicySet, Severity, Verdict, Verdicts};
use azaudit::source::{Batch, Kind};
use serde_json::{Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.Network";
const NEW_YEAR: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

/// Valid from 2025-01-01 to 2035-01-01, RSA with 2048 bits.
const ROOT: &str = include_str!("../testdata/certificates/root-rsa-2048.b64");
/// The same with 2047 bits.
const SHORTER_ROOT: &str = include_str!("../testdata/certificates/root-rsa-2047.b64");
const NOT_BEFORE: OffsetDateTime = datetime!(2025-01-01 00:00 UTC);
const NOT_AFTER: OffsetDateTime = datetime!(2035-01-01 00:00 UTC);

/// A virtual network with this prefix for its gateways.
fn network(gateway_subnet: &str) -> Value {
    let subnet = json!({"name": "GatewaySubnet", "properties": {"addressPrefix": gateway_subnet}});
    json!({
        "id": format!("{GROUP}/virtualNetworks/hub"),
        "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [subnet]},
    })
}

/// A gateway that serves clients, with these properties in place of its own.
fn gateway(changes: &Value) -> Value {
    let mut gateway = json!({
        "id": format!("{GROUP}/virtualNetworkGateways/gw1"),
        "location": "westeurope",
        "properties": {
            "gatewayType": "Vpn",
            "vpnType": "RouteBased",
            "provisioningState": "Succeeded",
            "activeActive": false,
            "sku": {"name": "VpnGw1AZ"},
            "ipConfigurations": [{"name": "default", "properties": {
                "subnet": {"id": format!("{GROUP}/virtualNetworks/hub/subnets/GatewaySubnet")},
            }}],
            "vpnClientConfiguration": {
                "vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]},
                "vpnClientProtocols": ["OpenVPN"],
                "vpnAuthenticationTypes": ["Certificate"],
                "vpnClientRootCertificates": [],
                "vpnClientRevokedCertificates": [],
            },
        },
    });
    merge(&mut gateway["properties"], changes);
    gateway
}

fn merge(into: &mut Value, changes: &Value) {
    match changes.as_object() {
        Some(changes) => changes.iter().for_each(|(key, value)| merge(&mut into[key], value)),
        None => *into = changes.clone(),
    }
}

fn clients(changes: &Value) -> Value {
    gateway(&json!({"vpnClientConfiguration": changes}))
}

fn root(name: &str, data: &str) -> Value {
    clients(&json!({"vpnClientRootCertificates": [{"name": name, "properties": {"publicCertData": data.trim()}}]}))
}

/// A gateway with so many sessions.
fn sessions(count: i64, sku: &str, protocol: &str, pool: &Value) -> Value {
    gateway(&json!({
        "sku": {"name": sku},
        "vpnClientConfiguration": {
            "vpnClientProtocols": [protocol],
            "vpnClientAddressPool": {"addressPrefixes": pool},
            "vpnClientConnectionHealth": {"vpnClientConnectionsCount": count},
        },
    }))
}

/// What the policy says of its one subject.
fn judgement(policy: &str, estate: &[Value], now: OffsetDateTime) -> Judgement {
    static POLICIES: OnceLock<PolicySet> = OnceLock::new();
    let policies = POLICIES.get_or_init(|| PolicySet::load(true, &[]).unwrap());
    let ((), inventory) = collect(|sink| {
        for resource in estate {
            sink.batch(Batch::whole(0, Kind::Resource, None, resource.to_string()));
        }
    });
    let options = Options::at(now);
    let context = Context { inventory: &inventory, options: &options };
    let (judgements, _) = policies.audit(context, Verdicts::ALL, Severity::Info);
    let mut own = judgements.iter().filter(|it| it.policy.id == policy);
    let (Some(one), None) = (own.next(), own.next()) else { panic!("{policy} has not one subject") };
    one.clone()
}

/// Its verdict, and how severe that is.
fn judge(policy: &str, estate: &[Value], now: OffsetDateTime) -> (Verdict, Severity) {
    let it = judgement(policy, estate, now);
    (it.verdict, it.severity)
}

fn verdict(policy: &str, estate: &[Value]) -> Verdict {
    judge(policy, estate, NEW_YEAR).0
}

fn verdict_at(policy: &str, estate: &Value, now: OffsetDateTime) -> Verdict {
    judge(policy, std::slice::from_ref(estate), now).0
}

#[test]
fn exactly_half_of_the_lifetime_passes_and_a_second_more_fails() {
    let (policy, half) = ("p2s-root-certificate-lifetime", NOT_BEFORE + (NOT_AFTER - NOT_BEFORE) / 2);
    assert_eq!(verdict_at(policy, &root("r", ROOT), half), Verdict::Pass);
    assert_eq!(verdict_at(policy, &root("r", ROOT), half + Duration::SECOND), Verdict::Fail);
}

#[test]
fn exactly_thirty_days_left_fails_and_a_second_more_passes() {
    let (policy, thirty) = ("p2s-root-certificate-expiring", NOT_AFTER - Duration::days(30));
    assert_eq!(verdict_at(policy, &root("r", ROOT), thirty), Verdict::Fail);
    assert_eq!(verdict_at(policy, &root("r", ROOT), thirty - Duration::SECOND), Verdict::Pass);
}

#[test]
fn the_first_moment_belongs_to_the_validity() {
    let policy = "p2s-root-certificate-expired";
    assert_eq!(verdict_at(policy, &root("r", ROOT), NOT_BEFORE), Verdict::Pass);
    assert_eq!(verdict_at(policy, &root("r", ROOT), NOT_BEFORE - Duration::SECOND), Verdict::Fail);
}

#[test]
fn the_last_moment_belongs_to_the_validity() {
    let policy = "p2s-root-certificate-expired";
    assert_eq!(verdict_at(policy, &root("r", ROOT), NOT_AFTER), Verdict::Pass);
    assert_eq!(verdict_at(policy, &root("r", ROOT), NOT_AFTER + Duration::SECOND), Verdict::Fail);
}

#[test]
fn lifetime_and_expiry_say_nothing_outside_of_the_validity() {
    for policy in ["p2s-root-certificate-lifetime", "p2s-root-certificate-expiring"] {
        assert_eq!(verdict_at(policy, &root("r", ROOT), NOT_AFTER), Verdict::Fail, "{policy}");
        let outside = [NOT_AFTER + Duration::SECOND, NOT_BEFORE - Duration::SECOND];
        for now in outside {
            assert_eq!(verdict_at(policy, &root("r", ROOT), now), Verdict::NotApplicable, "{policy} {now}");
        }
    }
}

#[test]
fn rsa_of_2048_bits_passes_and_2047_fails() {
    let policy = "p2s-root-certificate-weak";
    assert_eq!(verdict(policy, &[root("r", ROOT)]), Verdict::Pass);
    assert_eq!(verdict(policy, &[root("r", SHORTER_ROOT)]), Verdict::Fail);
}

#[test]
fn a_certificate_name_of_80_characters_passes_and_81_fails() {
    let policy = "p2s-root-certificate-name";
    assert_eq!(verdict(policy, &[root(&"n".repeat(80), ROOT)]), Verdict::Pass);
    assert_eq!(verdict(policy, &[root(&"n".repeat(81), ROOT)]), Verdict::Fail);
}

#[test]
fn twenty_roots_pass_and_21_fail() {
    let roots = |count: usize| {
        let roots = (0..count).map(|i| json!({"name": format!("r{i}"), "properties": {"publicCertData": "AAAA"}}));
        clients(&json!({"vpnClientRootCertificates": roots.collect::<Vec<_>>()}))
    };
    let policy = "p2s-root-certificate-count";
    assert_eq!(verdict(policy, &[roots(20)]), Verdict::Pass);
    assert_eq!(verdict(policy, &[roots(21)]), Verdict::Fail);
}

#[test]
fn a_thumbprint_of_40_digits_passes_39_and_41_fail() {
    let revoked = |digits: usize| {
        let thumbprint = "A".repeat(digits);
        clients(&json!({"vpnClientRevokedCertificates": [{"name": "x", "properties": {"thumbprint": thumbprint}}]}))
    };
    let policy = "p2s-revoked-thumbprint";
    assert_eq!(verdict(policy, &[revoked(40)]), Verdict::Pass);
    assert_eq!(verdict(policy, &[revoked(39)]), Verdict::Fail);
    assert_eq!(verdict(policy, &[revoked(41)]), Verdict::Fail);
}

#[test]
fn near_the_limit_is_80_percent_of_the_sessions() {
    let policy = "p2s-connections-near-limit";
    let of_1000 = |count| verdict(policy, &[sessions(count, "VpnGw3AZ", "OpenVPN", &json!(["172.16.0.0/16"]))]);
    assert_eq!(of_1000(790), Verdict::Pass);
    assert_eq!(of_1000(799), Verdict::Pass);
    assert_eq!(of_1000(800), Verdict::Fail);
    // 80 % of 128 are 102.4.
    let of_128 = |count| verdict(policy, &[sessions(count, "VpnGw3AZ", "SSTP", &json!(["172.16.0.0/16"]))]);
    assert_eq!(of_128(102), Verdict::Pass);
    assert_eq!(of_128(103), Verdict::Fail);
}

#[test]
fn at_the_limit_is_all_of_the_sessions() {
    let policy = "p2s-connections-at-limit";
    let of_1000 = |count| verdict(policy, &[sessions(count, "VpnGw3AZ", "OpenVPN", &json!(["172.16.0.0/16"]))]);
    assert_eq!(of_1000(990), Verdict::Pass);
    assert_eq!(of_1000(999), Verdict::Pass);
    assert_eq!(of_1000(1000), Verdict::Fail);
    let of_128 = |count| verdict(policy, &[sessions(count, "VpnGw3AZ", "SSTP", &json!(["172.16.0.0/16"]))]);
    assert_eq!(of_128(127), Verdict::Pass);
    assert_eq!(of_128(128), Verdict::Fail);
}

#[test]
fn a_gateway_subnet_of_27_passes_and_28_fails() {
    let policy = "gateway-subnet-size";
    assert_eq!(verdict(policy, &[network("10.0.255.0/27"), gateway(&json!({}))]), Verdict::Pass);
    assert_eq!(verdict(policy, &[network("10.0.255.0/28"), gateway(&json!({}))]), Verdict::Fail);
}

#[test]
fn a_gateway_subnet_of_29_is_enough_for_basic_alone() {
    let of = |subnet: &str, sku: &str| {
        verdict("gateway-subnet-size", &[network(subnet), gateway(&json!({"sku": {"name": sku}}))])
    };
    assert_eq!(of("10.0.255.0/29", "Basic"), Verdict::Pass);
    assert_eq!(of("10.0.255.0/30", "Basic"), Verdict::Fail);
    assert_eq!(of("10.0.255.0/29", "VpnGw1AZ"), Verdict::Fail);
}

#[test]
fn a_pool_of_29_is_the_smallest_and_of_28_with_two_instances() {
    let of = |pool: &str, active_active: bool| {
        let changes = json!({"activeActive": active_active,
            "vpnClientConfiguration": {"vpnClientAddressPool": {"addressPrefixes": [pool]},
                "vpnClientConnectionHealth": {"vpnClientConnectionsCount": 0}}});
        verdict("p2s-address-pool-size", &[gateway(&changes)])
    };
    assert_eq!(of("172.16.0.0/29", false), Verdict::Pass);
    assert_eq!(of("172.16.0.0/30", false), Verdict::Fail);
    assert_eq!(of("172.16.0.0/28", true), Verdict::Pass);
    assert_eq!(of("172.16.0.0/29", true), Verdict::Fail);
}

#[test]
fn sessions_on_exactly_80_percent_of_a_small_pool_pass_and_one_more_fails() {
    // 20 addresses for 250 sessions.
    let pool = json!(["172.16.0.0/28", "172.16.1.0/30"]);
    let of = |count| verdict("p2s-address-pool-size", &[sessions(count, "VpnGw1AZ", "OpenVPN", &pool)]);
    assert_eq!(of(16), Verdict::Pass);
    assert_eq!(of(17), Verdict::Fail);
}

#[test]
fn a_full_pool_passes_with_as_many_addresses_as_the_gateway_carries_sessions() {
    let of = |pool: &Value| verdict("p2s-address-pool-size", &[sessions(245, "VpnGw1AZ", "OpenVPN", pool)]);
    let sizes = ["172.16.0.0/25", "172.16.1.0/26", "172.16.2.0/27", "172.16.3.0/28", "172.16.4.0/29", "172.16.5.0/31"];
    assert_eq!(of(&json!(sizes)), Verdict::Pass);
    assert_eq!(of(&json!(sizes[..5])), Verdict::Fail);
}

#[test]
fn standard_and_high_performance_are_retired_from_july_2026_on() {
    let policy = "vpn-gateway-sku-retired";
    for sku in ["Standard", "HighPerformance"] {
        let gateway = gateway(&json!({"sku": {"name": sku}}));
        assert_eq!(verdict_at(policy, &gateway, datetime!(2026-06-30 23:59:59 UTC)), Verdict::Pass, "{sku}");
        assert_eq!(verdict_at(policy, &gateway, datetime!(2026-07-01 00:00:00 UTC)), Verdict::Fail, "{sku}");
    }
}

#[test]
fn skus_without_zones_are_retired_from_october_2026_on() {
    let policy = "vpn-gateway-sku-retired";
    for sku in ["VpnGw1", "VpnGw2", "VpnGw3", "VpnGw4", "VpnGw5"] {
        let gateway = gateway(&json!({"sku": {"name": sku}}));
        assert_eq!(verdict_at(policy, &gateway, datetime!(2026-09-30 23:59:59 UTC)), Verdict::Pass, "{sku}");
        assert_eq!(verdict_at(policy, &gateway, datetime!(2026-10-01 00:00:00 UTC)), Verdict::Fail, "{sku}");
    }
}

#[test]
fn a_sku_retires_at_midnight_utc_wherever_the_clock_stands() {
    let (policy, gateway) = ("vpn-gateway-sku-retired", gateway(&json!({"sku": {"name": "VpnGw1"}})));
    assert_eq!(verdict_at(policy, &gateway, datetime!(2026-10-01 01:59:59 +2)), Verdict::Pass);
    assert_eq!(verdict_at(policy, &gateway, datetime!(2026-10-01 02:00:00 +2)), Verdict::Fail);
    assert_eq!(verdict_at(policy, &gateway, datetime!(2026-09-30 19:59:59 -4)), Verdict::Pass);
    assert_eq!(verdict_at(policy, &gateway, datetime!(2026-09-30 20:00:00 -4)), Verdict::Fail);
}

#[test]
fn sstp_is_high_from_the_day_on_which_it_stops() {
    let gateway = clients(&json!({"vpnClientProtocols": ["SSTP"]}));
    let at = |now| judge("p2s-sstp-retiring", std::slice::from_ref(&gateway), now);
    assert_eq!(at(datetime!(2027-03-30 23:59:59 UTC)), (Verdict::Fail, Severity::Medium));
    assert_eq!(at(datetime!(2027-03-31 00:00:00 UTC)), (Verdict::Fail, Severity::High));
}

/// The article's sample certificate, as readers paste it; the folder of articles is not always there.
#[test]
fn the_articles_sample_certificate_on_a_gateway_is_pem_lines_and_damaged() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/seeds");
    let Ok(files) = std::fs::read_dir(folder) else { return };
    let mut samples = 0;
    for path in files.map(|file| file.unwrap().path()) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let last = "-----END CERTIFICATE-----";
        let (Some(start), Some(end)) = (text.find("-----BEGIN CERTIFICATE-----"), text.rfind(last)) else { continue };
        let estate = [root("sample", &text[start..end + last.len()])];
        let context = path.display();
        let format = judgement("p2s-root-certificate-format", &estate, NEW_YEAR);
        assert_eq!((format.verdict, &format.evidence["class"]), (Verdict::Fail, &json!("pemLines")), "{context}");
        assert_eq!(verdict("p2s-root-certificate-damaged", &estate), Verdict::Fail, "{context}");
        for policy in ["lifetime", "expiring", "expired", "not-root", "weak"] {
            let policy = format!("p2s-root-certificate-{policy}");
            assert_eq!(verdict(&policy, &estate), Verdict::Unknown, "{policy} {context}");
        }
        samples += 1;
    }
    assert_eq!(samples, 3);
}
