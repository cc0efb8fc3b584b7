//! The report for people: how much was found, then the worst first, each group of findings followed by the commands that mend it, then what
//! could not be judged, what could not be read, and one line that sums up.
//!
//! Commands stand outside of the tables, one a line and never wrapped, so that they can be copied.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, presets};

use super::json::rfc3339;
use super::text::{counted, grouped, shortened, spaced, visible};
use super::{Format, Report, SourceKind};
use super::{evidence, layout};
use crate::facts::SubjectKind;
use crate::facts::command::shell_quote;
use crate::policy::{Judgement, Remediation, Severity, Verdict};

/// Findings of one policy, gaps, and reasons that are shown before the rest is counted.
const MOST: usize = 50;
/// Subjects that share one entry and are named in it.
const NAMED: usize = 3;
/// Characters of a message, and of a name.
const MESSAGE: usize = 1000;
const NAME: usize = 100;
/// From this many columns on, subject and resource group get a column each.
const WIDE: u16 = 120;

/// The table format.
pub struct Table {
    /// Whether to use colour.
    pub color: bool,
    /// How many columns there are. Commands may be longer.
    pub width: u16,
}

impl Format for Table {
    fn write(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut out = io::BufWriter::new(out);
        self.head(report, &mut out)?;
        let failures = report.with(Verdict::Fail);
        for group in failures.chunk_by(|a, b| a.severity == b.severity && a.policy.id == b.policy.id) {
            self.findings(group, &mut out)?;
        }
        self.unknown(&report.with(Verdict::Unknown), &mut out)?;
        self.plain("PASSED", &report.with(Verdict::Pass), &mut out)?;
        self.plain("NOT APPLICABLE", &report.with(Verdict::NotApplicable), &mut out)?;
        self.gaps(report, &mut out)?;
        self.summary(report, failures.len() as u64, &mut out)?;
        out.flush()
    }
}

impl Table {
    fn head(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let meta = &report.meta;
        let from = match meta.inputs.as_slice() {
            [input] if meta.kind == SourceKind::Offline => visible(&input.path).into_owned(),
            inputs if meta.kind == SourceKind::Offline => counted(inputs.len() as u64, "file"),
            _ => format!("{} in the {} cloud", counted(meta.subscriptions.len() as u64, "subscription"), meta.cloud),
        };
        let version = env!("CARGO_PKG_VERSION");
        writeln!(out, "azaudit {version}, {} at {}: {from}", meta.kind.word(), rfc3339(meta.now))?;
        let (unknown, passed) = (report.counts.of(Verdict::Unknown), report.counts.of(Verdict::Pass));
        writeln!(out, "{} · {} unknown · {} passed", self.found(report), grouped(unknown), grouped(passed))?;
        if !meta.gaps.is_empty() {
            let warning = format!("INCOMPLETE: {}, see NOT READ below", could_not_be_read(meta.gaps.len()));
            writeln!(out, "{}", self.paint(ALARM, &warning))?;
        }
        writeln!(out)
    }

    /// `5 findings: 2 critical, 2 high, 1 medium`.
    fn found(&self, report: &Report) -> String {
        let counts = &report.counts;
        let severities = Severity::ALL.into_iter().filter(|severity| counts.failures(*severity) > 0);
        let severities: Vec<String> =
            severities.map(|s| format!("{} {}", grouped(counts.failures(s)), s.word())).collect();
        let number = self.paint(BOLD, &counted(counts.of(Verdict::Fail), "finding"));
        if severities.is_empty() { number } else { format!("{number}: {}", severities.join(", ")) }
    }

    /// One policy's findings of one severity.
    fn findings(&self, group: &[&Judgement], out: &mut dyn Write) -> io::Result<()> {
        let Judgement { policy, severity, .. } = group[0];
        let number =
            if group.len() > 1 { format!("  ({} findings)", grouped(group.len() as u64)) } else { String::new() };
        let severity_word = self.paint(colour(*severity), &severity.word().to_uppercase());
        writeln!(out, "{severity_word}  {}{number}", self.paint(BOLD, &visible(&policy.id)))?;
        writeln!(out, "{}", self.wrapped("should be:", "", &policy.title))?;

        let shown = &group[..group.len().min(MOST)];
        let wide = self.width >= WIDE;
        let mut table = if wide {
            self.table(&["Subject", "Resource group", "Finding"])
        } else {
            self.table(&["Subject", "Finding"])
        };
        for judgement in shown {
            let message = shortened(&visible(judgement.message.trim()), MESSAGE).into_owned();
            let mut finding = evidence::lines(&judgement.evidence, &message);
            finding.insert(0, message);
            let resource_group = name(judgement.subject.id.resource_group());
            let subject = subject_lines(judgement);
            let finding = finding.join("\n");
            match wide {
                true => table.add_row([subject, resource_group, finding]),
                false if resource_group.is_empty() => table.add_row([subject, finding]),
                false => table.add_row([format!("{subject}\nin {resource_group}"), finding]),
            };
        }
        layout::limit_columns(&mut table, self.width);
        writeln!(out, "{table}")?;
        self.remediations(shown, out)?;
        if group.len() > shown.len() {
            let rest = counted((group.len() - shown.len()) as u64, "more finding");
            writeln!(out, "  … and {rest} of this policy: --format json lists them all")?;
        }
        writeln!(out)
    }

    /// How to mend each finding; what several findings share stands there once.
    fn remediations(&self, group: &[&Judgement], out: &mut dyn Write) -> io::Result<()> {
        let mut distinct: Vec<(&Remediation, Vec<&Judgement>)> = Vec::new();
        for &judgement in group {
            match distinct.iter_mut().find(|(other, _)| **other == judgement.remediation) {
                Some((_, judgements)) => judgements.push(judgement),
                None => distinct.push((&judgement.remediation, vec![judgement])),
            }
        }
        let mut last = "";
        for (Remediation { text, commands }, judgements) in distinct {
            if text != last {
                writeln!(out, "{}", self.wrapped("  fix:", FIX, text))?;
                last = text;
            }
            if group.len() > 1 && !commands.is_empty() {
                writeln!(out, "    {}", self.paint(DIM, &format!("# {}", subjects(&judgements, comment))))?;
            }
            for command in commands {
                writeln!(out, "    {}", visible(command.trim()))?;
            }
        }
        Ok(())
    }

    /// What could not be judged: equal reasons once, however many subjects they concern.
    fn unknown(&self, judgements: &[&Judgement], out: &mut dyn Write) -> io::Result<()> {
        if judgements.is_empty() {
            return Ok(());
        }
        let mut reasons: Vec<(&str, Vec<&Judgement>)> = Vec::new();
        let mut at = std::collections::HashMap::new();
        for &judgement in judgements {
            let message = judgement.message.trim();
            let index = *at.entry(message).or_insert(reasons.len());
            if index == reasons.len() {
                reasons.push((message, Vec::new()));
            }
            reasons[index].1.push(judgement);
        }
        let verdicts = counted(judgements.len() as u64, "verdict");
        writeln!(out, "{}  could not be judged: {verdicts}", self.paint(DOUBT, "UNKNOWN"))?;
        let mut table = self.table(&["Policy and subjects", "What is missing, and how to get it"]);
        for (message, judgements) in reasons.iter().take(MOST) {
            let mut policies: Vec<&str> = judgements.iter().map(|judgement| judgement.policy.id.as_str()).collect();
            policies.sort_unstable();
            policies.dedup();
            let policies: Vec<_> = policies.into_iter().map(visible).collect();
            let message = shortened(&visible(message), MESSAGE).into_owned();
            table.add_row([format!("{}\n{}", policies.join("\n"), subjects(judgements, label)), message]);
        }
        layout::limit_columns(&mut table, self.width);
        writeln!(out, "{table}")?;
        rest(reasons.len(), "reason", out)?;
        writeln!(out)
    }

    /// Judgements that only `--show` asks for: their subjects by policy.
    fn plain(&self, heading: &str, judgements: &[&Judgement], out: &mut dyn Write) -> io::Result<()> {
        if judgements.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}  {}", self.paint(BOLD, heading), grouped(judgements.len() as u64))?;
        let mut sorted = judgements.to_vec();
        sorted.sort_by(|a, b| a.policy.id.cmp(&b.policy.id));
        let mut table = self.table(&["Policy", "Subjects"]);
        for group in sorted.chunk_by(|a, b| a.policy.id == b.policy.id) {
            let mut names: Vec<String> = group.iter().take(MOST).map(|judgement| label(judgement)).collect();
            if group.len() > MOST {
                names.push(format!("… and {} more", grouped((group.len() - MOST) as u64)));
            }
            table.add_row([visible(&group[0].policy.id).into_owned(), names.join("\n")]);
        }
        writeln!(out, "{table}\n")
    }

    /// What could not be read: a section of its own, announced in the first lines and counted in the last.
    fn gaps(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let gaps = &report.meta.gaps;
        if gaps.is_empty() {
            return Ok(());
        }
        let heading = format!("  the audit is incomplete: {}", could_not_be_read(gaps.len()));
        writeln!(out, "{}{heading}", self.paint(ALARM, "NOT READ"))?;
        let mut table = self.table(&["Where", "What", "Why"]);
        for gap in gaps.iter().take(MOST) {
            let why = format!("{}: {}", gap.reason, gap.detail);
            let why = shortened(&visible(why.trim_end_matches(": ")), MESSAGE).into_owned();
            table.add_row([shortened(&visible(&gap.scope), 2 * NAME).into_owned(), name(&gap.what), why]);
        }
        layout::limit_columns(&mut table, self.width);
        writeln!(out, "{table}")?;
        rest(gaps.len(), "gap", out)?;
        writeln!(out)
    }

    fn summary(&self, report: &Report, shown: u64, out: &mut dyn Write) -> io::Result<()> {
        let Report { meta, counts, .. } = report;
        let of = |verdict| counts.of(verdict);
        let found = of(Verdict::Fail);
        let subjects: u64 = counts.by_kind().values().sum();
        if found > 0 {
            write!(out, "{}", self.found(report))?;
            match found.saturating_sub(shown) {
                0 => writeln!(out)?,
                hidden => writeln!(out, " ({} not shown)", grouped(hidden))?,
            }
        } else if of(Verdict::Pass) > 0 {
            let only = if of(Verdict::Unknown) > 0 || !meta.gaps.is_empty() { " in what could be judged" } else { "" };
            let sentence = format!("No findings{only}: {}", counted(of(Verdict::Pass), "verdict"));
            writeln!(out, "{} passed in {}", self.paint(GOOD, &sentence), counted(subjects, "subject"))?;
        } else if of(Verdict::Unknown) > 0 {
            writeln!(out, "{}", self.paint(DOUBT, "Nothing could be judged: every verdict is unknown"))?;
        } else {
            let sentence = "Nothing was judged: no policy applies to what was read";
            writeln!(out, "{}", self.paint(DOUBT, sentence))?;
        }
        writeln!(
            out,
            "{} unknown, {} passed, {} not applicable",
            grouped(of(Verdict::Unknown)),
            grouped(of(Verdict::Pass)),
            grouped(of(Verdict::NotApplicable))
        )?;
        // How many resources there are is said behind them anyhow.
        let own = |kind: &SubjectKind| *kind != SubjectKind::Resource || counts.by_kind().len() == 1;
        let kinds = counts.by_kind().iter().filter(|(kind, _)| own(kind));
        let kinds: Vec<String> = kinds.map(|(kind, number)| counted(*number, &noun(kind.word()))).collect();
        let kinds = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") };
        let resources = counted(meta.resources, "resource");
        let scope = counted(meta.subscriptions.len() as u64, "subscription");
        writeln!(out, "Audited: {kinds}, in {resources} of {scope}")?;
        if !meta.gaps.is_empty() {
            let warning = format!("INCOMPLETE: {}, see NOT READ above", could_not_be_read(meta.gaps.len()));
            writeln!(out, "{}", self.paint(ALARM, &warning))?;
        }
        Ok(())
    }

    fn table(&self, header: &[&str]) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table
            .load_style(presets::UTF8_FULL.with_rounded_corners())
            .force_no_tty()
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(self.width)
            .set_header(header);
        table
    }

    /// A sentence behind a painted label.
    fn wrapped(&self, label: &str, code: &str, text: &str) -> String {
        let word = label.trim_start();
        let margin = &label[..label.len() - word.len()];
        let painted = if code.is_empty() { word.to_owned() } else { self.paint(code, word) };
        format!("{margin}{painted} {}", layout::hanging(label.len() + 1, self.width, &visible(text.trim())))
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

const BOLD: &str = "1";
const DIM: &str = "2";
const FIX: &str = "1;36";
const GOOD: &str = "1;32";
const DOUBT: &str = "1;33";
const ALARM: &str = "1;31";

fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "1;37;41",
        Severity::High => "1;31",
        Severity::Medium => "1;33",
        Severity::Low => "1;34",
        Severity::Info => "1;36",
    }
}

fn could_not_be_read(gaps: usize) -> String {
    format!("{} could not be read", counted(gaps as u64, "thing"))
}

fn rest(number: usize, noun: &str, out: &mut dyn Write) -> io::Result<()> {
    if number > MOST {
        let more = counted((number - MOST) as u64, &format!("more {noun}"));
        writeln!(out, "  … and {more}: --format json lists them all")?;
    }
    Ok(())
}

fn noun(kind: &str) -> String {
    spaced(kind).replace("rdp ", "RDP ")
}

fn name(text: &str) -> String {
    shortened(&visible(text), NAME).into_owned()
}

/// `gw-hub / P2SRoot`: the subject in one line.
fn label(judgement: &Judgement) -> String {
    match judgement.subject.element.as_deref() {
        Some(element) => format!("{} / {}", name(&judgement.subject.name), name(element)),
        None => name(&judgement.subject.name),
    }
}

fn subject_lines(judgement: &Judgement) -> String {
    match judgement.subject.element.as_deref() {
        Some(element) => format!("{}\n{}", name(&judgement.subject.name), name(element)),
        None => name(&judgement.subject.name),
    }
}

/// The subject in a comment among commands. It is quoted like an argument: a shell that does not know comments when
/// it is typed to (zsh) would run what stands in them.
fn comment(judgement: &Judgement) -> String {
    shell_quote(&label(judgement).replace(" / ", "/")).into_owned()
}

/// The first subjects of several, each as `show` has it, and how many more there are.
fn subjects(judgements: &[&Judgement], show: fn(&Judgement) -> String) -> String {
    let mut labels: Vec<String> = Vec::new();
    let mut more = 0;
    for judgement in judgements {
        let label = show(judgement);
        if labels.contains(&label) {
            continue;
        }
        if labels.len() < NAMED { labels.push(label) } else { more += 1 }
    }
    let mut labels = labels.join(", ");
    if more > 0 {
        labels.push_str(&format!(" and {} more", grouped(more)));
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::super::{sample, text};
    use super::*;

    fn rendered(report: &Report, width: u16, color: bool) -> String {
        let mut out = Vec::new();
        Table { color, width }.write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sample_report_on_80_columns() {
        insta::assert_snapshot!(rendered(&sample::report(), 80, false));
    }

    #[test]
    fn sample_report_on_200_columns() {
        insta::assert_snapshot!(rendered(&sample::report(), 200, false));
    }

    #[test]
    fn nothing_found() {
        insta::assert_snapshot!(rendered(&sample::nothing_found(), 80, false));
    }

    #[test]
    fn tables_stay_within_the_width_and_commands_stay_whole() {
        for width in [20, 40, 80, 119, 120, 200] {
            let report = sample::report();
            let text = rendered(&report, width, false);
            let tables = text.lines().filter(|line| line.starts_with(['│', '╭', '╰', '├', '╞']));
            for line in tables {
                assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
            }
            for command in report.results.iter().flat_map(|result| &result.remediation.commands) {
                assert!(text.lines().any(|line| line.trim_start() == command), "{width}: {command}");
            }
        }
    }

    /// Names of 40 characters; 80 columns hold them and a sentence.
    #[test]
    fn names_are_broken_only_where_nothing_else_is_possible() {
        let long = "vnet-contoso-production-westeurope-00001";
        let report = |name: &str| {
            let mut report = sample::report();
            for result in &mut report.results {
                result.subject.name = name.to_owned();
            }
            report
        };
        for width in [80, 100, 130] {
            let text = rendered(&report(long), width, false);
            assert!(text.contains(&format!("│ {long} ")), "{width}: {text}");
        }
        let longer = format!("{long}{long}");
        assert!(!rendered(&report(&longer), 80, false).contains(&format!("│ {longer} ")));
    }

    #[test]
    fn fix_texts_are_wrapped_between_words_and_indented() {
        let mut report = sample::report();
        report.results = vec![sample::certificate("gw", "Root")];
        report.results[0].remediation.text = "Let only point-to-site clients in. ".repeat(5);
        let text = rendered(&report, 60, true);
        let (_, fix) = text.split_once("  \x1b[1;36mfix:\x1b[0m ").unwrap();
        let lines: Vec<&str> = fix.lines().take(4).collect();
        assert_eq!(
            lines,
            [
                "Let only point-to-site clients in. Let only",
                "       point-to-site clients in. Let only point-to-site",
                "       clients in. Let only point-to-site clients in. Let",
                "       only point-to-site clients in.",
            ]
        );
    }

    #[test]
    fn the_second_line_tells_how_much_was_found() {
        let second = |report: &Report| rendered(report, 80, false).lines().nth(1).unwrap().to_owned();
        assert_eq!(second(&sample::report()), "5 findings: 2 critical, 2 high, 1 medium · 2 unknown · 1 passed");
        assert_eq!(second(&sample::nothing_found()), "0 findings · 0 unknown · 2 passed");
    }

    #[test]
    fn hostile_names_reach_the_terminal_written_out() {
        let text = rendered(&sample::hostile(), 100, false);
        for (number, line) in text.lines().enumerate() {
            assert_eq!(text::visible(line), line, "line {number}");
            assert!(!line.trim_start().starts_with("fix: rm"), "line {number}: {line}");
        }
        assert!(text.contains(r"\u{1b}[31m\nfix: rm -rf /\u{202e}gnp.exe\u{200b}\u{7}"));
    }

    #[test]
    fn a_name_in_a_comment_cannot_become_a_command() {
        let mut report = sample::report();
        for result in &mut report.results {
            result.subject.name = "x; rm -rf ~".to_owned();
        }
        let text = rendered(&report, 80, false);
        assert!(text.contains("\n    # 'x; rm -rf ~/ipconfig1'\n"), "{text}");
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let report = sample::report();
        let colored = rendered(&report, 100, true);
        assert!(colored.contains("\x1b[1;37;41mCRITICAL\x1b[0m"));
        let codes = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
        assert_eq!(codes.replace_all(&colored, ""), rendered(&report, 100, false));
    }

    #[test]
    fn many_findings_of_one_policy_are_counted_and_not_listed() {
        let meta = sample::report().meta;
        let number = MOST + 3;
        let kept: Vec<Judgement> = (0..number).map(|i| sample::certificate(&format!("gw-{i:03}"), "Root")).collect();
        let mut counts = super::super::Counts::default();
        kept.iter().for_each(|judgement| counts.verdict(judgement.verdict, judgement.severity));
        let text = rendered(&Report::new(meta, kept, counts), 80, false);
        assert!(text.contains("(53 findings)") && text.contains("53 findings: 53 high"));
        assert!(text.contains("… and 3 more findings of this policy: --format json lists them all"));
        assert!(text.contains("gw-049") && !text.contains("gw-050"));
    }

    #[test]
    fn findings_that_are_not_shown_are_counted() {
        let mut report = sample::report();
        report.results.clear();
        assert!(rendered(&report, 80, false).contains("5 findings: 2 critical, 2 high, 1 medium (5 not shown)"));
    }

    #[test]
    fn only_what_was_judged_counts_as_clean() {
        let mut report = sample::nothing_found();
        assert!(rendered(&report, 80, false).contains("No findings: 2 verdicts passed in 9 subjects"));
        report.counts.verdict(Verdict::Unknown, Severity::High);
        assert!(rendered(&report, 80, false).contains("No findings in what could be judged: 2 verdicts passed"));
        report.counts = super::super::Counts::default();
        assert!(rendered(&report, 80, false).contains("Nothing was judged"));
        report.counts.verdict(Verdict::Unknown, Severity::High);
        assert!(rendered(&report, 80, false).contains("Nothing could be judged"));
    }
}
