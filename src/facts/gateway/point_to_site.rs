//! The point-to-site configuration of a gateway, or of the server configuration that it names.

use super::{Authentication, ClientProtocol, GatewaySort, HOW, PointToSite, one_of, text};
use crate::facts::command::{Command, az};
use crate::facts::schema::{Known, Unread};
use crate::inventory::gateway::{P2sVpnGateway, VirtualNetworkGateway, VpnClientConfiguration, VpnServerConfiguration};
use crate::inventory::network::target;
use crate::inventory::{Inventory, Resource, ResourceId};

fn protocols(words: &[Box<str>]) -> Vec<ClientProtocol> {
    use ClientProtocol::{IkeV2, OpenVpn, Other, Sstp};
    let known = [("SSTP", Sstp), ("IkeV2", IkeV2), ("OpenVPN", OpenVpn)];
    words.iter().filter(|it| !it.trim().is_empty()).map(|it| one_of(it, &known, Other)).collect()
}

/// What tells how clients prove who they are.
struct Signs<'a> {
    stated: &'a [Box<str>],
    roots: usize,
    radius: bool,
    entra: bool,
}

impl Signs<'_> {
    fn are_stated(&self) -> bool {
        self.stated.iter().any(|it| !it.trim().is_empty())
    }

    fn authentication(&self) -> Vec<Authentication> {
        use Authentication::{Certificate, Entra, Other, Radius};
        let stated = self.stated.iter().filter(|it| !it.trim().is_empty());
        if self.are_stated() {
            let known = [("Certificate", Certificate), ("Radius", Radius), ("AAD", Entra)];
            return stated.map(|it| one_of(it, &known, Other)).collect();
        }
        let signs = [(self.roots > 0, Certificate), (self.radius, Radius), (self.entra, Entra)];
        signs.into_iter().filter(|(there, _)| *there).map(|(_, way)| way).collect()
    }
}

pub(super) fn p2s_of_network(
    resource: &Resource<VirtualNetworkGateway>,
    configuration: Option<&VpnClientConfiguration>,
    sort: &Known<GatewaySort>,
) -> PointToSite {
    let (name, id): (&str, _) = (&resource.name, &resource.id);
    let pools: Vec<String> = configuration.map(|it| it.pools().map(str::to_owned).collect()).unwrap_or_default();
    let enabled = !pools.is_empty() && *sort != Ok(GatewaySort::LocalGateway);
    let signs = configuration.map_or(Signs { stated: &[], roots: 0, radius: false, entra: false }, |it| Signs {
        stated: &it.vpn_authentication_types,
        roots: it.vpn_client_root_certificates.len(),
        radius: text(&it.radius_server_address).is_some()
            || it.radius_servers.iter().any(|it| text(&it.radius_server_address).is_some()),
        entra: text(&it.aad_tenant).is_some(),
    });
    let root = ["--gateway-name", name, "--name", "P2SRoot", "--public-cert-data", "P2SRoot.cer"];
    let authentication = signs.authentication();
    PointToSite {
        enabled,
        served: enabled && *sort != Ok(GatewaySort::ExpressRoute),
        pools,
        protocols: Ok(configuration.map(|it| protocols(&it.vpn_client_protocols)).unwrap_or_default()),
        uses_certificates: Ok(authentication.contains(&Authentication::Certificate)),
        authentication: Ok(authentication),
        authentication_stated: Ok(signs.are_stated()),
        root_certificates: Ok(signs.roots as i64),
        configured_in: name.to_owned(),
        path: "properties.vpnClientConfiguration of Microsoft.Network/virtualNetworkGateways".to_owned(),
        configured_in_words: "it".to_owned(),
        add_root_commands: vec![az("network vnet-gateway root-cert create", id, &root)],
    }
}

/// The server configuration of a Virtual WAN gateway.
pub(super) fn server_configuration<'a>(
    resource: &Resource<P2sVpnGateway>,
    inventory: &'a Inventory,
) -> Known<&'a Resource<VpnServerConfiguration>> {
    let reference = target(&resource.properties.vpn_server_configuration);
    let Some(id) = reference.filter(|id| !id.name().is_empty()) else {
        return Err(Unread::new(format!("the VPN server configuration of `{}` (it names none)", resource.name), HOW));
    };
    inventory.vpn_server_configurations.get(id).ok_or_else(|| {
        let what = format!("the VPN server configuration `{}` of `{}`", id.name(), resource.name);
        Unread::new(what, format!("add it to the input, or grant Reader on `{id}`"))
    })
}

/// Prints one line of base64 of a DER file, and adds that to the list.
fn add_root_to_server(id: &ResourceId) -> Vec<Command> {
    let encode = Command::new(["openssl", "enc", "-base64", "-A", "-in", "P2SRoot.cer"]);
    let root = ["name=P2SRoot", "publicCertData=ONE_LINE_OF_BASE64"];
    let add = ["az", "resource", "update", "--ids", id.as_str(), "--add", "properties.vpnClientRootCertificates"];
    vec![encode, Command::new(add.iter().chain(&root))]
}

pub(super) fn p2s_of_virtual_wan(resource: &Resource<P2sVpnGateway>, inventory: &Inventory) -> PointToSite {
    let pools: Vec<String> = resource.properties.pools().map(str::to_owned).collect();
    let server = server_configuration(resource, inventory);
    let signs = server.clone().map(|server| {
        let it = &server.properties;
        Signs {
            stated: &it.vpn_authentication_types,
            roots: it.vpn_client_root_certificates.len(),
            radius: text(&it.radius_server_address).is_some()
                || it.radius_servers.iter().any(|it| text(&it.radius_server_address).is_some()),
            entra: it.aad_authentication_parameters.as_ref().is_some_and(|it| text(&it.aad_tenant).is_some()),
        }
    });
    let authentication = signs.as_ref().map(Signs::authentication).map_err(Clone::clone);
    PointToSite {
        enabled: !pools.is_empty(),
        served: !pools.is_empty(),
        pools,
        protocols: server.clone().map(|it| protocols(&it.properties.vpn_protocols)),
        uses_certificates: authentication
            .as_ref()
            .map(|it| it.contains(&Authentication::Certificate))
            .map_err(Clone::clone),
        authentication,
        authentication_stated: signs.as_ref().map(Signs::are_stated).map_err(Clone::clone),
        root_certificates: signs.as_ref().map(|it| it.roots as i64).map_err(Clone::clone),
        path: "properties of Microsoft.Network/vpnServerConfigurations".to_owned(),
        configured_in: server.as_ref().map_or(&*resource.name, |it| &*it.name).to_owned(),
        configured_in_words: match &server {
            Ok(server) => format!("its server configuration {}", server.name),
            Err(_) => "its server configuration".to_owned(),
        },
        // `az network vpn-server-config set` writes the whole configuration anew, and loses what is not named.
        add_root_commands: server.map(|server| add_root_to_server(&server.id)).unwrap_or_default(),
    }
}
