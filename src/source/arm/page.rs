//! One page of an answer: ARM's `{"value": […], "nextLink"}` and Resource Graph's `{"data": …, "$skipToken"}`.

use serde::Deserialize;
use serde_json::value::RawValue;

/// How many empty pages in a row are followed. Nine were seen in front of the only item.
pub(crate) const EMPTY_PAGES: u32 = 100;

/// Rows as JSON text, and how the next page is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) rows: Vec<String>,
    /// A link, or a skip token; `None`: this is the last page. An empty page may have one.
    pub(crate) next: Option<String>,
    /// How many rows Resource Graph says that there are in all.
    pub(crate) total: Option<u64>,
    /// Whether Resource Graph says that it cut its answer short.
    pub(crate) truncated: bool,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
    #[serde(rename = "nextLink", alias = "nextlink", alias = "@odata.nextLink", default)]
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct Graph<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(rename = "totalRecords", default)]
    total: Option<u64>,
    /// A text, in spite of its name.
    #[serde(rename = "resultTruncated", default)]
    truncated: Option<serde_json::Value>,
    #[serde(rename = "$skipToken", alias = "skipToken", default)]
    skip_token: Option<String>,
}

#[derive(Deserialize)]
struct Table<'a> {
    columns: Vec<Column>,
    #[serde(borrow)]
    rows: Vec<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

impl Page {
    /// A page of a list.
    pub(crate) fn list(text: &str) -> Result<Self, String> {
        let list: List<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let rows = list.value.into_iter().map(|row| row.get().to_owned()).collect();
        Ok(Self { rows, next: list.next_link.filter(|link| !link.trim().is_empty()), total: None, truncated: false })
    }

    /// A page of Resource Graph, in either format.
    pub(crate) fn graph(text: &str) -> Result<Self, String> {
        let graph: Graph<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let data = graph.data.get();
        let rows = if data.starts_with('[') {
            let rows: Vec<&RawValue> = serde_json::from_str(data).map_err(|error| error.to_string())?;
            rows.into_iter().map(|row| row.get().to_owned()).collect()
        } else {
            let table: Table<'_> = serde_json::from_str(data).map_err(|error| error.to_string())?;
            table.rows.iter().map(|row| object(&table.columns, row)).collect()
        };
        let truncated = graph
            .truncated
            .is_some_and(|it| it == true || it.as_str().is_some_and(|it| it.eq_ignore_ascii_case("true")));
        Ok(Self { rows, next: graph.skip_token.filter(|token| !token.is_empty()), total: graph.total, truncated })
    }
}

/// A table's row as the object that it stands for.
fn object(columns: &[Column], row: &[&RawValue]) -> String {
    let mut text = String::from("{");
    for (column, value) in columns.iter().zip(row) {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(column.name.as_str()).to_string());
        text.push(':');
        text.push_str(value.get());
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_with_a_link_is_not_the_last_one() {
        let page = Page::list(r#"{"value":[],"nextLink":"https://x/2"}"#).unwrap();
        assert_eq!(page, Page { rows: vec![], next: Some("https://x/2".into()), total: None, truncated: false });
        assert_eq!(Page::list(r#"{"value":[],"nextLink":""}"#).unwrap().next, None);
        assert_eq!(Page::list(r#"{"nextLink":null,"value":[{"a": 1}]}"#).unwrap().rows, [r#"{"a": 1}"#]);
    }

    #[test]
    fn both_formats_of_resource_graph_give_the_same_rows() {
        let objects =
            r#"{"totalRecords":1,"resultTruncated":"false","data":[{"id":"/a","n":{"x":1}}],"$skipToken":"t"}"#;
        let table = r#"{"totalRecords":1,"count":1,"resultTruncated":"false","$skipToken":"t","data":
            {"columns":[{"name":"id","type":"string"},{"name":"n","type":"object"}],"rows":[["/a",{"x":1}]]}}"#;
        assert_eq!(Page::graph(objects), Page::graph(table));
        assert_eq!(Page::graph(objects).unwrap().next.as_deref(), Some("t"));
    }

    #[test]
    fn an_answer_without_its_rows_is_damaged() {
        for text in ["", "null", "{}", "[]", r#"{"value":null}"#, r#"{"value":[{"#, "<html>"] {
            assert!(Page::list(text).is_err(), "{text}");
            assert!(Page::graph(text).is_err(), "{text}");
        }
    }
}
