//! Who reaches the port from inside: from the network itself, its peers, sites, VPN clients, Azure Bastion.

use std::sync::Arc;

use crate::facts::address::{self, AddressSet};
use crate::facts::network_index::OriginKind;
use crate::facts::nsg::Answer;
use crate::facts::schema::{Known, Unread};
use crate::facts::service_tag::PLATFORM;

use super::OriginFact;
use super::bounds::{Perhaps, known};
use super::site::Site;

/// Who reaches the port from inside.
pub(super) struct Inside {
    pub origins: Arc<Vec<OriginFact>>,
    /// All their addresses.
    pub addresses: AddressSet,
    /// Whether anybody gets in over TCP.
    pub tcp: Perhaps,
    /// Whether there are clients of a point-to-site VPN.
    pub has_clients: Known<bool>,
    pub clients: Arc<Vec<String>>,
    /// The clients' addresses that certainly get in, as the fewest prefixes; the first 50 of them.
    pub clients_admitted: Arc<Vec<String>>,
    /// Whether some of the clients get in, over TCP or UDP.
    pub clients_get_in: Known<bool>,
    pub unread: Vec<Unread>,
}

impl Inside {
    pub fn new(site: &Site<'_>, answers: &[Answer; 2]) -> Self {
        let [tcp, udp] = answers;
        let both = |get: fn(&Answer) -> AddressSet| (get(tcp), get(tcp).union(&get(udp)));
        let (tcp_least, any_least) = both(|answer| answer.at_least.addresses());
        let (tcp_most, any_most) = both(|answer| answer.at_most.addresses());
        let mut unread: Vec<Unread> = Vec::new();
        let missing = answers.iter().flat_map(|answer| &answer.unread);
        let networks = site
            .network
            .into_iter()
            .flat_map(|it| it.unread.iter().chain(&it.unlinked_unread).chain(&it.clients_unread));
        let tag = site.place.virtual_network.unread.iter().map(|(_, missing)| missing);
        for it in missing.chain(networks).chain(tag) {
            if !unread.contains(it) {
                unread.push(it.clone());
            }
        }
        let mut it = Self {
            origins: Arc::default(),
            addresses: AddressSet::EMPTY,
            tcp: Perhaps::default(),
            has_clients: Ok(false),
            clients: Arc::default(),
            clients_admitted: Arc::default(),
            clients_get_in: Ok(false),
            unread,
        };
        // Azure's platform is not anybody who connects.
        let platform = AddressSet::from_texts([PLATFORM]);
        let here = AddressSet::of(site.family()).difference(&platform);
        let connected = site.network.map_or(AddressSet::EMPTY, |network| network.connected.clone());
        let routed = site.place.virtual_network.addresses.intersection(address::private()).difference(&connected);
        let origins = site.network.into_iter().flat_map(|network| &network.origins);
        let origins = origins.map(|origin| (origin.kind, &*origin.name, &origin.addresses));
        let mut clients = Perhaps::default();
        let (mut named, mut pools) = (Vec::new(), Vec::new());
        let mut admitted = AddressSet::EMPTY;
        for (kind, name, addresses) in origins.chain([(OriginKind::Route, "user-defined routes", &routed)]) {
            let addresses = addresses.intersection(&here);
            if addresses.is_empty() {
                continue;
            }
            let by_tcp = Perhaps::of(&addresses, &tcp_least, &tcp_most);
            let by_any = Perhaps::of(&addresses, &any_least, &any_most);
            it.tcp = it.tcp.or(by_tcp);
            let prefixes: Vec<String> = addresses.prefixes().map(|prefix| prefix.to_string()).collect();
            if kind == OriginKind::ClientPool {
                clients = clients.or(by_any);
                admitted = admitted.union(&any_least.intersection(&addresses));
                it.has_clients = Ok(true);
                pools.extend(prefixes.iter().cloned());
            }
            it.addresses = it.addresses.union(&addresses);
            named.push(OriginFact {
                kind,
                name: name.to_owned(),
                addresses: prefixes,
                gets_in: known(by_any.certainly, by_any.perhaps, &it.unread),
                gets_in_by_tcp: known(by_tcp.certainly, by_tcp.perhaps, &it.unread),
            });
        }
        (it.origins, it.clients) = (Arc::new(named), Arc::new(pools));
        it.clients_admitted = Arc::new(admitted.prefixes().take(50).map(|prefix| prefix.to_string()).collect());
        it.clients_get_in = known(clients.certainly, clients.perhaps, &it.unread);
        let private = address::private().intersection(&here);
        match site.network.and_then(|network| network.clients_unread.as_ref()) {
            None if site.network.is_some() => {}
            missing => {
                let missing = missing.cloned().or_else(|| it.unread.first().cloned()).unwrap_or_else(|| {
                    Unread::new("the virtual network", "export the interface with its IP configurations' subnets")
                });
                if it.has_clients == Ok(false) {
                    it.has_clients = Err(missing.clone());
                }
                if it.clients_get_in == Ok(false) && any_most.meets(&private) {
                    it.clients_get_in = Err(missing);
                }
            }
        }
        let network = site
            .network
            .is_none_or(|it| !it.unread.is_empty() || !it.unlinked_unread.is_empty() || it.clients_unread.is_some());
        if network || !site.place.virtual_network.unread.is_empty() {
            // Whoever is connected and was not read has private addresses.
            it.tcp.perhaps |= tcp_most.meets(&private);
        }
        it
    }
}
