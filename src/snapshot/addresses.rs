//! Public addresses under other names: a keyed permutation that keeps prefixes.
//!
//! Two addresses that share so many first bits share as many afterwards, so prefixes stay prefixes, and what lay within
//! another still does. A bit may change only where everything behind the bits before it is public: so each public
//! address becomes a public one, and all others stay (Xu, Fan, Ammar, Moon: Prefix-preserving IP address
//! anonymization, 2002).

use std::net::IpAddr;

use ipnet::IpNet;
use sha2::{Digest, Sha256};

use crate::facts::address::{Point, address, not_public, point};

/// Azure's own address on every virtual network, public by its form.
const AZURE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(168, 63, 129, 16));

/// The address that stands for that one.
pub(super) fn permute(seed: &[u8], original: IpAddr) -> IpAddr {
    let width: u32 = if original.is_ipv4() { 32 } else { 128 };
    let at = point(original);
    let mut result = at;
    for bit in 0..width {
        let behind = width - bit;
        let rest = if behind == 128 { Point::MAX } else { (1 << behind) - 1 };
        let (start, end) = (at & !rest, at | rest);
        if is_all_public(start, end) {
            let mut hash = Sha256::new_with_prefix(seed);
            hash.update([u8::from(width == 32)]);
            hash.update(bit.to_be_bytes());
            hash.update(start.to_be_bytes());
            result ^= Point::from(hash.finalize()[0] & 1) << (behind - 1);
        }
    }
    address(result)
}

fn is_all_public(start: Point, end: Point) -> bool {
    let azure = point(AZURE);
    let meets = |range: &(Point, Point)| range.0 <= end && start <= range.1;
    !not_public().ranges().iter().any(meets) && !meets(&(azure, azure))
}

/// The prefix, or the address with host bits behind it, that stands for that one.
pub(super) fn permute_net(seed: &[u8], net: IpNet) -> IpNet {
    let bare = net.addr() == net.network();
    let mapped = IpNet::new(permute(seed, net.addr()), net.prefix_len()).unwrap_or(net);
    if bare { mapped.trunc() } else { mapped }
}

/// The prefixes that stand for a range.
pub(super) fn permute_range(seed: &[u8], from: IpAddr, to: IpAddr) -> Option<Vec<String>> {
    let nets: Vec<IpNet> = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ipnet::Ipv4Subnets::new(from, to, 0).map(IpNet::V4).collect(),
        (IpAddr::V6(from), IpAddr::V6(to)) => ipnet::Ipv6Subnets::new(from, to, 0).map(IpNet::V6).collect(),
        _ => return None,
    };
    let changed = nets.iter().any(|net| permute_net(seed, *net) != *net);
    changed.then(|| nets.iter().map(|net| permute_net(seed, *net).to_string()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn common(one: IpAddr, other: IpAddr) -> u32 {
        let shift = if one.is_ipv4() { 96 } else { 0 };
        ((point(one) ^ point(other)) << shift).leading_zeros().min(128 - shift)
    }

    proptest! {
        #[test]
        fn prefixes_are_kept_and_public_stays_public(one: u32, other: u32, six in 0u128..=u128::MAX >> 3, more: u128) {
            for (one, other) in [
                (IpAddr::V4(one.into()), IpAddr::V4(other.into())),
                (IpAddr::V4(one.into()), IpAddr::V4((one ^ (other >> 16)).into())),
                (IpAddr::V6((six | 1 << 125).into()), IpAddr::V6(more.into())),
            ] {
                let (a, b) = (permute(b"seed", one), permute(b"seed", other));
                prop_assert_eq!(common(a, b), common(one, other));
                prop_assert_eq!(not_public().contains(point(a)), not_public().contains(point(one)));
                prop_assert!(!not_public().contains(point(one)) || a == one);
            }
        }
    }

    #[test]
    fn what_is_no_public_address_stays() {
        for text in ["10.1.2.3", "168.63.129.16", "0.0.0.0", "100.64.0.1", "fd00::1", "255.255.255.255", "::1"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(permute(b"seed", address), address);
        }
        for text in ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "::/0"] {
            let net: IpNet = text.parse().unwrap();
            assert_eq!(permute_net(b"seed", net), net);
        }
        assert_ne!(permute(b"seed", "203.0.113.17".parse().unwrap()).to_string(), "203.0.113.17");
    }
}
