//! What makes two findings the same one.

use sha2::{Digest, Sha256};

use crate::policy::Judgement;

/// A name for "this policy on this element" that stays the same while anything else changes: 32 hex digits.
///
/// It covers the policy's id, the subject's kind, its id and its element, both in lower case, since Azure's APIs
/// spell them in different letter case. It is part of the report's contract: baselines kept by users hold it.
pub fn fingerprint(judgement: &Judgement) -> String {
    let subject = &judgement.subject;
    let element = subject.element.as_deref().unwrap_or_default().to_lowercase();
    let mut hash = Sha256::new();
    for part in [&judgement.policy.id, subject.kind.word(), &subject.id.key(), &element] {
        // The length in front keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::inventory::ResourceId;

    #[test]
    fn only_policy_and_element_decide() {
        let one = sample::certificate("gw-weu", "P2SRoot");
        let mut other = one.clone();
        other.severity = crate::policy::Severity::Info;
        other.message = "something else".to_owned();
        other.evidence.clear();
        other.subject.location = None;
        other.subject.id = ResourceId::new(&one.subject.id.as_str().to_uppercase());
        other.subject.element = Some("p2sroot".to_owned());
        assert_eq!(fingerprint(&one), fingerprint(&other));
        other.subject.element = Some("p2sroot2".to_owned());
        assert_ne!(fingerprint(&one), fingerprint(&other));
    }

    /// Users keep fingerprints in baselines: this value never changes.
    #[test]
    fn the_recipe_is_fixed() {
        insta::assert_snapshot!(fingerprint(&sample::certificate("gw-weu", "P2SRoot")), @"6e6504ab08fd78a3847e7eb71545a107");
    }
}
