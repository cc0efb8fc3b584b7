//! Limits, and how much of them a number of sessions uses.

use super::LimitKind;
use super::metric::Minute;
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
pub struct Limits {
    /// SSTP.
    pub(super) sstp: Side,
    /// IKEv2 and OpenVPN; or all protocols together.
    pub(super) other: Side,
    /// Whether there is one limit for whatever protocol.
    pub(super) together: bool,
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Use {
    /// However the sessions divide into protocols.
    pub(super) at_least: f64,
    /// `None`: a limit that counts is not known.
    pub(super) at_most: Option<f64>,
    /// How many of the untold sessions are SSTP where the least is used.
    best: f64,
    /// Whether sessions are untold that may be of either kind.
    open: bool,
}

impl Limits {
    /// A limit for SSTP, and one for IKEv2 and OpenVPN together beside it.
    pub fn by_protocol(sstp: Side, other: Side) -> Self {
        Self { sstp, other, together: false }
    }

    /// One limit for whatever protocol (Virtual WAN).
    pub fn together(limit: Known<u32>) -> Self {
        let nobody = Side { enabled: false, limit: Ok(1) };
        Self { sstp: nobody, other: Side { enabled: true, limit }, together: true }
    }

    /// The SSTP limit; `None`: there is no SSTP.
    pub fn sstp(&self) -> Option<&Known<u32>> {
        (!self.together).then_some(&self.sstp.limit)
    }

    /// The limit of IKEv2 and OpenVPN, or of all protocols together.
    pub fn other(&self) -> &Known<u32> {
        &self.other.limit
    }

    /// Of which kinds no series that counts lacks a value in that minute: SSTP, and the other one. A protocol that is
    /// not enabled has no sessions to miss.
    pub(super) fn complete(&self, minute: Minute) -> (bool, bool) {
        (!(self.sstp.enabled && minute.lacks_sstp), !(self.other.enabled && minute.lacks_other))
    }

    /// The reason why a limit that counts is not known.
    pub(super) fn unread(&self) -> Option<&Unread> {
        let mut sides = [&self.sstp, &self.other];
        sides.sort_by_key(|side| !side.enabled);
        sides.into_iter().find_map(|side| side.limit.as_ref().err())
    }

    /// The load by protocol, where it is known: told, or only one kind is enabled.
    pub(super) fn told(&self, load: Load) -> Option<Load> {
        let Load { sstp, other, untold } = load;
        match (self.sstp.enabled, self.other.enabled) {
            _ if untold == 0.0 => Some(load),
            _ if self.together => None,
            (true, false) => Some(Load { sstp: sstp + untold, other, untold: 0.0 }),
            (false, true) => Some(Load { sstp, other: other + untold, untold: 0.0 }),
            _ => None,
        }
    }

    /// The load as it counts against the limits.
    fn counted(&self, load: Load) -> Load {
        if self.together { Load { other: load.total(), ..Load::default() } } else { load }
    }

    /// The shares of both limits that are used when that many of the untold sessions are SSTP.
    fn shares(&self, load: Load, sstp: f64) -> (Option<f64>, Option<f64>) {
        (self.sstp.share(load.sstp + sstp), self.other.share(load.other + load.untold - sstp))
    }

    /// How much of the limits that load uses.
    pub(super) fn used_by(&self, load: Load) -> Use {
        let load = self.counted(load);
        // How many of the untold sessions may be SSTP.
        let (fewest, most) = match (self.sstp.enabled, self.other.enabled) {
            (true, false) => (load.untold, load.untold),
            (false, true) => (0.0, 0.0),
            _ => (0.0, load.untold),
        };
        let used = |x: f64| {
            let (sstp, other) = self.shares(load, x);
            sstp.unwrap_or(0.0).max(other.unwrap_or(0.0))
        };
        let mut splits = [fewest, most, fewest, most];
        if let (Ok(sstp), Ok(other)) = (&self.sstp.limit, &self.other.limit) {
            // The two shares are equal here; sessions are whole, so the best split is beside it.
            let (sstp, other) = (f64::from(*sstp), f64::from(*other));
            let even = (sstp * (load.other + load.untold) - other * load.sstp) / (sstp + other);
            splits = [fewest, most, even.floor().clamp(fewest, most), even.ceil().clamp(fewest, most)];
        }
        let best = splits.into_iter().min_by(|a, b| used(*a).total_cmp(&used(*b))).unwrap_or(fewest);
        let unknown = |side: &Side, told: f64| (side.enabled || told > 0.0) && side.limit.is_err();
        let unknown = unknown(&self.sstp, load.sstp) || unknown(&self.other, load.other);
        let at_most = (!unknown).then(|| used(fewest).max(used(most)));
        Use { at_least: used(best), at_most, best, open: fewest < most }
    }

    /// The limit that this use is a share of; `None`: no limit is known.
    pub(super) fn tightest(&self, load: Load, used: Use) -> Option<LimitKind> {
        let second = if self.together { LimitKind::Together } else { LimitKind::Ikev2OpenVpn };
        match self.shares(self.counted(load), used.best) {
            (Some(sstp), Some(other)) if sstp > other => Some(LimitKind::Sstp),
            (_, Some(_)) => Some(second),
            (Some(_), None) => Some(LimitKind::Sstp),
            (None, None) => None,
        }
    }

    /// The use in words: `231 of 250 IKEv2/OpenVPN sessions (92 %)`; empty where no limit is known.
    pub(super) fn words(&self, load: Load, used: Use) -> String {
        let tightest = self.tightest(load, used);
        let load = self.counted(load);
        let (sstp, other) = (load.sstp + used.best, load.other + load.untold - used.best);
        match (&self.sstp.limit, &self.other.limit, tightest) {
            (Ok(sstp), Ok(other), _) if used.open => format!(
                "{} sessions where {sstp} by SSTP and {other} by IKEv2/OpenVPN fit (at least {} % of one limit)",
                load.total(),
                (used.at_least * 100.0 + 1e-9).floor()
            ),
            (Ok(limit), _, Some(LimitKind::Sstp)) => words(sstp, *limit, "SSTP"),
            (_, Ok(limit), Some(LimitKind::Together)) => words(other, *limit, "client"),
            (_, Ok(limit), Some(_)) => words(other, *limit, "IKEv2/OpenVPN"),
            _ => String::new(),
        }
    }
}

/// Rounded down: 79.9 % is not 80 %.
pub(super) fn words(sessions: f64, limit: u32, kind: &str) -> String {
    let percent = (sessions * 100.0 / f64::from(limit)).floor();
    format!("{sessions} of {limit} {kind} sessions ({percent} %)")
}
