//! Which regions have availability zones.
//!
//! Source: "Azure regions list" and "Availability zones service support" (learn.microsoft.com, reliability, November
//! 2026). A region that stands in neither list is not known: it may have got its zones since.

/// Regions with availability zones.
const WITH: [&str; 39] = [
    "australiaeast",
    "austriaeast",
    "belgiumcentral",
    "brazilsouth",
    "canadacentral",
    "centralindia",
    "centralus",
    "chilecentral",
    "chinanorth3",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "indonesiacentral",
    "israelcentral",
    "italynorth",
    "japaneast",
    "japanwest",
    "koreacentral",
    "malaysiawest",
    "mexicocentral",
    "newzealandnorth",
    "northeurope",
    "norwayeast",
    "polandcentral",
    "qatarcentral",
    "southafricanorth",
    "southcentralus",
    "southeastasia",
    "spaincentral",
    "swedencentral",
    "switzerlandnorth",
    "uaenorth",
    "uksouth",
    "usgovvirginia",
    "westeurope",
    "westus2",
    "westus3",
];

/// Regions certainly without.
const WITHOUT: [&str; 18] = [
    "australiacentral",
    "australiasoutheast",
    "brazilsoutheast",
    "canadaeast",
    "francesouth",
    "germanynorth",
    "koreasouth",
    "northcentralus",
    "norwaywest",
    "southafricawest",
    "southindia",
    "swedensouth",
    "switzerlandwest",
    "uaecentral",
    "ukwest",
    "westcentralus",
    "westindia",
    "westus",
];

/// Whether the region (`westeurope`, `West Europe`) has availability zones; `None`: that is not known.
pub(super) fn in_region(location: &str) -> Option<bool> {
    let name: String = location.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
    let among = |regions: &[&str]| regions.contains(&&*name);
    if among(&WITH) { Some(true) } else { among(&WITHOUT).then_some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_found_by_either_of_its_names_and_guessed_by_none() {
        for (region, zones) in [
            ("westeurope", Some(true)),
            ("West Europe", Some(true)),
            ("WestUS2", Some(true)),
            ("West US", Some(false)),
            ("westus", Some(false)),
            ("westus4", None),
            ("global", None),
            ("", None),
        ] {
            assert_eq!(in_region(region), zones, "{region}");
        }
    }

    #[test]
    fn no_region_stands_in_both_lists() {
        assert!(WITH.iter().all(|region| !WITHOUT.contains(region)));
    }
}
