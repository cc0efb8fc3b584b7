use super::*;
use crate::source::Input;

#[derive(Default)]
struct Heap {
    items: Vec<(Kind, String, u64, u64)>,
    gaps: Vec<String>,
}

impl Sink for Heap {
    fn batch(&mut self, batch: Batch) {
        let items = batch.items.iter();
        self.items.extend(items.map(|it| (it.kind, batch.text[it.span.clone()].to_owned(), it.line, it.column)));
    }
    fn gap(&mut self, gap: Gap) {
        self.gaps.push(format!("{} {}: {}", gap.what, gap.reason, gap.detail));
    }
    fn input(&mut self, _: Input) {}
    fn note(&mut self, _: String) {}
}

fn read(text: impl AsRef<[u8]>, lines: bool) -> (Heap, Found) {
    let mut whole = Heap::default();
    let found = split(text.as_ref(), 0, "f.json", lines, &mut whole);
    for step in [1, 3, 7] {
        let mut dripped = Heap::default();
        let again = split_by(step, text.as_ref(), 0, "f.json", lines, &mut dripped);
        assert_eq!((&dripped.items, &dripped.gaps, &again), (&whole.items, &whole.gaps, &found), "step {step}");
    }
    (whole, found)
}

const A: &str = r#"{"id": "/a", "type": "t", "properties": {"x": ["}", "\"]"]}}"#;
const B: &str = r#"{"properties": {}, "ID": "/b"}"#;

fn texts(heap: &Heap) -> Vec<&str> {
    heap.items.iter().map(|(_, text, ..)| text.as_str()).collect()
}

#[test]
fn every_framing_yields_the_same_items() {
    let framings = [
        (format!("[{A},{B}]"), "arm-array"),
        (format!("{{\"nextLink\": null, \"value\": [{A}, {B}]}}"), "arm-list"),
        (format!("{{\"count\": 2, \"data\": [{A}, {B}], \"$skipToken\": \"\"}}"), "resource-graph"),
        (format!("{A}\n{B}"), "arm-resource"),
        (format!("{A}{B}"), "arm-resource"),
        (format!("\u{1e}{A}\n\u{1e}{B}\n"), "arm-resource"),
        (format!("{{\"value\": [{A}]}}{{\"value\": [{B}]}}"), "arm-list"),
    ];
    for (text, shape) in framings {
        let (heap, found) = read(&text, false);
        assert_eq!(texts(&heap), [A, B], "{text}");
        assert_eq!(heap.gaps, [""; 0], "{text}");
        assert_eq!((found.shapes, found.resources), (vec![shape], 2), "{text}");
    }
}

#[test]
fn items_know_their_line_and_column() {
    let (heap, _) = read(format!("[\n  {A},\n\n {B}]"), false);
    assert_eq!((heap.items[0].2, heap.items[0].3), (2, 3));
    assert_eq!((heap.items[1].2, heap.items[1].3), (4, 2));
}

#[test]
fn a_text_that_ends_too_early_keeps_what_came_before() {
    let (heap, _) = read(format!("[{A},\n{}", &B[..10]), false);
    assert_eq!(texts(&heap), [A]);
    assert_eq!(
        heap.gaps,
        ["file truncated: line 2, column 11: the text ends inside a document that starts at line 1, column 1"]
    );
}

#[test]
fn what_is_no_object_is_a_gap_and_its_neighbours_stay() {
    for odd in ["null", "17", "\"text\"", "[1]"] {
        let (heap, _) = read(format!("[{A},{odd},{B}]"), false);
        assert_eq!(texts(&heap), [A, B], "{odd}");
        assert_eq!(heap.gaps.len(), 1, "{odd}");
        let expected = format!("column {}", A.len() + 3);
        assert!(heap.gaps[0].contains(&expected), "{odd}: {:?}", heap.gaps);
    }
}

#[test]
fn a_damaged_line_costs_only_itself() {
    for damaged in [r#"{"id": "/x"#, r#"{"id": "/x", "properties": {"#, "nonsense", "null"] {
        let (heap, _) = read(format!("{A}\n{damaged}\n{B}\n"), true);
        assert_eq!(texts(&heap), [A, B], "{damaged}");
        assert_eq!(heap.gaps.len(), 1, "{damaged}: {:?}", heap.gaps);
        assert!(heap.gaps[0].contains("line 2"), "{damaged}: {:?}", heap.gaps);
    }
}

#[test]
fn a_cut_string_does_not_swallow_the_next_resource() {
    let (heap, _) = read(format!("[\n{{\"id\": \"/x\",\n\"type\": \"t\n}},\n{B}\n]"), false);
    assert_eq!(heap.items.len(), 2);
    assert_eq!(heap.items[1].1, B);
}

#[test]
fn line_breaks_pasted_into_a_string_cost_only_their_resource() {
    for pasted in ["MIIC\nMIID", "\nMIIC", "MIIC\n", "MIIC\r\n  MIID\r\n", "-----BEGIN-----\nMIIC\n-----END-----\n\n"] {
        let odd = format!("{{\"id\": \"/x\", \"type\": \"t\", \"properties\": {{\"data\": \"{pasted}\"}}}}");
        let (heap, _) = read(format!("[{odd},{A},{B}]"), false);
        assert_eq!(texts(&heap), [odd.as_str(), A, B], "{pasted:?}");
    }
}

#[test]
fn every_list_of_a_document_counts() {
    for text in [
        format!("{{\"value\": [{A}], \"value\": [{B}]}}"),
        format!("{{\"data\": [{A}], \"count\": 2, \"value\": [{B}]}}"),
        format!("{{\"value\": [], \"x\": [1], \"Value\": [{A},{B}]}}"),
    ] {
        let (heap, found) = read(&text, false);
        assert_eq!((texts(&heap), found.resources), (vec![A, B], 2), "{text}");
        assert!(heap.gaps.is_empty(), "{text}: {:?}", heap.gaps);
    }
}

#[test]
fn a_file_that_is_no_json_is_said_to_be_so_once() {
    let (heap, found) = read("id,name\n1,2\n".repeat(1000), false);
    assert_eq!((heap.gaps.len(), found.documents), (2, 0));
    assert!(heap.gaps[1].contains("1999 more places"), "{:?}", heap.gaps);
}

#[test]
fn places_are_counted_once_however_many_there_are() {
    let start = std::time::Instant::now();
    let mut heap = Heap::default();
    split("[]".repeat(250_000).as_bytes(), 0, "f.json", false, &mut heap);
    // Counting from the start of the buffer each time took two minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn bytes_that_are_no_utf8_cost_only_their_resource() {
    let mut text = format!("[{A},").into_bytes();
    text.extend_from_slice(b"{\"id\":\"\xff\",\"type\":\"t\"},");
    text.extend_from_slice(format!("{B}]").as_bytes());
    let (heap, _) = read(&text, false);
    assert_eq!(texts(&heap), [A, B]);
    assert_eq!(heap.gaps.len(), 1);
    assert!(heap.gaps[0].contains("0xff is no UTF-8"), "{:?}", heap.gaps);
}

#[test]
fn a_list_that_goes_on_elsewhere_says_so() {
    let (heap, _) = read(format!("{{\"value\": [{A}], \"nextLink\": \"https://x\"}}"), false);
    assert_eq!(texts(&heap), [A]);
    assert!(heap.gaps[0].starts_with("file truncated"), "{:?}", heap.gaps);
}

#[test]
fn a_saved_refusal_is_a_gap_and_not_an_empty_result() {
    let (heap, found) = read(r#"{"error": {"code": "AuthorizationFailed", "message": "no"}}"#, false);
    assert_eq!(found.shapes, ["arm-error"]);
    assert!(heap.gaps[0].starts_with("file forbidden") && heap.gaps[0].contains("AuthorizationFailed: no"));
}

#[test]
fn session_rows_are_one_answer_and_metrics_are_items() {
    let (heap, found) = read(r#"{"value": [{"vpnConnectionId": "IKEv2_1"}, {"vpnConnectionId": "OVPN_2"}]}"#, false);
    assert_eq!(found.shapes, ["sessions"]);
    assert_eq!(heap.items.len(), 1);
    assert_eq!(heap.items[0].0, Kind::Sessions);
    assert_eq!(heap.items[0].1, r#"{"value":[{"vpnConnectionId": "IKEv2_1"},{"vpnConnectionId": "OVPN_2"}]}"#);
    let (heap, found) = read(r#"{"cost": 0, "value": [{"id": "m", "name": {"value": "x"}, "timeseries": []}]}"#, false);
    assert_eq!((found.shapes, heap.items[0].0), (vec!["metrics"], Kind::Metric));
}

#[test]
fn a_metric_knows_the_interval_of_its_answer() {
    let metric = r#"{"name": {"value": "x"}, "timeseries": []}"#;
    for text in [
        format!(r#"{{"interval": "P1D", "value": [{metric}]}}"#),
        format!(r#"{{"value": [{metric}], "interval": "P1D"}}"#),
    ] {
        let (heap, _) = read(&text, false);
        assert_eq!(texts(&heap), [r#"{"interval":"P1D","name": {"value": "x"}, "timeseries": []}"#], "{text}");
    }
}

#[test]
fn an_unknown_object_is_named_and_not_skipped_in_silence() {
    let (heap, found) = read(r#"{"name": "package", "version": "1"}"#, false);
    assert_eq!((found.shapes, heap.items.len(), heap.gaps.len()), (vec!["unrecognised"], 0, 1));
}

#[test]
fn deep_nesting_and_endless_faults_stay_bounded() {
    let deep = format!("[{{\"id\":\"/x\",\"type\":\"t\",\"p\":{}{}}},{B}]", "[".repeat(10_000), "]".repeat(10_000));
    let (heap, _) = read(&deep, false);
    assert_eq!(heap.items.len(), 2);
    let (heap, _) = read(format!("[{}{B}]", "null,".repeat(1000)), false);
    assert_eq!((heap.items.len(), heap.gaps.len()), (1, MOST_GAPS as usize + 1));
}

/// A route table as az CLI prints it, and what becomes of it.
const FLAT: &str = r#"{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/r",
 "resourceGroup": "g", "routes": []}"#;
const RESHAPED: &str = r#"{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/r","resourceGroup":"g","properties":{"routes":[]}}"#;

#[test]
fn flattened_resources_keep_their_places_among_others() {
    let damaged = b"{\"id\": \"/\xff\", \"type\": \"t\", \"properties\": {}}";
    let text = [b"[".as_slice(), A.as_bytes(), b",\n ", FLAT.as_bytes(), b",", damaged, b",\n", FLAT.as_bytes(), b"]"];
    let (heap, found) = read(text.concat(), false);
    assert_eq!(texts(&heap), [A, RESHAPED, RESHAPED]);
    let places: Vec<_> = heap.items.iter().map(|(_, _, line, column)| (*line, *column)).collect();
    assert_eq!(places, [(1, 2), (2, 2), (4, 1)]);
    assert_eq!(heap.gaps.len(), 1, "{:?}", heap.gaps);
    assert_eq!((found.shapes, found.resources), (vec!["arm-array"], 4));
}

#[test]
fn a_table_is_its_rows_and_says_where_it_goes_on() {
    let columns = r#"[{"name": "id"}, {"name": "type"}, {"name": "properties"}]"#;
    let table = |rest: &str| {
        read(format!(r#"{{{rest} "data": {{"columns": {columns}, "rows": [["/a", "t", {{}}], ["/b", "t"]]}}}}"#), false)
    };
    let (heap, found) = table(r#""count": 2,"#);
    assert_eq!(texts(&heap), [r#"{"id":"/a","type":"t","properties":{}}"#]);
    assert_eq!(heap.gaps, ["resource damaged: line 1, column 1: row 2 of the table has 2 cells for 3 columns"]);
    assert_eq!((found.shapes, found.resources), (vec!["resource-graph-table"], 1));
    let (heap, _) = table(r#""$skipToken": "x","#);
    assert!(heap.gaps.iter().any(|gap| gap.starts_with("file truncated")), "{:?}", heap.gaps);
}

#[test]
fn each_resource_that_powershell_cut_off_is_named() {
    let cut = |i: usize| {
        let id = format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/{i}");
        format!(r#"{{"Id": "{id}", "Etag": "e", "Routes": ["Microsoft.Azure.Commands.Network.Models.PSRoute"]}}"#)
    };
    let (heap, found) = read(format!("[{}]", (0..200).map(cut).collect::<Vec<_>>().join(",\n")), false);
    assert_eq!((heap.items.len(), heap.gaps.len()), (0, 200));
    assert!(heap.gaps[7].starts_with("microsoft.network/routetables truncated: f.json: line 8, column 1: "));
    assert_eq!((found.shapes, found.resources), (vec!["powershell"], 200));
}

use proptest::prelude::*;

/// JSON values with strings that try to mislead a scanner.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let text = proptest::sample::select(vec![
        "", "a", "\"", "\\", "\\\"", "}", "]}", "[{", "\n", "\u{e9}", "value", "data", "id",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<i32>().prop_map(Into::into),
        text.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::vec((text.clone(), inner), 0..4)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn items_are_those_that_a_json_parser_sees(
        values in proptest::collection::vec(json(), 0..5), chunk in 1usize..64, framing in 0usize..3, pretty: bool,
    ) {
        let values: Vec<serde_json::Value> = values
            .into_iter()
            .enumerate()
            .map(|(i, value)| serde_json::json!({ "x": value, "id": i.to_string(), "type": "t" }))
            .collect();
        let print = |value: &serde_json::Value| match pretty {
            true => serde_json::to_string_pretty(value).unwrap(),
            false => value.to_string(),
        };
        let text = match framing {
            0 => print(&values.clone().into()),
            1 => print(&serde_json::json!({ "count": 1, "value": values, "nextLink": null })),
            _ => values.iter().map(print).collect::<Vec<_>>().join("\n"),
        };
        let mut heap = Heap::default();
        split_by(chunk, text.as_bytes(), 0, "f.json", false, &mut heap);
        let items: Vec<serde_json::Value> =
            heap.items.iter().map(|(_, text, ..)| serde_json::from_str(text).unwrap()).collect();
        prop_assert_eq!(items, values);
        prop_assert!(heap.gaps.is_empty(), "{:?}", heap.gaps);
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(proptest::sample::select(b"{}[]\",:\\\n a\xff\x00".to_vec()), 0..200),
        chunk in 1usize..32, lines: bool,
    ) {
        let mut heap = Heap::default();
        split_by(chunk, bytes.as_slice(), 0, "f.json", lines, &mut heap);
    }
}
