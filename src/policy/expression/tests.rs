//! Three-valued logic as a table, and the language's own rules.

use super::*;
use crate::facts::schema::{Known, Record, RecordType, Unread, Value, fact_enum, facts};

fact_enum! {
    /// How it looks.
    pub enum Layout {
        /// On one line.
        OneLine => "oneLine",
        /// On several.
        Lines => "lines",
    }
}

facts! {
    /// One of several.
    pub struct Part {
        /// Whether it holds.
        pub holds: Known<bool>,
        /// Its size.
        pub size: i64,
        /// Its words.
        pub words: Vec<String>,
    }
    /// A sample.
    pub struct Sample {
        /// True.
        pub t: Known<bool>,
        /// False.
        pub f: Known<bool>,
        /// Not read.
        pub u: Known<bool>,
        /// Not read for another reason.
        pub v: Known<bool>,
        /// Zero: dividing by it is an error.
        pub zero: i64,
        /// A number that was not read.
        pub number: Known<i64>,
        /// A name.
        pub name: String,
        /// A layout.
        pub layout: Layout,
        /// A limit, if there is one.
        pub limit: Option<i64>,
        /// A part, if there is one.
        pub part: Option<Part>,
        /// Parts.
        pub parts: Vec<Part>,
        /// A list that was not read.
        pub unread_parts: Known<Vec<Part>>,
    }
}

fn part(holds: Known<bool>) -> Part {
    Part { holds, size: 3, words: vec!["a".into(), "b".into()] }
}

fn unread<T>(what: &str) -> Known<T> {
    Err(Unread::new(what, "read it"))
}

fn sample() -> Sample {
    Sample {
        t: Ok(true),
        f: Ok(false),
        u: unread("u"),
        v: unread("v"),
        zero: 0,
        number: unread("number"),
        name: "gw-1".into(),
        layout: Layout::OneLine,
        limit: None,
        part: None,
        parts: vec![part(Ok(true)), part(unread("u")), part(Ok(false))],
        unread_parts: unread("parts"),
    }
}

fn roots() -> [(&'static str, &'static RecordType); 1] {
    [("s", Sample::describe())]
}

fn checked(source: &str) -> Result<Compiled, Vec<super::super::diagnostics::Fault>> {
    let params = [("most".to_owned(), Param::Int(2))];
    compile(source, Scope { roots: &roots(), params: &params, present: &[] })
}

/// `T`, `F`, the name of what is not read, `E` for an error, or the value.
fn run_over(source: &str, sample: &Sample) -> String {
    let compiled = checked(source).unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
    let params = [("most".to_owned(), Param::Int(2))];
    let roots: [&dyn Record; 1] = [sample];
    let mut frame = Frame::new(&roots, &params);
    match compiled.code.eval(&mut frame) {
        Ok(Value::Bool(true)) => "T".into(),
        Ok(Value::Bool(false)) => "F".into(),
        Ok(value) => value.to_json().to_string(),
        Err(Stop::Unread(unread)) => unread.what.to_uppercase(),
        Err(Stop::Error(_)) => "E".into(),
    }
}

fn run(source: &str) -> String {
    run_over(source, &sample())
}

/// The first fault, with the text at which it points.
fn fault(source: &str) -> (String, String) {
    let faults = checked(source).err().unwrap_or_else(|| panic!("{source} is accepted"));
    (faults[0].message.clone(), source[faults[0].at..].to_owned())
}

/// True, false, unread, unread for another reason, error.
const VALUES: [(&str, &str); 5] = [("T", "s.t"), ("F", "s.f"), ("U", "s.u"), ("V", "s.v"), ("E", "(1 / s.zero == 1)")];

/// One row for each left side, one column for each right side, in the order of [`VALUES`].
const AND: [&str; 5] = ["TFUVE", "FFFFF", "UFUUU", "VFVVV", "EFUVE"];
const OR: [&str; 5] = ["TTTTT", "TFUVE", "TUUUU", "TVVVV", "TEUVE"];
const NOT: &str = "FTUVE";

fn position(value: &str) -> usize {
    VALUES.iter().position(|(name, _)| *name == value).unwrap()
}

fn look_up(table: [&str; 5], left: &str, right: &str) -> String {
    table[position(left)][position(right)..][..1].to_owned()
}

#[test]
fn truth_table() {
    for (i, (_, a)) in VALUES.iter().enumerate() {
        assert_eq!(run(&format!("!{a}")), NOT[i..][..1]);
        for (j, (_, b)) in VALUES.iter().enumerate() {
            assert_eq!(run(&format!("{a} && {b}")), AND[i][j..][..1], "{a} && {b}");
            assert_eq!(run(&format!("{a} || {b}")), OR[i][j..][..1], "{a} || {b}");
        }
    }
}

#[test]
fn a_condition_that_is_not_known_decides_for_neither_branch() {
    for (x, a) in VALUES {
        for (y, b) in VALUES {
            for (condition, c) in VALUES {
                let expected = match condition {
                    "T" => x,
                    "F" => y,
                    other => other,
                };
                assert_eq!(run(&format!("{c} ? {a} : {b}")), expected, "{c} ? {a} : {b}");
            }
        }
    }
}

#[test]
fn nested_logic_follows_from_the_table() {
    for (x, a) in VALUES {
        for (y, b) in VALUES {
            let and = look_up(AND, x, y);
            assert_eq!(run(&format!("!(!({a}) || !({b}))")), and, "{a}, {b}");
            for (z, c) in VALUES {
                assert_eq!(run(&format!("({a} && {b}) || {c}")), look_up(OR, &and, z), "({a} && {b}) || {c}");
                let or = look_up(OR, x, y);
                assert_eq!(run(&format!("({a} || {b}) && {c}")), look_up(AND, &or, z), "({a} || {b}) && {c}");
            }
        }
    }
}

#[test]
fn all_and_exists_join_like_the_operators() {
    for (x, a) in [("T", Ok(true)), ("F", Ok(false)), ("U", unread("u")), ("V", unread("v"))] {
        for (y, b) in [("T", Ok(true)), ("F", Ok(false)), ("U", unread("u")), ("V", unread("v"))] {
            let sample = Sample { parts: vec![part(a.clone()), part(b)], ..sample() };
            assert_eq!(run_over("s.parts.all(p, p.holds)", &sample), look_up(AND, x, y), "{x}{y}");
            assert_eq!(run_over("s.parts.exists(p, p.holds)", &sample), look_up(OR, x, y), "{x}{y}");
        }
    }
    assert_eq!(run("s.unreadParts.all(p, true)"), "PARTS");
    assert_eq!(run("s.parts.exists_one(p, p.holds)"), "U");
    assert_eq!(run("s.parts.filter(p, p.holds)"), "U");
    assert_eq!(run("s.parts.map(p, p.size)"), "[3,3,3]");
}

#[test]
fn what_is_missing_goes_before_what_went_wrong() {
    assert_eq!(run("1 / s.zero + s.number"), "NUMBER");
    assert_eq!(run("s.number + 1 / s.zero"), "NUMBER");
    assert_eq!(run("s.number > 1 / s.zero"), "NUMBER");
    assert_eq!(run("has(s.number)"), "NUMBER");
}

#[test]
fn null_equals_null_alone() {
    assert_eq!(run("s.limit == null"), "T");
    assert_eq!(run("s.limit == 3"), "F");
    assert_eq!(run("s.limit != 3"), "T");
    assert_eq!(run("has(s.limit)"), "F");
    assert_eq!(run("s.limit < 3"), "E");
    let with_limit = Sample { limit: Some(3), part: Some(part(Ok(true))), ..sample() };
    assert_eq!(run_over("s.limit == 3 && s.limit < 4", &with_limit), "T");
    assert_eq!(run_over("s.part != null && s.part.size == 3", &with_limit), "T");
    assert_eq!(run("s.part != null && s.part.size == 3"), "F");
    assert_eq!(run("s.part == null || s.part.size == 3"), "T");
    assert_eq!(run("has(s.part) ? s.part.size : 7"), "7");
    assert_eq!(run("s.limit == null ? 0 : s.limit + 1"), "0");
}

#[test]
fn numbers_overflow_and_divide_as_cel_says() {
    for source in ["9223372036854775807 + 1", "-9223372036854775808 - 1", "1 / 0", "1 % 0", "int(1e300)"] {
        assert_eq!(run(source), "E", "{source}");
    }
    assert_eq!(run("7 / 2"), "3");
    assert_eq!(run("-7 % 3"), "-1");
    assert_eq!(run("1 == 1.0 && 1 < 1.5 && 2.5 > 2"), "T");
    assert_eq!(run("params.most * 2 + s.name.size()"), "8");
}

#[test]
fn texts_and_lists() {
    assert_eq!(run(r#"s.name.startsWith("gw") && s.name.endsWith("1") && s.name.contains("-")"#), "T");
    assert_eq!(run(r#"s.name.matches("^gw-[0-9]+$")"#), "T");
    assert_eq!(run(r#"s.layout in ["lines", "oneLine"]"#), "T");
    assert_eq!(run_over(r#"s.layout != "lines""#, &Sample { layout: Layout::Lines, ..sample() }), "F");
    assert_eq!(run(r#""ünü".size()"#), "3");
    assert_eq!(run("[1, 2, 3].filter(x, x > 1).map(x, x * 2)"), "[4,6]");
    assert_eq!(run("[1, 2].map(x, x > 1, x + 1)"), "[3]");
    assert_eq!(run("[1, 2, 2].exists_one(x, x == 2)"), "F");
    assert_eq!(run("[4][0] + [5][0]"), "9");
    assert_eq!(run("[4][1]"), "E");
    assert_eq!(run(r#"s.layout + "!" + string(3)"#), r#""oneLine!3""#);
}

#[test]
fn faults_name_the_place_and_the_probable_meaning() {
    let table = [
        ("s.layuot == 1", "unknown field `s.layuot`", "layuot == 1"),
        ("has(s.nam)", "unknown field `s.nam`", "nam)"),
        ("sx.layout == 1", "unknown name `sx`", "sx.layout == 1"),
        ("true && \"ü\" == s.nam", "unknown field `s.nam`", "nam"),
        ("s.layout == \"onLine\"", "`onLine` is not a word of this enum", "\"onLine\""),
        ("\"onLine\" in [s.layout]", "`onLine` is not a word of this enum", "\"onLine\" in [s.layout]"),
        ("s.layout in [\"lines\", \"x\"]", "`x` is not a word of this enum", "\"x\"]"),
        ("s.name == 1", "cannot compare string with int", "== 1"),
        ("s.name < 1", "cannot compare string with int", "< 1"),
        ("s.layout < \"x\"", "the words of an enum have no order", "< \"x\""),
        ("s.zero == null", "`s.zero` is never null", "== null"),
        ("s.zero + 1.5 > 0.0", "cannot calculate with int and double", "+ 1.5 > 0.0"),
        ("s.limit + 1 > 0", "`s.limit` may be null", "limit + 1 > 0"),
        ("s.part.size > 0", "`s.part` may be null", "part.size > 0"),
        ("s.parts.size > 0", "`s.parts` is a list and has no field `size`", "size > 0"),
        ("s.name && true", "`s.name` is of type string where a bool belongs", "name && true"),
        ("!s.zero", "`s.zero` is of type int where a bool belongs", "zero"),
        ("s.parts.all(p, p.size)", "`p.size` is of type int where a bool belongs", "size)"),
        ("s.parts.al(p, p.holds)", "unknown function `al`", "al(p, p.holds)"),
        ("s.parts.all(p)", "`all` takes a list, a variable and an expression", "all(p)"),
        ("s.parts.exists(p, q.holds)", "unknown name `q`", "q.holds)"),
        ("params.mots > 1", "unknown parameter `params.mots`", "mots > 1"),
        ("s.name.matches(s.name)", "the pattern of `matches` has to be a literal string", "name)"),
        ("s.name.matches(\"(\")", "not a regular expression: unclosed group", "\"(\")"),
        ("s.name == ", "syntax error: the expression ends too early", ""),
        ("true ? 1 : \"x\"", "one branch is of type int, the other one of type string", "? 1 : \"x\""),
        ("[1, \"x\"]", "a list of int holds an element of type string", "[1, \"x\"]"),
        ("1u == 1", "unsigned numbers are not supported", "1u == 1"),
        ("{1: 2}", "map literals are not supported", "{1: 2}"),
        ("", "the expression is empty", ""),
    ];
    for (source, message, place) in table {
        assert_eq!(fault(source), (message.to_owned(), place.to_owned()), "{source}");
    }
}

#[test]
fn all_faults_of_an_expression_are_named() {
    let faults = checked("s.nam == 1 || s.zeor == 1").unwrap_err();
    assert_eq!(
        faults.iter().map(|fault| fault.hint.as_deref().unwrap()).collect::<Vec<_>>(),
        ["did you mean `name`?", "did you mean `zero`?"]
    );
}

/// Runs where the stack is as large as it is when policies are loaded.
fn on_a_large_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK_SIZE).spawn(test).unwrap().join().unwrap();
}

#[test]
fn expressions_beyond_the_bounds_are_refused() {
    on_a_large_stack(|| {
        assert_eq!(fault(&" ".repeat(1_025)).0, "the expression is 1025 bytes long, more than 1024");
        assert_eq!(
            fault(&format!("1{} == 1", "+1".repeat(500))).0,
            "the expression is nested more than 64 levels deep"
        );
        assert!(checked(&format!("1{} == 1", "+1".repeat(60))).is_ok());
        assert!(fault(&format!("{}true{}", "(".repeat(500), ")".repeat(500))).0.starts_with("syntax error"));
        assert!(fault(&"-(".repeat(500)).0.starts_with("syntax error"));
        let three = "[1].all(a, [1].all(b, [1].all(c, a == b && b == c)))";
        assert_eq!(fault(three).0, "more than 2 macros within one another");
        assert!(checked("[1].all(a, [1].all(b, a == b)) && [1].all(c, c == 1)").is_ok());
    });
}

#[test]
fn a_hungry_expression_ends_in_an_error() {
    let many = Sample { parts: vec![part(Ok(true)); 2_000], ..sample() };
    assert_eq!(run_over("s.parts.all(a, s.parts.all(b, a.size == b.size))", &many), "E");
    let some = Sample { parts: vec![part(Ok(true)); 100], ..sample() };
    assert_eq!(run_over("s.parts.all(a, s.parts.all(b, a.size == b.size))", &some), "T");
}

/// Prints the speed; `cargo test --release speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let sample = sample();
    let compiled = checked(r#"s.layout == "oneLine" && s.zero < params.most"#).unwrap();
    let params = [("most".to_owned(), Param::Int(2))];
    let roots: [&dyn Record; 1] = [&sample];
    let start = std::time::Instant::now();
    let mut held = 0_u32;
    for _ in 0..3_000_000 {
        let mut frame = Frame::new(&roots, &params);
        held += u32::from(compiled.code.truth(&mut frame) == Ok(true));
    }
    assert_eq!(held, 3_000_000);
    println!("{:.1} million evaluations a second", 3.0 / start.elapsed().as_secs_f64());
}
