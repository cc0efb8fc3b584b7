//! The symptoms that a policy can name.

/// Their ids, sorted. They move to the symptoms' own files once those exist.
pub(super) const IDS: [&str; 43] = [
    "cannot-resolve-local-fqdn",
    "classful-route-10-8",
    "client-hibernates",
    "connected-but-no-access",
    "connection-missing-after-reinstall",
    "error-405-root-certificate",
    "gateway-upgrade-all-clients-fail",
    "newer-entra-auth-expired",
    "newer-entra-no-reauth",
    "newer-gateway-root-cert-migration-2026",
    "newer-intune-profile-recreated",
    "newer-private-dns-from-p2s",
    "p2s-bad-format-0x80090326",
    "p2s-cannot-install-client",
    "p2s-cert-not-found-798",
    "p2s-chain-untrusted",
    "p2s-custom-script-8007026f",
    "p2s-file-download-target-uri",
    "p2s-remote-server-not-responding",
    "package-installer-incomplete",
    "portal-save-cert-data-invalid",
    "portal-save-resource-name-invalid",
    "portal-vpn-package-503",
    "ras-policy-812",
    "rdp-cannot-connect",
    "rdp-component-third-party-port",
    "rdp-component-vip-changed",
    "rdp-eventid-generic",
    "rdp-eventid-scenario-1-machinekeys",
    "rdp-eventid-scenario-2-tls",
    "rdp-eventid-scenario-3-broker",
    "rdp-preliminary-vm-status",
    "rdp-source-1-client-computer",
    "rdp-source-2-intranet-edge",
    "rdp-source-3-classic-endpoint",
    "rdp-source-4-nsg",
    "rdp-source-5-listening-port",
    "rdp-source-5-windows-vm",
    "revocation-offline-0x80092013",
    "smb-shares-kerberos",
    "too-many-clients",
    "tunnels-failed-800",
    "vpn-platform-1460",
];

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_sorted_and_stand_once() {
        assert!(super::IDS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
