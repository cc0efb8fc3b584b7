//! The table form of a Resource Graph answer: `{"data": {"columns": [{"name", "type"}], "rows": [[…]]}}`.

use serde_json::{Map, Value};

use super::Lack;
use crate::json::member;
use crate::source::Reason;

/// The rows of a table, each as an object in the REST shape or why it is none; `None`: it is no table.
///
/// `value` is the whole answer, or its `data` alone.
pub fn to_rest(value: Value) -> Option<Vec<Result<Value, Lack>>> {
    let Value::Object(mut answer) = value else { return None };
    if let Some(key) = answer.keys().find(|key| key.eq_ignore_ascii_case("data")).cloned() {
        let Some(Value::Object(data)) = answer.shift_remove(&key) else { return None };
        answer = data;
    }
    let columns = member(&answer, "columns")?.as_array()?;
    let names: Option<Vec<String>> =
        columns.iter().map(|column| Some(member(column.as_object()?, "name")?.as_str()?.to_owned())).collect();
    let names = names?;
    let key = answer.keys().find(|key| key.eq_ignore_ascii_case("rows"))?.clone();
    let Some(Value::Array(rows)) = answer.shift_remove(&key) else { return None };
    Some(rows.into_iter().zip(1..).map(|(row, number)| object(&names, row, number)).collect())
}

fn object(names: &[String], row: Value, number: u64) -> Result<Value, Lack> {
    let lost = |detail: String| Lack { scope: None, what: "resource".to_owned(), reason: Reason::Damaged, detail };
    let Value::Array(cells) = row else { return Err(lost(format!("row {number} of the table is no list"))) };
    if cells.len() != names.len() {
        let detail = format!("row {number} of the table has {} cells for {} columns", cells.len(), names.len());
        return Err(lost(detail));
    }
    let members: Map<String, Value> = names.iter().cloned().zip(cells.into_iter().map(parsed)).collect();
    let has = |name| member(&members, name).is_some_and(|value| !value.is_null());
    if has("id") && (has("properties") || has("type")) || has("type") && has("properties") {
        return Ok(Value::Object(members));
    }
    Err(lost(format!(
        "row {number} of the table is no resource: query `id`, `name`, `type`, `location` and `properties`"
    )))
}

/// Objects that a query turned into text.
fn parsed(cell: Value) -> Value {
    match cell.as_str().filter(|text| text.trim_start().starts_with('{')).map(serde_json::from_str::<Value>) {
        Some(Ok(object @ Value::Object(_))) => object,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(rows: Value) -> Option<Vec<Result<Value, Lack>>> {
        let columns =
            json!([{"name": "id", "type": "string"}, {"name": "type"}, {"name": "properties", "type": "object"}]);
        to_rest(json!({"totalRecords": 1, "count": 1, "data": {"columns": columns, "rows": rows}}))
    }

    #[test]
    fn a_row_is_an_object_with_the_columns_names() {
        let rest = json!({"id": "i", "type": "t", "properties": {"a": 1}});
        assert_eq!(table(json!([["i", "t", {"a": 1}]])), Some(vec![Ok(rest.clone())]));
        assert_eq!(table(json!([["i", "t", "{\"a\": 1}"]])), Some(vec![Ok(rest)]));
    }

    #[test]
    fn a_row_of_another_length_is_lost_alone() {
        let rows = table(json!([["i", "t"], ["i", "t", {}]])).unwrap();
        assert_eq!(rows[0].as_ref().unwrap_err().detail, "row 1 of the table has 2 cells for 3 columns");
        assert!(rows[1].is_ok());
    }

    #[test]
    fn a_row_that_is_no_resource_is_named() {
        let rows = table(json!([[null, null, {}]])).unwrap();
        assert!(rows[0].as_ref().unwrap_err().detail.starts_with("row 1 of the table is no resource"));
    }

    #[test]
    fn other_objects_are_no_tables() {
        assert_eq!(to_rest(json!({"data": {"a": 1}})), None);
        assert_eq!(to_rest(json!({"columns": ["id"], "rows": []})), None);
        assert_eq!(to_rest(json!([])), None);
    }
}
