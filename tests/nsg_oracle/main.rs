//! The NSG engine against a judge that knows no sets: it decides one packet at a time, straight from the rules' JSON,
//! and shares no code with the engine. What was not read the judge is told, in every way in which it could be.

mod generate;
mod judge;
mod world;

use std::net::IpAddr;

use azaudit::facts::address::{self, AddressSet};
use azaudit::facts::nsg::{Access, Admission, Bound, Direction, FlowAccess, FlowPorts, Local, Rule};
use azaudit::facts::schema::Unread;
use azaudit::facts::service_tag::{ServiceTags, Tag};
use azaudit::inventory::ResourceId;
use proptest::prelude::*;
use serde_json::{Value, json};

use generate::{levels, spoilt, turned};
use judge::{Belief, CORP, Packet, SQL, WEB, destination, inside, judge};
use world::{SOURCE_PORTS, World, addresses, local};

/// Whether a packet from there gets in, from whatever port.
fn gets_in(levels: &[Vec<Value>; 3], source: IpAddr, v6: bool, udp: bool) -> bool {
    SOURCE_PORTS.iter().any(|&port| judge(levels, Packet::inbound(source, port, v6, udp)).0)
}

/// The rules for every source port: of several ports one may let an address in and another keep it out.
fn for_all_source_ports(mut levels: [Vec<Value>; 3]) -> [Vec<Value>; 3] {
    for rule in levels.iter_mut().flatten() {
        let it = rule["properties"].as_object_mut().unwrap();
        it.remove("sourcePortRanges");
        it.insert("sourcePortRange".into(), json!("*"));
    }
    levels
}

/// Whether a set with tags has that address, if the tags mean what they mean here.
fn has(admission: &Admission, ip: IpAddr) -> bool {
    let is = |tag: &Tag| inside(if *tag == Tag::new("Sql") { SQL } else { CORP }, ip);
    admission.addresses().contains(address::point(ip))
        || admission.tagged().any(|term| {
            term.within.contains(address::point(ip)) && term.tags.iter().all(is) && !term.without.iter().any(is)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// 120 stacks, each with 112 packets and more: the set has exactly the addresses from which a packet gets in, and
    /// each level names the rule that decides.
    #[test]
    fn sets_agree_with_packets(
        levels in levels(),
        v6 in any::<bool>(),
        udp in any::<bool>(),
        extra in proptest::collection::vec(any::<u128>(), 4),
    ) {
        let world = World::new(&levels);
        let web = [ResourceId::new(WEB)];
        let local = local(v6, udp, &web);
        let stack = world.stack();
        let answer = stack.admit(&local);
        prop_assert_eq!(&answer.unread, &Vec::<Unread>::new());
        let admitted = answer.at_least.addresses();
        prop_assert_eq!(&admitted, &answer.at_most.addresses());
        for source in addresses(v6, &extra) {
            let mut anyhow = false;
            for source_port in SOURCE_PORTS {
                let packet = Packet::inbound(source, source_port, v6, udp);
                let (inside, names) = judge(&levels, packet);
                anyhow |= inside;
                let decisions = stack.decide(&local, address::point(source), source_port, Bound::Upper);
                let name = |rule: &Rule| rule.name.to_string();
                let decided: Vec<_> = decisions.iter().map(|it| (it.level, it.rule.map(name))).collect();
                prop_assert_eq!(decided, names, "{:?}", packet);
            }
            prop_assert_eq!(admitted.contains(address::point(source)), anyhow, "from {}", source);
            // The port that is named as one that gets in does get in.
            let port = stack.port_from(&local, address::point(source));
            prop_assert_eq!(port.is_some(), anyhow, "from {}", source);
            if let Some(source_port) = port {
                let packet = Packet::inbound(source, source_port, v6, udp);
                prop_assert!(judge(&levels, packet).0, "{:?}", packet);
            }
        }
    }

    /// A tag whose addresses nobody knows: whatever they are, nobody gets in whom the terms leave out, and a Deny on
    /// it takes nothing away.
    #[test]
    fn tags_without_addresses_stay_names(
        levels in levels(),
        udp in any::<bool>(),
        extra in proptest::collection::vec(any::<u128>(), 2),
    ) {
        let mut world = World::new(&levels);
        world.tags = ServiceTags::default();
        let web = [ResourceId::new(WEB)];
        let answer = world.stack().admit(&local(false, udp, &web));
        for source in addresses(false, &extra) {
            let expected = gets_in(&levels, source, false, udp);
            prop_assert!(!expected || has(&answer.at_most, source), "{} gets in", source);
            if !inside(CORP, source) && !inside(SQL, source) {
                prop_assert_eq!(has(&answer.at_most, source), expected, "from {}", source);
            }
        }
    }

    /// What cannot be read is bounded: whatever it really was, the truth lies between both answers.
    #[test]
    fn the_truth_lies_between_the_bounds(
        truth in levels(),
        (level, rule, what) in (0..3_usize, 0..8_usize, 0..7_u8),
        udp in any::<bool>(),
    ) {
        let mut seen = truth.clone();
        let Some(it) = seen[level].get_mut(rule).map(|rule| &mut rule["properties"]) else { return Ok(()) };
        // The rule that was really there, if the spoilt field had said this.
        let mut real = it.clone();
        match what {
            0 => {
                it["sourceAddressPrefix"] = json!("10.0.0.0/33");
                real["sourceAddressPrefix"] = json!("128.0.0.0/1");
            }
            1 => {
                it["destinationPortRange"] = json!("rdp");
                real["destinationPortRange"] = json!("3389");
            }
            2 => drop(it.as_object_mut().unwrap().remove("priority")),
            3 => it["direction"] = json!("sideways"),
            4 => it["access"] = json!("maybe"),
            5 => it["protocol"] = json!("tpc"),
            _ => {
                it["destinationAddressPrefix"] = json!("10.0.0.0.0");
                real["destinationAddressPrefix"] = json!("10.0.1.4");
            }
        }
        let mut truth = truth;
        truth[level][rule]["properties"] = real;
        let world = World::new(&seen);
        let web = [ResourceId::new(WEB)];
        let answer = world.stack().admit(&local(false, udp, &web));
        let (least, most) = (answer.at_least.addresses(), answer.at_most.addresses());
        prop_assert!(most.covers(&least));
        for source in addresses(false, &[]) {
            let (inside, point) = (gets_in(&truth, source, false, udp), address::point(source));
            prop_assert!(inside || !least.contains(point), "{} certainly gets in, and does not", source);
            prop_assert!(!inside || most.contains(point), "{} certainly stays out, and does not", source);
        }
    }

    /// 120 stacks, each with 112 packets and more in either direction: what becomes of a packet, the rule and the level
    /// that decide, and the remote addresses with the same answer.
    #[test]
    fn flows_agree_with_packets(
        levels in levels(),
        outbound in any::<bool>(),
        v6 in any::<bool>(),
        udp in any::<bool>(),
        local_port in proptest::sample::select(&[3389_u16, 3388, 22][..]),
        extra in proptest::collection::vec(any::<u128>(), 4),
    ) {
        let direction = Direction::ALL[usize::from(outbound)];
        let levels = turned(&levels, direction);
        let world = World::new(&levels);
        let web = [ResourceId::new(WEB)];
        let local = Local { direction, ..local(v6, udp, &web) };
        let stack = world.stack();
        for remote_port in SOURCE_PORTS {
            let flow = stack.flow(&local, FlowPorts { local: Some(local_port), remote: Some(remote_port) });
            let alike = flow.alike(FlowAccess::Allow);
            prop_assert!(alike.tags.is_empty() && alike.unknown.is_empty());
            prop_assert_eq!(&alike.allow.union(&alike.deny), &AddressSet::of(local.family));
            for remote in addresses(v6, &extra) {
                let (local, belief) = (destination(v6), Belief::TRUTH);
                let packet = Packet { direction, remote, remote_port, local, local_port, udp, belief };
                let (through, names) = judge(&levels, packet);
                let point = address::point(remote);
                let answer = flow.answer(point);
                let access = if through { FlowAccess::Allow } else { FlowAccess::Deny };
                prop_assert_eq!(answer.access, access, "{:?}", packet);
                prop_assert_eq!(alike.allow.contains(point), through, "{:?}", packet);
                prop_assert_eq!(alike.deny.contains(point), !through, "{:?}", packet);
                let name = |rule: &Rule| rule.name.to_string();
                let decided: Vec<_> = answer.decisions.iter().map(|it| (it.level, it.rule.map(name))).collect();
                prop_assert_eq!(&decided, &names, "{:?}", packet);
                let last = names.len().checked_sub(1).filter(|last| names[*last].1.is_some());
                prop_assert_eq!(answer.decided_by, last, "{:?}", packet);
            }
        }
    }

    /// A port that is left open is one port or another, and the ports with the same answer are exactly those.
    #[test]
    fn open_ports_are_one_port_or_another(
        levels in levels(),
        outbound in any::<bool>(),
        udp in any::<bool>(),
        (local_open, remote_open) in proptest::sample::select(&[(true, false), (false, true), (true, true)][..]),
    ) {
        let direction = Direction::ALL[usize::from(outbound)];
        let levels = turned(&levels, direction);
        let world = World::new(&levels);
        let web = [ResourceId::new(WEB)];
        let local = Local { direction, ..local(false, udp, &web) };
        let asked = |open: bool, port: u16| (!open).then_some(port);
        let ports = FlowPorts { local: asked(local_open, 3389), remote: asked(remote_open, 50000) };
        let stack = world.stack();
        let flow = stack.flow(&local, ports);
        let alike = flow.alike(FlowAccess::Allow).allow;
        let locals: &[u16] = if local_open { &[2999, 3000, 3388, 3389, 4000, 4001] } else { &[3389] };
        let remotes: &[u16] = if remote_open { &[1, 1023, 1024, 49152, 50000, 50001] } else { &[50000] };
        for remote in addresses(false, &[]) {
            let through = |local_port: u16, remote_port: u16| {
                let (local, belief) = (destination(false), Belief::TRUTH);
                judge(&levels, Packet { direction, remote, remote_port, local, local_port, udp, belief }).0
            };
            let grid: Vec<Vec<bool>> =
                locals.iter().map(|local| remotes.iter().map(|remote| through(*local, *remote)).collect()).collect();
            let any = grid.iter().flatten().any(|it| *it);
            let answer = flow.answer(address::point(remote));
            prop_assert_eq!(answer.access, if any { FlowAccess::Allow } else { FlowAccess::Deny }, "{}", remote);
            prop_assert_eq!(alike.contains(address::point(remote)), any, "{}", remote);
            let among = |ranges: &[(u16, u16)], port: u16| ranges.iter().any(|it| (it.0..=it.1).contains(&port));
            for (r, port) in remotes.iter().enumerate() {
                let same = grid.iter().any(|row| row[r]) == any;
                prop_assert_eq!(among(&answer.remote_ports, *port), same, "{} remote port {}", remote, port);
            }
            for (l, port) in locals.iter().enumerate() {
                let same = grid[l].contains(&true) == any;
                prop_assert_eq!(among(&answer.local_ports, *port), same, "{} local port {}", remote, port);
            }
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    /// Whether an address belongs to a network that was not read is one question for all rules: an address is among
    /// those that get in at least where it gets in either way, and among those at most where it does in one.
    #[test]
    fn a_network_that_was_not_read_is_the_same_in_every_rule(truth in levels(), udp in any::<bool>()) {
        let truth = for_all_source_ports(turned(&truth, Direction::Inbound));
        let mut world = World::new(&truth);
        world.tag.unread = vec![(address::private().clone(), Unread::new("a network", "read it"))];
        let web = [ResourceId::new(WEB)];
        let answer = world.stack().admit(&local(false, udp, &web));
        let (least, most) = (answer.at_least.addresses(), answer.at_most.addresses());
        for remote in addresses(false, &[]) {
            let point = address::point(remote);
            let gets_in = |connected: bool| {
                let belief = Belief { connected, ..Belief::TRUTH };
                judge(&truth, Packet { belief, ..Packet::inbound(remote, 50000, false, udp) }).0
            };
            let ends = match address::private().contains(point) {
                true => [gets_in(false), gets_in(true)],
                false => [gets_in(false); 2],
            };
            prop_assert_eq!(least.contains(point), ends == [true, true], "{} at least", remote);
            prop_assert_eq!(most.contains(point), ends != [false, false], "{} at most", remote);
        }
    }

    /// What was not read makes an answer unknown exactly where it could change it: the judge is asked with all that it
    /// could have been.
    #[test]
    fn unknown_is_what_could_change_the_answer(
        truth in levels(),
        (level, rule, what, unread) in (0..3_usize, 0..8_usize, 0..9_u8, 0..8_u8),
        outbound in any::<bool>(),
        udp in any::<bool>(),
    ) {
        let direction = Direction::ALL[usize::from(outbound)];
        let truth = turned(&truth, direction);
        let level = (level..level + 3).map(|it| it % 3).find(|it| !truth[*it].is_empty()).unwrap_or(0);
        let rule = rule % truth[level].len().max(1);
        let (seen, could_be) = spoilt(&truth, level, rule, what, direction);
        let mut world = World::new(&seen);
        let missing = Unread::new("something", "read it");
        let mut beliefs = vec![Belief::TRUTH];
        let each = |beliefs: Vec<Belief>, change: fn(&mut Belief, bool)| -> Vec<Belief> {
            let both = |belief: Belief| [false, true].map(|truth| { let mut it = belief; change(&mut it, truth); it });
            beliefs.into_iter().flat_map(both).collect()
        };
        // Of every public address a tag, of every private one a network and a group.
        let (mut public, mut private) = (beliefs.clone(), beliefs.clone());
        if unread & 1 != 0 {
            world.tags = ServiceTags::default();
            beliefs = vec![Belief { corp: Some(false), sql: Some(false), ..Belief::TRUTH }];
            private = beliefs.clone();
            public = each(each(beliefs, |it, truth| it.corp = Some(truth)), |it, truth| it.sql = Some(truth));
        }
        if unread & 2 != 0 {
            world.members_unread = Some(missing.clone());
            private = each(private, |it, truth| it.jump = truth);
        }
        if unread & 4 != 0 {
            world.tag.unread = vec![(address::private().clone(), missing.clone())];
            private = each(private, |it, truth| it.connected = truth);
        }
        if what == 7 {
            world.unread = Some((level, missing));
        }
        let web = [ResourceId::new(WEB)];
        let local = Local { direction, ..local(false, udp, &web) };
        let stack = world.stack();
        let flow = stack.flow(&local, FlowPorts { local: Some(3389), remote: Some(50000) });
        let alike = flow.alike(FlowAccess::Allow);
        for remote in addresses(false, &[]) {
            let point = address::point(remote);
            let beliefs = if !address::not_public().contains(point) {
                &public
            } else if address::private().contains(point) {
                &private
            } else {
                &private[..1]
            };
            let ends: Vec<bool> = could_be.iter().flat_map(|levels| beliefs.iter().map(|belief| {
                let (local, belief) = (destination(false), *belief);
                judge(levels, Packet { direction, remote, remote_port: 50000, local, local_port: 3389, udp, belief }).0
            })).collect();
            let expected = match (ends.contains(&true), ends.contains(&false)) {
                (true, false) => FlowAccess::Allow,
                (false, true) => FlowAccess::Deny,
                _ => FlowAccess::Unknown,
            };
            let answer = flow.answer(point);
            prop_assert_eq!(answer.access, expected, "{} {:?}", remote, answer.access);
            for access in [FlowAccess::Allow, FlowAccess::Deny, FlowAccess::Unknown] {
                prop_assert_eq!(alike.of(access).contains(point), access == expected, "{} {:?}", remote, access);
            }
            // Where there is no answer, something is named that would give one.
            prop_assert_eq!(answer.unread.is_empty(), expected != FlowAccess::Unknown, "{} {:?}", remote, answer.access);
            let wrong = |access: Access| (access == Access::Deny) == (expected == FlowAccess::Allow);
            let by = answer.decided_by.and_then(|i| answer.decisions[i].access);
            prop_assert!(!by.is_some_and(wrong), "{} {:?}", remote, answer.access);
        }
    }
}
