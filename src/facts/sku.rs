//! Gateway SKUs: how many sessions they carry, and when they retire.
//!
//! Sources: the table "gateway SKUs by tunnel, connection, and throughput" (learn.microsoft.com, about-gateway-skus,
//! June 2026) for the sessions, "gateway SKU consolidation" (May 2026) for the retirements, "gateway settings" of
//! Virtual WAN for the scale units. A number that is published nowhere is not in here.

use time::Date;
use time::macros::date;

/// What is known of one SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sku {
    /// Its name, `properties.sku.name`.
    pub name: &'static str,
    /// How many SSTP sessions it carries; `None`: it serves no clients.
    pub sstp: Option<u32>,
    /// How many IKEv2 and OpenVPN sessions it carries together, beside the SSTP ones; `None`: not published, or it
    /// serves no clients.
    pub ikev2_open_vpn: Option<u32>,
    /// The first day on which it counts as retired, UTC.
    pub retired: Option<Date>,
}

/// The last month of Standard and HighPerformance was June 2026.
const LEGACY: Option<Date> = Some(date!(2026 - 07 - 01));
/// SKUs without availability zones ended on 30 September 2026.
const WITHOUT_ZONES: Option<Date> = Some(date!(2026 - 10 - 01));

/// How many SSTP sessions every SKU carries that serves clients.
pub const SSTP_SESSIONS: u32 = 128;

const fn vpn(name: &'static str, ikev2_open_vpn: Option<u32>, retired: Option<Date>) -> Sku {
    Sku { name, sstp: Some(SSTP_SESSIONS), ikev2_open_vpn, retired }
}

const fn express_route(name: &'static str) -> Sku {
    Sku { name, sstp: None, ikev2_open_vpn: None, retired: None }
}

/// All SKUs of virtual network gateways. The generation changes the throughput, not the sessions.
pub const SKUS: [Sku; 18] = [
    // Basic serves IKEv2 since November 2025; for how many sessions is not published.
    vpn("Basic", None, None),
    vpn("Standard", None, LEGACY),
    vpn("HighPerformance", None, LEGACY),
    vpn("VpnGw1", Some(250), WITHOUT_ZONES),
    vpn("VpnGw2", Some(500), WITHOUT_ZONES),
    vpn("VpnGw3", Some(1_000), WITHOUT_ZONES),
    vpn("VpnGw4", Some(5_000), WITHOUT_ZONES),
    vpn("VpnGw5", Some(10_000), WITHOUT_ZONES),
    vpn("VpnGw1AZ", Some(250), None),
    vpn("VpnGw2AZ", Some(500), None),
    vpn("VpnGw3AZ", Some(1_000), None),
    vpn("VpnGw4AZ", Some(5_000), None),
    vpn("VpnGw5AZ", Some(10_000), None),
    express_route("UltraPerformance"),
    express_route("ErGw1AZ"),
    express_route("ErGw2AZ"),
    express_route("ErGw3AZ"),
    express_route("ErGwScale"),
];

/// The SKU of that name, in any letter case; `None`: the audit does not know it.
pub fn find(name: &str) -> Option<&'static Sku> {
    SKUS.iter().find(|sku| sku.name.eq_ignore_ascii_case(name.trim()))
}

/// How many sessions a Virtual WAN point-to-site gateway of that many scale units carries. Two figures are
/// published; what lies between them is not.
pub fn virtual_wan_sessions(scale_unit: i64) -> Option<u32> {
    match scale_unit {
        40 => Some(20_000),
        200 => Some(100_000),
        _ => None,
    }
}

/// The next larger SKU that a gateway can be resized to and that is not retired; `None`: a gateway of this SKU has to
/// be built anew. Resizing does not cross generations, and only Generation2 has VpnGw4 and VpnGw5.
pub fn larger(name: &str, generation: Option<&str>) -> Option<&'static str> {
    let second = generation.is_some_and(|it| it.eq_ignore_ascii_case("Generation2"));
    match find(name)?.name {
        "VpnGw1" | "VpnGw1AZ" => Some("VpnGw2AZ"),
        "VpnGw2" | "VpnGw2AZ" => Some("VpnGw3AZ"),
        "VpnGw3" | "VpnGw3AZ" if second => Some("VpnGw4AZ"),
        "VpnGw4" | "VpnGw4AZ" => Some("VpnGw5AZ"),
        _ => None,
    }
}

/// The SKU of the same size with availability zones that a gateway can be changed to; `None`: it has them already, or
/// has to be built anew or migrated.
pub fn with_zones(name: &str) -> Option<&'static str> {
    let zonal = format!("{}AZ", find(name)?.name);
    find(&zonal).map(|sku| sku.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_depend_on_the_name_in_any_letter_case() {
        for (name, sessions) in [("vpngw1", 250), ("VPNGW2az", 500), ("VpnGw3", 1_000), ("VpnGw5AZ", 10_000)] {
            let sku = find(name).unwrap();
            assert_eq!((sku.sstp, sku.ikev2_open_vpn), (Some(128), Some(sessions)), "{name}");
        }
    }

    #[test]
    fn what_is_not_published_is_not_invented() {
        for name in ["Basic", "Standard", "HighPerformance"] {
            let sku = find(name).unwrap();
            assert_eq!((sku.sstp, sku.ikev2_open_vpn), (Some(128), None), "{name}");
        }
        assert_eq!(find("VpnGw6AZ"), None);
        let published = [(39, None), (40, Some(20_000)), (41, None), (200, Some(100_000))];
        for (scale_unit, sessions) in published {
            assert_eq!(virtual_wan_sessions(scale_unit), sessions, "{scale_unit}");
        }
    }

    #[test]
    fn express_route_skus_serve_no_clients() {
        for name in ["UltraPerformance", "ErGw1AZ", "ErGwScale"] {
            assert_eq!(find(name).unwrap().sstp, None, "{name}");
        }
    }

    #[test]
    fn retirement_days() {
        assert_eq!(find("HighPerformance").unwrap().retired, Some(date!(2026 - 07 - 01)));
        assert_eq!(find("VpnGw1").unwrap().retired, Some(date!(2026 - 10 - 01)));
        assert_eq!(find("VpnGw1AZ").unwrap().retired, None);
        assert_eq!(find("Basic").unwrap().retired, None);
    }

    #[test]
    fn resizing_stays_within_a_generation() {
        assert_eq!(larger("VpnGw3AZ", Some("generation2")), Some("VpnGw4AZ"));
        assert_eq!(larger("VpnGw3AZ", Some("Generation1")), None);
        assert_eq!(larger("VpnGw5AZ", Some("Generation2")), None);
        assert_eq!(larger("Basic", None), None);
    }

    #[test]
    fn only_sizes_of_today_have_a_twin_with_zones() {
        assert_eq!((with_zones("vpngw2"), with_zones("VpnGw5")), (Some("VpnGw2AZ"), Some("VpnGw5AZ")));
        for name in ["VpnGw2AZ", "Basic", "Standard", "HighPerformance", "VpnGw9"] {
            assert_eq!(with_zones(name), None, "{name}");
        }
    }
}
