//! How far point-to-site is set up: a pool without authentication and the other way round, and which protocols end.

use time::Date;
use time::macros::date;

use super::point_to_site::server_configuration;
use super::{ClientProtocol, HOW, PointToSite, text};
use crate::facts::command::{Command, az};
use crate::facts::schema::{Known, Unread, facts};
use crate::inventory::gateway::{P2sVpnGateway, RadiusServer, VirtualNetworkGateway};
use crate::inventory::{Inventory, Resource};

/// The day on which SSTP stops, UTC. Source: "move to OpenVPN or IKEv2 from SSTP" (learn.microsoft.com, September 2025).
const SSTP_STOPS: Date = date!(2027 - 03 - 31);

facts! {
    /// How far point-to-site is set up.
    pub struct ClientSetup {
        /// What clients can be told apart by, in words: `a root certificate`, `a RADIUS server`, `an Entra tenant`. Only
        /// what is there counts, not which ways are stated.
        pub authentication: Known<Vec<String>>,
        /// Whether there is a pool, or anything that clients can be told apart by.
        pub begun: Known<bool>,
        /// Whether there are both.
        pub complete: Known<bool>,
        /// What is missing, in words: `it has an address pool, but no root certificate, …`; empty where nothing is.
        pub gap: String,
        /// What to do about it.
        pub advice: String,
        /// Commands that upload a root certificate, where one may be what is missing.
        pub commands: Vec<Command>,
        /// Whether clients may come in over SSTP. Unread where the input names no protocol.
        pub sstp: Known<bool>,
        /// Whether SSTP has stopped: it does on 31 March 2027.
        pub sstp_stopped: bool,
        /// When SSTP stops, in words: `SSTP stops on 31 March 2027`, `SSTP stopped on 31 March 2027`.
        pub sstp_words: String,
        /// Commands that open another protocol beside SSTP where there is none. None of them takes a protocol away.
        pub beside_sstp_commands: Vec<Command>,
    }
}

/// What there is to tell clients apart by.
struct Means {
    roots: bool,
    radius: bool,
    entra: bool,
}

impl Means {
    fn words(&self) -> Vec<String> {
        let all =
            [(self.roots, "a root certificate"), (self.radius, "a RADIUS server"), (self.entra, "an Entra tenant")];
        all.into_iter().filter(|(there, _)| *there).map(|(_, words)| words.to_owned()).collect()
    }
}

fn radius(address: &Option<Box<str>>, servers: &[RadiusServer]) -> bool {
    text(address).is_some() || servers.iter().any(|it| text(&it.radius_server_address).is_some())
}

pub(super) fn of_network(resource: &Resource<VirtualNetworkGateway>, p2s: &PointToSite, today: Date) -> ClientSetup {
    let means = match &resource.properties.vpn_client_configuration {
        None => Means { roots: false, radius: false, entra: false },
        Some(it) => Means {
            roots: !it.vpn_client_root_certificates.is_empty(),
            radius: radius(&it.radius_server_address, &it.radius_servers),
            entra: text(&it.aad_tenant).is_some(),
        },
    };
    let sstp_alone = p2s.protocols.as_ref().is_ok_and(|protocols| {
        !protocols.is_empty() && protocols.iter().all(|protocol| *protocol == ClientProtocol::Sstp)
    });
    let beside = sstp_alone.then(|| {
        let both = ["--name", &*resource.name, "--client-protocol", "SSTP", "IkeV2"];
        az("network vnet-gateway update", &resource.id, &both)
    });
    setup(&resource.name, Ok(means), p2s, beside, today)
}

pub(super) fn of_virtual_wan(
    resource: &Resource<P2sVpnGateway>,
    inventory: &Inventory,
    p2s: &PointToSite,
    today: Date,
) -> ClientSetup {
    let means = server_configuration(resource, inventory).map(|server| {
        let it = &server.properties;
        Means {
            roots: !it.vpn_client_root_certificates.is_empty(),
            radius: radius(&it.radius_server_address, &it.radius_servers),
            entra: it.aad_authentication_parameters.as_ref().is_some_and(|it| text(&it.aad_tenant).is_some()),
        }
    });
    setup(&resource.name, means, p2s, None, today)
}

fn setup(name: &str, means: Known<Means>, p2s: &PointToSite, beside: Option<Command>, today: Date) -> ClientSetup {
    let pool = !p2s.pools.is_empty();
    let authentication = means.map(|it| it.words());
    let some = authentication.as_ref().map(|it| !it.is_empty()).map_err(Clone::clone);
    let elsewhere = match p2s.configured_in == name {
        true => String::new(),
        false => format!(" in {}", p2s.configured_in_words),
    };
    let (gap, advice) = match &authentication {
        Ok(words) if pool && words.is_empty() => (
            format!(
                "it has an address pool, but no root certificate, RADIUS server or Entra tenant{elsewhere}, so no client \
                 can prove who it is"
            ),
            "Set up what the clients are to use: RADIUS, Entra ID, or certificates. For certificates, upload the root \
             certificate that theirs come from, as a DER-encoded file (P2SRoot.cer) without its private key.",
        ),
        Ok(words) if !pool && !words.is_empty() => (
            format!("it has {}{elsewhere}, but no address pool, so point-to-site is off", words.join(" and ")),
            "Add an address pool that overlaps no network that clients go to; or, if no clients are meant to connect, take \
             what is left of the configuration away.",
        ),
        _ => (String::new(), ""),
    };
    // Whoever states another way has no use for a root certificate.
    let other_way = p2s.authentication_stated == Ok(true) && p2s.uses_certificates == Ok(false);
    let stopped = today >= SSTP_STOPS;
    ClientSetup {
        begun: if pool { Ok(true) } else { some.clone() },
        complete: if pool { some } else { Ok(false) },
        commands: match &authentication {
            Ok(words) if pool && words.is_empty() && !other_way => p2s.add_root_commands.clone(),
            _ => Vec::new(),
        },
        authentication,
        gap,
        advice: advice.to_owned(),
        sstp: p2s.protocols.clone().and_then(|protocols| match protocols.is_empty() {
            true => Err(Unread::new(format!("the tunnel protocols of `{name}`"), HOW)),
            false => Ok(protocols.contains(&ClientProtocol::Sstp)),
        }),
        sstp_stopped: stopped,
        sstp_words: format!("SSTP {} on 31 March 2027", if stopped { "stopped" } else { "stops" }),
        beside_sstp_commands: beside.into_iter().collect(),
    }
}
