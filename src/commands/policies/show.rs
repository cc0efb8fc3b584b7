//! `azaudit policies show`: one policy with the facts that it reads and an example.

use std::path::PathBuf;

use time::OffsetDateTime;
use time::macros::datetime;

use crate::cli::{ListFormat, ShowPolicy};
use crate::error::Failure;
use crate::facts::{Context, Options};
use crate::fixtures::{self, Fixtures};
use crate::inventory::{self, Inventory};
use crate::policy::{Judgement, Policy, PolicySet, Severity, Verdict, Verdicts};
use crate::printer::Printer;
use crate::report::policy::{self as report, Example};
use crate::source::offline;

/// An estate in which every built-in policy finds something.
const SAMPLE: &str = include_str!("../../../testdata/estates/contoso.json");
/// The moments at which it is judged: by the first, no SKU is retired yet.
const MOMENTS: [OffsetDateTime; 2] = [fixtures::NOW, datetime!(2026-12-01 00:00 UTC)];

/// Shows the policy.
pub(super) fn run(arguments: &ShowPolicy, printer: &Printer) -> Result<(), Failure> {
    let mut policies = super::load(!arguments.no_builtin_policies, &arguments.policies)?;
    let policy = policies.named(&arguments.id).cloned().map_err(|error| {
        let hint = error.hint.unwrap_or_else(|| "`azaudit policies list` names them all".to_owned());
        Failure::new(error.message).hint(hint)
    })?;
    policies.retain(|it| it.id() == policy.id());
    let example = of_own_fixtures(&policies, &policy, &arguments.policies).or_else(|| of_sample(&policies));
    printer.print(|out| match arguments.format {
        ListFormat::Json => report::json(&policy, example.as_ref(), out),
        ListFormat::Table => report::text(&policy, example.as_ref(), printer.width(), out),
    })
}

/// The first failure in the policy's own fixtures, where it comes from a folder that has some.
fn of_own_fixtures(policies: &PolicySet, policy: &Policy, folders: &[PathBuf]) -> Option<Example> {
    let fixtures = Fixtures::of_policies(folders).ok()?;
    let trial = fixtures::judge(policies, policy, &fixtures.of(policy.id()));
    trial.estates.into_iter().find_map(|estate| {
        let failed = estate.subjects.into_iter().find(|it| it.judgement.verdict == Verdict::Fail)?;
        let name = estate.fixture.path.display().to_string();
        Some(Example { estate: format!("`{name}`"), now: estate.now?, judgement: failed.judgement })
    })
}

fn of_sample(policies: &PolicySet) -> Option<Example> {
    let inventory = sample(policies);
    MOMENTS.into_iter().find_map(|now| {
        let context = Context { inventory: &inventory, options: &Options::at(now) };
        let only_failures = Verdicts::NONE.with(Verdict::Fail);
        let (mut failures, _) = policies.audit(context, only_failures, Severity::Info);
        let order = |it: &Judgement| (it.severity, it.subject.id.to_string(), it.subject.element.clone());
        failures.sort_by_cached_key(order);
        let judgement = failures.into_iter().next()?;
        Some(Example { estate: "the sample estate, testdata/estates/contoso.json".to_owned(), now, judgement })
    })
}

fn sample(policies: &PolicySet) -> Inventory {
    let whole = policies.resource_types().collect();
    let paths = [PathBuf::from("-")];
    let (_, inventory) = inventory::collect_whole(&whole, |sink| offline::read(&paths, &mut SAMPLE.as_bytes(), sink));
    inventory
}
