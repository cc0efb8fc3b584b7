//! The keys of a policy file and what stands behind them: what the loader accepts, and what an editor shows.

/// A key with its documentation.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// For whoever writes a policy: sentences.
    pub(super) doc: &'static str,
}

const fn key(name: &'static str, doc: &'static str) -> Key {
    Key { name, doc }
}

/// The keys of a policy.
pub(super) const POLICY: [Key; 17] = [
    key("id", "The policy's id, if you want to see it here: the file's name without its extension, and nothing else."),
    key("title", "The claim, one sentence without a closing period that says how it should be."),
    key("why", "Why it matters, one or two sentences."),
    key("severity", "How bad a failure is."),
    key("severityWhen", "Conditions under which a failure is better or worse; the first that holds decides."),
    key("subject", "What is judged: the policy is one claim about every subject of this kind."),
    key(
        "type",
        "The type of the resources that are judged, with `subject: resource`: Microsoft.Storage/storageAccounts, in any \
         letter case. Expressions then see their JSON, in which what is absent or null is missing: the verdict is \
         unknown, unless `has(…)` asked first.",
    ),
    key("port", "The port that the facts of an rdpEndpoint are computed for; without it, that of Remote Desktop."),
    key("params", "Thresholds, read as `params.NAME`; `azaudit.toml` can set them to other values of their type."),
    key(
        "when",
        "A CEL expression of type bool: whether the claim is about this subject at all. Where it is false the verdict \
         is notApplicable, where it depends on what was not read, unknown.",
    ),
    key(
        "check",
        "A CEL expression of type bool: whether the claim holds. True is pass, false is fail; what depends on data \
         that was not read is unknown by itself, so policies never test for missing data.",
    ),
    key(
        "message",
        "What is told of a failure: what is wrong, where, with the decisive value. `{{ EXPR }}` stands for the value \
         of a CEL expression.",
    ),
    key("evidence", "What a verdict rests on: names, each with a CEL expression of any type but command."),
    key("remediation", "How to mend a failure."),
    key("symptoms", "The symptoms that a failure explains, by their ids."),
    key("references", "Addresses of documentation."),
    key(
        "frameworks",
        "The controls that a published mapping names for this claim, by framework: {cis-azure-foundations-3.0: [\"7.1\"]}.",
    ),
];

/// The keys of an entry of `severityWhen`.
pub(super) const SEVERITY_WHEN: [Key; 2] = [
    key("when", "A CEL expression of type bool; what was not read counts as false."),
    key("severity", "How bad a failure is where it holds."),
];

/// The keys of `remediation`.
pub(super) const REMEDIATION: [Key; 2] = [
    key("text", "What to do, in words; `{{ EXPR }}` stands for a value."),
    key(
        "commands",
        "Commands that can be pasted. The value of each `{{ EXPR }}` becomes one quoted word; an entry that is \
         nothing but `{{ EXPR }}` of type command, or a list of them, becomes those commands.",
    ),
];

/// The names alone.
pub(super) const fn names<const N: usize>(keys: &[Key; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut i = 0;
    while i < N {
        names[i] = keys[i].name;
        i += 1;
    }
    names
}
