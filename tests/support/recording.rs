//! A sink that keeps everything.

use azaudit::source::{Batch, Gap, Input, Kind, Reason, Sink};
use serde_json::Value;

/// What a source handed over.
#[derive(Debug, Default)]
pub struct Recording {
    pub batches: Vec<Batch>,
    pub gaps: Vec<Gap>,
    pub inputs: Vec<Input>,
    pub notes: Vec<String>,
}

impl Sink for Recording {
    fn batch(&mut self, batch: Batch) {
        self.batches.push(batch);
    }
    fn gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }
    fn input(&mut self, input: Input) {
        self.inputs.push(input);
    }
    fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

impl Recording {
    /// All items of that kind with what they are about, in the order in which they came.
    pub fn items(&self, kind: Kind) -> Vec<(Option<String>, Value)> {
        let items = self.batches.iter().flat_map(|batch| batch.items.iter().map(move |item| (batch, item)));
        let items = items.filter(|(_, item)| item.kind == kind);
        items
            .map(|(batch, item)| {
                let value = serde_json::from_str(&batch.text[item.span.clone()]).expect("an item is JSON");
                (item.about.as_deref().map(str::to_owned), value)
            })
            .collect()
    }

    /// The names of the resources, sorted, with repetitions.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .items(Kind::Resource)
            .iter()
            .map(|(_, it)| it["id"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned())
            .collect();
        names.sort();
        names
    }

    /// The resource of that name, as it was handed over.
    pub fn resource(&self, name: &str) -> Value {
        let mut items = self.items(Kind::Resource).into_iter().map(|(_, it)| it);
        let suffix = format!("/{name}");
        items.find(|it| it["id"].as_str().is_some_and(|id| id.ends_with(&suffix))).unwrap_or_default()
    }

    /// Scope, subject and reason of each gap, sorted.
    pub fn gap_list(&self) -> Vec<(&str, &str, Reason)> {
        let mut gaps: Vec<_> =
            self.gaps.iter().map(|gap| (gap.scope.as_str(), gap.what.as_str(), gap.reason)).collect();
        gaps.sort();
        gaps
    }
}
