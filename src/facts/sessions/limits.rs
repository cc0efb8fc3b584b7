//! Limits, and how much of them a number of sessions uses.

use super::LimitKind;
use crate::facts::schema::{Known, Unread};

/// One of the two limits of a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// Whether sessions may be of this kind: the protocol is enabled, or nobody says which are.
    pub enabled: bool,
    /// How many there can be.
    pub limit: Known<u32>,
}

impl Side {
    fn share(&self, sessions: f64) -> Option<f64> {
        self.limit.as_ref().ok().map(|limit| sessions / f64::from(*limit))
    }
}

/// What a gateway carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Limits {
    /// SSTP, and beside it IKEv2 and OpenVPN together.
    ByProtocol {
        /// SSTP.
        sstp: Side,
        /// IKEv2 and OpenVPN.
        other: Side,
    },
    /// One limit for whatever protocol (Virtual WAN).
    Together(Known<u32>),
}

/// Sessions at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Load {
    pub(super) sstp: f64,
    pub(super) other: f64,
    /// Of a protocol that the source does not tell.
    pub(super) untold: f64,
}

impl Load {
    pub(super) fn total(self) -> f64 {
        self.sstp + self.other + self.untold
    }

    pub(super) fn add(&mut self, protocol: Option<Protocol>, sessions: f64) {
        match protocol {
            Some(Protocol::Sstp) => self.sstp += sessions,
            Some(Protocol::Other) => self.other += sessions,
            None => self.untold += sessions,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Sstp,
    Other,
}

/// The limit that sessions of a protocol count against. Azure documents no spellings: words within the text decide.
pub(super) fn protocol(text: &str) -> Option<Protocol> {
    let text = text.to_ascii_lowercase();
    let sstp = text.contains("sstp");
    let other = ["ike", "openvpn", "ovpn"].iter().any(|word| text.contains(word));
    match (sstp, other) {
        (true, false) => Some(Protocol::Sstp),
        (false, true) => Some(Protocol::Other),
        _ => None,
    }
}

/// How much of the limits a load uses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Use {
    /// However the sessions divide into protocols.
    pub(super) at_least: f64,
    /// The limit that this is of.
    pub(super) tightest: Option<LimitKind>,
    /// `None`: a limit that counts is not known.
    pub(super) at_most: Option<f64>,
    /// `231 of 250 IKEv2/OpenVPN sessions (92 %)`.
    pub(super) words: String,
}

impl Limits {
    fn sides(&self) -> (Side, Side) {
        match self {
            Self::ByProtocol { sstp, other } => (sstp.clone(), other.clone()),
            Self::Together(limit) => {
                let nobody = Side { enabled: false, limit: Ok(1) };
                (nobody, Side { enabled: true, limit: limit.clone() })
            }
        }
    }

    /// The reason why a limit that counts is not known.
    pub(super) fn unread(&self) -> Option<Unread> {
        let (sstp, other) = self.sides();
        [sstp, other].into_iter().filter(|side| side.enabled).find_map(|side| side.limit.err())
    }

    pub(super) fn used_by(&self, load: Load) -> Use {
        let together = matches!(self, Self::Together(_));
        let load = if together { Load { other: load.total(), ..Load::default() } } else { load };
        let (sstp, other) = self.sides();
        // How many of the untold sessions may be SSTP.
        let (fewest, most) = match (sstp.enabled, other.enabled) {
            (true, false) => (load.untold, load.untold),
            (false, true) => (0.0, 0.0),
            _ => (0.0, load.untold),
        };
        let shares = |x: f64| (sstp.share(load.sstp + x), other.share(load.other + load.untold - x));
        let used = |x: f64| {
            let (sstp, other) = shares(x);
            sstp.unwrap_or(0.0).max(other.unwrap_or(0.0))
        };
        let mut splits = vec![fewest, most];
        if let (Ok(sstp), Ok(other)) = (&sstp.limit, &other.limit) {
            // The two shares are equal here; sessions are whole, so the best split is beside it.
            let (sstp, other) = (f64::from(*sstp), f64::from(*other));
            let even = (sstp * (load.other + load.untold) - other * load.sstp) / (sstp + other);
            splits.extend([even.floor(), even.ceil()].map(|x| x.clamp(fewest, most)));
        }
        let best = splits.into_iter().min_by(|a, b| used(*a).total_cmp(&used(*b))).unwrap_or(fewest);
        let counts = |side: &Side, sessions: f64| side.enabled || sessions > 0.0;
        let unknown =
            (counts(&sstp, load.sstp) && sstp.limit.is_err()) || (counts(&other, load.other) && other.limit.is_err());
        let (sstp_share, other_share) = shares(best);
        let second = if together { LimitKind::Together } else { LimitKind::Ikev2OpenVpn };
        let tightest = match (sstp_share, other_share) {
            (Some(sstp), Some(other)) if sstp > other => Some(LimitKind::Sstp),
            (_, Some(_)) => Some(second),
            (Some(_), None) => Some(LimitKind::Sstp),
            (None, None) => None,
        };
        let words = match (&sstp.limit, &other.limit, tightest) {
            (Ok(sstp), Ok(other), _) if fewest < most => format!(
                "{} sessions where {sstp} by SSTP and {other} by IKEv2/OpenVPN fit (at least {} % of one limit)",
                load.total(),
                (used(best) * 100.0 + 1e-9).floor()
            ),
            (Ok(limit), _, Some(LimitKind::Sstp)) => words(load.sstp + best, *limit, "SSTP"),
            (_, Ok(limit), Some(kind)) => {
                let kind = if kind == LimitKind::Together { "client" } else { "IKEv2/OpenVPN" };
                words(load.other + load.untold - best, *limit, kind)
            }
            _ => String::new(),
        };
        Use { at_least: used(best), tightest, at_most: (!unknown).then(|| used(fewest).max(used(most))), words }
    }
}

/// `231 of 250 IKEv2/OpenVPN sessions (92 %)`. Rounded down: 79.9 % is not 80 %.
pub(super) fn words(sessions: f64, limit: u32, kind: &str) -> String {
    let percent = (sessions * 100.0 / f64::from(limit)).floor();
    format!("{sessions} of {limit} {kind} sessions ({percent} %)")
}
