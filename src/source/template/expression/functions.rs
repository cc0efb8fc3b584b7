//! The functions of templates that need nothing but their arguments. Source: "ARM template functions", Microsoft
//! Learn (templates/template-functions).

use serde_json::{Map, Value, json};

use super::unknown::Unknown;

/// How long a text or list may become.
const LONGEST: usize = 1 << 20;

/// The result of a function; `Err`: why there is none.
type Outcome = Result<Value, String>;

/// Calls the function of that name (lower case). `None`: it is none of those that need only their arguments.
///
/// No argument is unknown itself, but parts of one may be.
pub fn call(name: &str, arguments: &[Value]) -> Option<Outcome> {
    let outcome = text(name, arguments)
        .or_else(|| logic(name, arguments))
        .or_else(|| number(name, arguments))
        .or_else(|| collection(name, arguments))?;
    Some(outcome.ok_or_else(|| format!("`{name}` does not take these arguments")))
}

fn text(name: &str, arguments: &[Value]) -> Option<Option<Value>> {
    Some(match (name, arguments) {
        ("concat", [Value::Array(_), ..]) => {
            let lists: Option<Vec<&Vec<Value>>> = arguments.iter().map(Value::as_array).collect();
            lists.map(|lists| Value::Array(lists.into_iter().flatten().cloned().collect()))
        }
        ("concat", pieces) => {
            pieces.iter().map(plain).collect::<Option<Vec<_>>>().map(|pieces| Value::String(pieces.concat()))
        }
        ("format", [Value::String(pattern), values @ ..]) => format(pattern, values),
        ("tolower", [Value::String(it)]) => Some(json!(it.to_lowercase())),
        ("toupper", [Value::String(it)]) => Some(json!(it.to_uppercase())),
        ("trim", [Value::String(it)]) => Some(json!(it.trim())),
        ("startswith", [Value::String(it), Value::String(start)]) => {
            Some(json!(it.to_lowercase().starts_with(&start.to_lowercase())))
        }
        ("endswith", [Value::String(it), Value::String(end)]) => {
            Some(json!(it.to_lowercase().ends_with(&end.to_lowercase())))
        }
        ("indexof", [Value::String(it), Value::String(piece)]) => {
            let (it, piece) = (it.to_lowercase(), piece.to_lowercase());
            Some(json!(it.find(&piece).map_or(-1, |at| it[..at].chars().count() as i64)))
        }
        ("replace", [Value::String(it), Value::String(old), Value::String(new)]) => {
            let longer = it.matches(old.as_str()).count().saturating_mul(new.len());
            (!old.is_empty() && longer < LONGEST).then(|| json!(it.replace(old.as_str(), new)))
        }
        ("split", [Value::String(it), Value::String(at)]) => {
            Some(Value::Array(it.split(at.as_str()).map(Value::from).collect())).filter(|_| !at.is_empty())
        }
        ("split", [Value::String(it), Value::Array(at)]) => {
            let at: Option<Vec<char>> = at.iter().map(|it| it.as_str()?.parse().ok()).collect();
            at.map(|at| Value::Array(it.split(&at[..]).map(Value::from).collect()))
        }
        ("join", [Value::Array(list), Value::String(between)]) => {
            let long = list.len().saturating_mul(between.len()) >= LONGEST;
            let texts = list.iter().map(plain).collect::<Option<Vec<_>>>();
            texts.filter(|_| !long).map(|texts| Value::String(texts.join(between)))
        }
        ("substring", [Value::String(it), start]) => cut(it, start, None),
        ("substring", [Value::String(it), start, length]) => cut(it, start, Some(length)),
        ("string", [Value::String(it)]) => Some(json!(it)),
        ("string", [it]) if Unknown::within(it).is_none() => Some(json!(plain(it).unwrap_or_else(|| it.to_string()))),
        _ => return None,
    })
}

/// How a value stands within a text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(it) => Some(it.clone()),
        Value::Number(it) => Some(it.to_string()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Null => Some(String::new()),
        _ => None,
    }
}

/// .NET's composite format, without alignment and with the two number formats that templates use.
pub(super) fn format(pattern: &str, values: &[Value]) -> Option<Value> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        let end = rest.find('}').filter(|_| brace == "{")?;
        let (index, style) = rest[..end].split_once(':').map_or((&rest[..end], None), |(it, style)| (it, Some(style)));
        let value = values.get(index.trim().parse::<usize>().ok()?)?;
        match (style, value) {
            (None, value) => text.push_str(&plain(value)?),
            (Some(style), Value::Number(number)) => {
                let digits: usize = style.strip_prefix(['D', 'd'])?.parse().ok().filter(|it| *it < 100)?;
                text.push_str(&format!("{:0>digits$}", number.to_string()));
            }
            _ => return None,
        }
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    Some(Value::String(text))
}

fn whole(value: &Value) -> Option<usize> {
    usize::try_from(value.as_i64()?).ok()
}

/// By characters, as Azure counts; beyond the end there is nothing to cut.
fn cut(text: &str, start: &Value, length: Option<&Value>) -> Option<Value> {
    let (start, count) = (whole(start)?, text.chars().count());
    let length = match length {
        Some(length) => whole(length)?,
        None => count.checked_sub(start)?,
    };
    (start.checked_add(length)? <= count).then(|| text.chars().skip(start).take(length).collect::<String>().into())
}

fn logic(name: &str, arguments: &[Value]) -> Option<Option<Value>> {
    let compare = |holds: fn(std::cmp::Ordering) -> bool| match arguments {
        [Value::Number(a), Value::Number(b)] => Some(json!(holds(a.as_i64()?.cmp(&b.as_i64()?)))),
        [Value::String(a), Value::String(b)] => Some(json!(holds(a.cmp(b)))),
        _ => None,
    };
    Some(match (name, arguments) {
        ("equals", [a, b]) => equals(a, b).map(Value::Bool),
        ("less", _) => compare(|it| it.is_lt()),
        ("lessorequals", _) => compare(|it| it.is_le()),
        ("greater", _) => compare(|it| it.is_gt()),
        ("greaterorequals", _) => compare(|it| it.is_ge()),
        ("not", [it]) => it.as_bool().map(|it| json!(!it)),
        ("bool", [it]) => truth(it).map(Value::Bool),
        ("true", []) => Some(Value::Bool(true)),
        ("false", []) => Some(Value::Bool(false)),
        ("null", []) => Some(Value::Null),
        _ => return None,
    })
}

/// Letter case counts; what is partly unknown has no answer.
fn equals(a: &Value, b: &Value) -> Option<bool> {
    let unknown = Unknown::within(a).or_else(|| Unknown::within(b));
    unknown.is_none().then(|| a == b)
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(it) => Some(*it),
        Value::Number(it) => Some(it.as_i64()? != 0),
        Value::String(it) if it.eq_ignore_ascii_case("true") || it == "1" => Some(true),
        Value::String(it) if it.eq_ignore_ascii_case("false") || it == "0" => Some(false),
        _ => None,
    }
}

fn number(name: &str, arguments: &[Value]) -> Option<Option<Value>> {
    let two = |of: fn(i64, i64) -> Option<i64>| match arguments {
        [a, b] => of(a.as_i64()?, b.as_i64()?).map(Value::from),
        _ => None,
    };
    let extreme = |of: fn(i64, i64) -> i64| {
        let numbers = match arguments {
            [Value::Array(list)] => list,
            list => list,
        };
        let numbers: Option<Vec<i64>> = numbers.iter().map(Value::as_i64).collect();
        numbers?.into_iter().reduce(of).map(Value::from)
    };
    Some(match (name, arguments) {
        ("add", _) => two(i64::checked_add),
        ("sub", _) => two(i64::checked_sub),
        ("mul", _) => two(i64::checked_mul),
        ("div", _) => two(i64::checked_div),
        ("mod", _) => two(i64::checked_rem),
        ("min", [Value::Array(_)] | [Value::Number(_), ..]) => extreme(i64::min),
        ("max", [Value::Array(_)] | [Value::Number(_), ..]) => extreme(i64::max),
        ("int", [Value::Number(it)]) => it.as_i64().map(Value::from),
        ("int", [Value::String(it)]) => it.trim().parse::<i64>().ok().map(Value::from),
        _ => return None,
    })
}

fn collection(name: &str, arguments: &[Value]) -> Option<Option<Value>> {
    Some(match (name, arguments) {
        ("empty", [it]) => match it {
            Value::Null => Some(json!(true)),
            Value::String(it) => Some(json!(it.is_empty())),
            Value::Array(it) => Some(json!(it.is_empty())),
            Value::Object(it) => Some(json!(it.is_empty())),
            _ => None,
        },
        ("length", [it]) => match it {
            Value::String(it) => Some(json!(it.chars().count())),
            Value::Array(it) => Some(json!(it.len())),
            Value::Object(it) => Some(json!(it.len())),
            _ => None,
        },
        ("first", [it]) => match it {
            Value::String(it) => Some(json!(it.chars().next().map(String::from).unwrap_or_default())),
            Value::Array(it) => Some(it.first().cloned().unwrap_or_default()),
            _ => None,
        },
        ("last", [it]) => match it {
            Value::String(it) => Some(json!(it.chars().last().map(String::from).unwrap_or_default())),
            Value::Array(it) => Some(it.last().cloned().unwrap_or_default()),
            _ => None,
        },
        ("take" | "skip", [it, count]) => {
            let count = count.as_i64().map(|it| usize::try_from(it).unwrap_or(0));
            let take = name == "take";
            match (it, count) {
                (Value::String(it), Some(count)) if take => Some(json!(it.chars().take(count).collect::<String>())),
                (Value::String(it), Some(count)) => Some(json!(it.chars().skip(count).collect::<String>())),
                (Value::Array(it), Some(count)) if take => Some(json!(&it[..count.min(it.len())])),
                (Value::Array(it), Some(count)) => Some(json!(&it[count.min(it.len())..])),
                _ => None,
            }
        }
        ("createarray", list) => Some(Value::Array(list.to_vec())),
        ("array", [Value::Array(list)]) => Some(Value::Array(list.clone())),
        ("array", [it]) => Some(json!([it])),
        ("createobject", members) if members.len().is_multiple_of(2) => {
            let members = members.chunks(2).map(|it| Some((it[0].as_str()?.to_owned(), it[1].clone())));
            members.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        ("union", [Value::Object(first), rest @ ..]) => {
            let mut all = first.clone();
            let mut objects = rest.iter().map(Value::as_object);
            objects.try_for_each(|it| it.map(|it| unite(&mut all, it))).map(|()| Value::Object(all))
        }
        ("union", lists) => {
            let mut all: Vec<Value> = Vec::new();
            let lists: Option<Vec<&Vec<Value>>> = lists.iter().map(Value::as_array).collect();
            lists.filter(|it| it.iter().map(|it| it.len()).sum::<usize>() <= 4096).map(|lists| {
                for it in lists.into_iter().flatten() {
                    if !all.contains(it) {
                        all.push(it.clone());
                    }
                }
                Value::Array(all)
            })
        }
        ("intersection", [Value::Array(first), Value::Array(second)])
            if Unknown::within(&json!([first, second])).is_none() =>
        {
            Some(first.iter().filter(|it| second.contains(it)).cloned().collect())
        }
        ("contains", [container, item]) => contains(container, item).map(Value::Bool),
        ("range", [start, count]) => {
            start.as_i64().zip(whole(count)).filter(|(_, count)| *count <= 10_000).and_then(|(start, count)| {
                let end = start.checked_add(i64::try_from(count).ok()?)?;
                Some((start..end).map(Value::from).collect())
            })
        }
        ("coalesce", list) => Some(list.iter().find(|it| !it.is_null()).cloned().unwrap_or_default()),
        ("json", [Value::String(it)]) => serde_json::from_str(it).ok(),
        ("items", [Value::Object(members)]) => {
            let mut keys: Vec<_> = members.iter().collect();
            keys.sort_by(|a, b| a.0.cmp(b.0));
            Some(keys.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect())
        }
        ("objectkeys", [Value::Object(members)]) => Some(members.keys().map(|it| json!(it)).collect()),
        ("flatten", [Value::Array(lists)]) => {
            let lists: Option<Vec<&Vec<Value>>> = lists.iter().map(Value::as_array).collect();
            lists.map(|lists| lists.into_iter().flatten().cloned().collect())
        }
        _ => return None,
    })
}

/// Objects in both unite in turn; of anything else the later one counts.
fn unite(all: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (key, value) in other {
        let same = all.keys().find(|it| it.eq_ignore_ascii_case(key)).unwrap_or(key).clone();
        match (all.get_mut(&same), value) {
            // One that stands for an unknown is not one to unite with.
            (Some(mine @ Value::Object(_)), Value::Object(other))
                if Unknown::of(mine).is_none() && Unknown::of(value).is_none() =>
            {
                if let Value::Object(mine) = mine {
                    unite(mine, other);
                }
            }
            _ => drop(all.insert(same, value.clone())),
        }
    }
}

fn contains(container: &Value, item: &Value) -> Option<bool> {
    match (container, item) {
        (Value::String(text), item) => Some(text.contains(&plain(item)?)),
        (Value::Object(members), Value::String(key)) => Some(members.keys().any(|it| it.eq_ignore_ascii_case(key))),
        (Value::Array(list), item) if list.contains(item) && Unknown::within(item).is_none() => Some(true),
        (Value::Array(_), item) if Unknown::within(container).or_else(|| Unknown::within(item)).is_some() => None,
        (Value::Array(_), _) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, arguments: Value) -> Value {
        let Value::Array(arguments) = arguments else { panic!("no list") };
        call(name, &arguments).unwrap_or_else(|| panic!("no `{name}`")).unwrap_or_else(|why| json!({ "no": why }))
    }

    #[test]
    fn each_function_does_what_azure_documents() {
        for (name, arguments, result) in [
            ("concat", json!(["a", 1, "b"]), json!("a1b")),
            ("concat", json!([[1], [2, 3]]), json!([1, 2, 3])),
            ("format", json!(["{0}/{1}/{{x}}-{2:D3}", "a", "b", 7]), json!("a/b/{x}-007")),
            ("tolower", json!(["Ab"]), json!("ab")),
            ("toupper", json!(["Ab"]), json!("AB")),
            ("trim", json!([" a "]), json!("a")),
            ("replace", json!(["a-b-c", "-", ""]), json!("abc")),
            ("split", json!(["a,b", ","]), json!(["a", "b"])),
            ("split", json!(["a,b;c", [",", ";"]]), json!(["a", "b", "c"])),
            ("join", json!([["a", "b"], "-"]), json!("a-b")),
            ("substring", json!(["abcd", 1, 2]), json!("bc")),
            ("substring", json!(["abcd", 2]), json!("cd")),
            ("string", json!([{"a": [1]}]), json!("{\"a\":[1]}")),
            ("equals", json!(["Ab", "aB"]), json!(false)),
            ("equals", json!([1, 2]), json!(false)),
            ("not", json!([true]), json!(false)),
            ("bool", json!(["True"]), json!(true)),
            ("less", json!([1, 2]), json!(true)),
            ("greaterorequals", json!([1, 2]), json!(false)),
            ("add", json!([1, 2]), json!(3)),
            ("sub", json!([1, 2]), json!(-1)),
            ("mul", json!([3, 2]), json!(6)),
            ("div", json!([7, 2]), json!(3)),
            ("mod", json!([7, 2]), json!(1)),
            ("min", json!([[3, 2]]), json!(2)),
            ("max", json!([3, 2]), json!(3)),
            ("int", json!(["42"]), json!(42)),
            ("empty", json!([null]), json!(true)),
            ("empty", json!([[1]]), json!(false)),
            ("length", json!([{"a": 1}]), json!(1)),
            ("first", json!([[1, 2]]), json!(1)),
            ("last", json!(["abc"]), json!("c")),
            ("take", json!([[1, 2, 3], 2]), json!([1, 2])),
            ("skip", json!(["abc", 1]), json!("bc")),
            ("createarray", json!([1, "a"]), json!([1, "a"])),
            ("array", json!(["a"]), json!(["a"])),
            ("createobject", json!(["a", 1]), json!({"a": 1})),
            ("union", json!([[1, 2], [2, 3]]), json!([1, 2, 3])),
            ("union", json!([{"a": {"b": 1, "c": 2}}, {"A": {"c": 3}}]), json!({"a": {"b": 1, "c": 3}})),
            ("contains", json!([["a"], "a"]), json!(true)),
            ("contains", json!([{"Key": 1}, "key"]), json!(true)),
            ("contains", json!(["abc", "d"]), json!(false)),
            ("range", json!([2, 3]), json!([2, 3, 4])),
            ("coalesce", json!([null, "a"]), json!("a")),
            ("json", json!(["null"]), Value::Null),
            ("items", json!([{"b": 1, "a": 2}]), json!([{"key": "a", "value": 2}, {"key": "b", "value": 1}])),
        ] {
            assert_eq!(of(name, arguments.clone()), result, "{name} {arguments}");
        }
    }

    #[test]
    fn wrong_arguments_have_no_result_and_cause_no_panic() {
        for (name, arguments) in [
            ("div", json!([1, 0])),
            ("add", json!([i64::MAX, 1])),
            ("div", json!([i64::MIN, -1])),
            ("mod", json!([i64::MIN, -1])),
            ("substring", json!(["\u{e9}a", 1, 2])),
            ("substring", json!(["a", i64::MAX, i64::MAX])),
            ("format", json!(["{0"])),
            ("format", json!(["{9}", 1])),
            ("format", json!(["}x"])),
            ("range", json!([0, 1_000_000_000])),
            ("range", json!([i64::MAX, 5])),
            ("int", json!(["x"])),
            ("json", json!(["{"])),
            ("replace", json!(["a", "", "b"])),
            ("createobject", json!([1, 2])),
        ] {
            assert!(of(name, arguments.clone()).get("no").is_some(), "{name} {arguments}");
        }
        assert_eq!(call("createobject", &[json!(1)]), None);
    }

    #[test]
    fn nothing_is_compared_with_what_is_unknown() {
        let unknown = json!({"a": Unknown::new("x()", "why").into_value()});
        for name in ["equals", "contains"] {
            assert!(call(name, &[json!([unknown.clone()]), json!([1])]).unwrap().is_err(), "{name}");
        }
        assert!(call("string", &[unknown]).is_none());
    }
}
