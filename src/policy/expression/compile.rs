//! From cel's syntax tree to [`Code`]: names become positions, and whatever could only fail later is a fault now.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators};

use super::super::diagnostics::{Fault, did_you_mean, listed};
use super::code::{Code, Member};
use super::functions::{Comparison, Operator};
use super::param::Param;
use super::parse::{Parsed, parse};
use super::shape::{path, present_when, quoted};
use super::types::{Ty, type_of};
use crate::facts::schema::{RecordType, Unread};

/// How deeply an expression may be nested.
const MAX_DEPTH: usize = 64;
/// How many macros may stand within one another.
pub(super) const MAX_MACROS: usize = 2;

/// The names that an expression may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// The facts, in the order in which they are handed over when it runs.
    pub(crate) roots: &'a [(&'static str, &'static RecordType)],
    /// The parameters, likewise.
    pub(crate) params: &'a [(String, Param)],
    /// What is known not to be null, as `gateway.pool`.
    pub(crate) present: &'a [String],
}

/// A fact that an expression reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// Where it stands, `[]` for each element of a list: `subnet.routes[].nextHop`.
    pub fact: String,
    /// Its type in words: `list<string>`, `oneLine | pemLines`, `int or null`; and whether it may be unread.
    pub ty: String,
    /// Its documentation; empty within JSON.
    pub doc: String,
}

/// The variable of a macro.
pub(super) struct Local {
    pub(super) name: String,
    pub(super) ty: Ty,
    /// The list that it walks over, as in [`Read::fact`].
    pub(super) origin: String,
}

/// A checked expression.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) code: Code,
    pub(crate) ty: Ty,
    /// The positions of the parameters that it uses.
    pub(crate) params: Vec<usize>,
    /// The facts that it reads.
    pub(crate) reads: Vec<Read>,
    /// What is not null where it is true, and where it is false.
    pub(crate) present: [Vec<String>; 2],
}

/// Checks an expression. Faults carry the byte of `source` at which they stand; all of them are returned.
///
/// To be called on a thread with a stack of [`super::STACK_SIZE`].
pub(crate) fn compile(source: &str, scope: Scope<'_>) -> Result<Compiled, Vec<Fault>> {
    let parsed = parse(source).map_err(|fault| vec![fault])?;
    let mut compiler = Compiler {
        parsed: &parsed,
        scope,
        locals: Vec::new(),
        present: scope.present.to_vec(),
        params: Vec::new(),
        reads: Vec::new(),
        faults: Vec::new(),
        depth: 0,
    };
    let (code, ty) = compiler.expr(&parsed.root);
    let Compiler { faults, params, reads, .. } = compiler;
    if faults.is_empty() {
        let present = [present_when(&parsed.root, true), present_when(&parsed.root, false)];
        Ok(Compiled { code, ty, params, reads, present })
    } else {
        Err(faults)
    }
}

pub(super) struct Compiler<'a> {
    pub(super) parsed: &'a Parsed<'a>,
    pub(super) scope: Scope<'a>,
    /// The variables of the macros around, outermost first.
    pub(super) locals: Vec<Local>,
    pub(super) present: Vec<String>,
    pub(super) params: Vec<usize>,
    pub(super) reads: Vec<Read>,
    pub(super) faults: Vec<Fault>,
    pub(super) depth: usize,
}

pub(super) type Typed = (Code, Ty);

impl Compiler<'_> {
    pub(super) fn fault(
        &mut self,
        at: &IdedExpr,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Typed {
        self.faults.push(Fault::new(self.parsed.place(at.id), message).hint(hint));
        (Code::Null, Ty::Any)
    }

    pub(super) fn expr(&mut self, expr: &IdedExpr) -> Typed {
        if self.depth == MAX_DEPTH {
            return self.fault(expr, format!("the expression is nested more than {MAX_DEPTH} levels deep"), None);
        }
        self.depth += 1;
        let typed = match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::List(list) => self.list(expr, &list.elements),
            Expr::Call(call) => self.call(expr, call),
            Expr::Comprehension(comprehension) => self.comprehension(expr, comprehension),
            Expr::Map(_) | Expr::Struct(_) => self.fault(expr, "map literals are not supported", None),
            Expr::Unspecified => self.fault(expr, "syntax error", None),
        };
        self.depth -= 1;
        typed
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Typed {
        match literal {
            LiteralValue::Boolean(b) => (Code::Bool(*b.inner()), Ty::Bool),
            LiteralValue::Double(d) => (Code::Double(*d.inner()), Ty::Double),
            LiteralValue::Int(i) => (Code::Int(*i.inner()), Ty::Int),
            LiteralValue::Null => (Code::Null, Ty::Null),
            LiteralValue::String(text) => (Code::Text(text.inner().into()), Ty::String),
            LiteralValue::UInt(_) => {
                self.fault(expr, "unsigned numbers are not supported", "leave out the `u`".to_owned())
            }
            LiteralValue::Bytes(_) => self.fault(expr, "bytes are not supported", None),
        }
    }

    /// Whether the name is that of a macro's variable, and which.
    fn local(&self, name: &str) -> Option<usize> {
        self.locals.iter().rposition(|local| local.name == name)
    }

    fn name(&mut self, expr: &IdedExpr, name: &str) -> Typed {
        if let Some(i) = self.local(name) {
            let ty = self.without_null(name, self.locals[i].ty.clone());
            return (Code::Local(i), ty);
        }
        if let Some(i) = self.scope.roots.iter().position(|(root, _)| *root == name) {
            return (Code::Root(i), Ty::Record(self.scope.roots[i].1));
        }
        if name == "params" {
            return self.fault(expr, "`params` is no value", "name one of them: `params.NAME`".to_owned());
        }
        let locals = self.locals.iter().map(|local| local.name.as_str());
        let known: Vec<&str> = locals.chain(self.scope.roots.iter().map(|(root, _)| *root)).chain(["params"]).collect();
        let hint = did_you_mean(name, known.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", listed(known.iter().copied())));
        self.fault(expr, format!("unknown name `{name}`"), hint)
    }

    /// The type without its null where that path is known to be present.
    fn without_null(&self, path: &str, ty: Ty) -> Ty {
        if self.present.iter().any(|present| present == path) { ty.inner().clone() } else { ty }
    }

    fn param(&mut self, expr: &IdedExpr, name: &str) -> Typed {
        let Some(i) = self.scope.params.iter().position(|(param, _)| param == name) else {
            let known: Vec<&str> = self.scope.params.iter().map(|(param, _)| param.as_str()).collect();
            let hint = did_you_mean(name, known).unwrap_or_else(|| format!("declare it: `params: {{{name}: …}}`"));
            return self.fault(expr, format!("unknown parameter `params.{name}`"), hint);
        };
        if !self.params.contains(&i) {
            self.params.push(i);
        }
        (Code::Param(i), self.scope.params[i].1.ty())
    }

    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Typed {
        let SelectExpr { operand, field, test } = select;
        if matches!(&operand.expr, Expr::Ident(name) if name == "params" && self.local(name).is_none()) && !test {
            return self.param(expr, field);
        }
        let (code, ty) = self.expr(operand);
        let spelt = path(operand).unwrap_or_default();
        let record = match &ty {
            Ty::Any => return (Code::Null, Ty::Any),
            Ty::Json => {
                let origin = format!("{}.{field}", self.origin(operand));
                let missing = missing(&origin, &format!("has({spelt}.{field})"));
                let member = Member { of: spelt.into(), name: field.as_str().into(), missing };
                let member = Code::Member(Box::new(code), Box::new(member));
                self.reads(origin, Ty::Json.to_string(), "");
                return if *test { (Code::Exists(Box::new(member)), Ty::Bool) } else { (member, Ty::Json) };
            }
            Ty::Record(record) => *record,
            Ty::Nullable(_) => return self.may_be_null(operand, &spelt),
            Ty::List(_) => {
                let hint = "walk over it with `all`, `exists`, `filter` or `map`".to_owned();
                return self.fault(expr, format!("{} is a list and has no field `{field}`", quoted(&spelt)), hint);
            }
            other => {
                let message = format!("{} is of type {other} and has no field `{field}`", quoted(&spelt));
                return self.fault(expr, message, None);
            }
        };
        let full = if spelt.is_empty() { format!("{}.{field}", record.name) } else { format!("{spelt}.{field}") };
        let Some(i) = record.position(field) else {
            let known: Vec<&str> = record.fields.iter().map(|field| field.name.as_str()).collect();
            let hint = did_you_mean(field, known.iter().copied())
                .unwrap_or_else(|| format!("it has {}", listed(known.iter().copied())));
            // `has` hides where its field stands, but that is behind the operand.
            let at = self.parsed.place(if *test { operand.id } else { expr.id });
            let at = at + if *test { self.parsed.source[at..].find(field.as_str()).unwrap_or(0) } else { 0 };
            self.faults.push(Fault::new(at, format!("unknown field `{full}`")).hint(hint));
            return (Code::Null, Ty::Any);
        };
        let declared = Ty::from(&record.fields[i].ty);
        let origin = match self.origin(operand) {
            unnamed if unnamed.is_empty() => record.name.to_owned(),
            origin => origin,
        };
        let field = &record.fields[i];
        self.reads(format!("{origin}.{}", field.name), type_of(field), &field.doc);
        if *test {
            return (Code::Has(Box::new(code), i), Ty::Bool);
        }
        let code = Code::Field(Box::new(code), i);
        match self.without_null(&full, declared) {
            Ty::Json => (Code::Present(Box::new(code), Box::new(missing(&full, &format!("has({full})")))), Ty::Json),
            ty => (code, ty),
        }
    }

    fn reads(&mut self, fact: String, ty: String, doc: &str) {
        self.reads.push(Read { fact, ty, doc: doc.to_owned() });
    }

    /// Where the value of the expression stands among the facts; empty where that has no name.
    pub(super) fn origin(&self, expr: &IdedExpr) -> String {
        match &expr.expr {
            Expr::Ident(name) => self.local(name).map_or_else(|| name.clone(), |i| self.locals[i].origin.clone()),
            Expr::Select(select) if !select.test => match self.origin(&select.operand) {
                unnamed if unnamed.is_empty() => unnamed,
                of => format!("{of}.{}", select.field),
            },
            Expr::Comprehension(walk) => self.origin(&walk.iter_range),
            Expr::Call(call) if call.func_name == operators::INDEX => match call.args.first().map(|of| self.origin(of))
            {
                Some(of) if !of.is_empty() => format!("{of}[]"),
                _ => String::new(),
            },
            _ => String::new(),
        }
    }

    fn may_be_null(&mut self, expr: &IdedExpr, spelt: &str) -> Typed {
        let hint = (!spelt.is_empty()).then(|| format!("ask first: `{spelt} != null && …`"));
        self.fault(expr, format!("{} may be null", quoted(spelt)), hint)
    }

    fn list(&mut self, expr: &IdedExpr, elements: &[IdedExpr]) -> Typed {
        let mut codes = Vec::with_capacity(elements.len());
        let mut ty = Ty::Any;
        for element in elements {
            let (code, element_ty) = self.expr(element);
            codes.push(code);
            match ty.join(&element_ty) {
                Some(joined) => ty = joined,
                None => {
                    let message = format!("a list of {ty} holds an element of type {element_ty}");
                    self.fault(expr, message, None);
                    ty = Ty::Any;
                }
            }
        }
        (Code::List(codes.into()), Ty::List(Box::new(ty)))
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Typed {
        use operators as op;
        match (call.func_name.as_str(), &call.target, &*call.args) {
            (op::LOGICAL_AND, None, [left, right]) => self.logic(true, left, right),
            (op::LOGICAL_OR, None, [left, right]) => self.logic(false, left, right),
            (op::LOGICAL_NOT, None, [of]) => (Code::Not(Box::new(self.condition(of))), Ty::Bool),
            (op::CONDITIONAL, None, [condition, then, otherwise]) => {
                self.conditional(expr, [condition, then, otherwise])
            }
            (op::EQUALS, None, [left, right]) => self.comparison(expr, Comparison::Equal, left, right),
            (op::NOT_EQUALS, None, [left, right]) => self.comparison(expr, Comparison::NotEqual, left, right),
            (op::LESS, None, [left, right]) => self.comparison(expr, Comparison::Less, left, right),
            (op::LESS_EQUALS, None, [left, right]) => self.comparison(expr, Comparison::LessOrEqual, left, right),
            (op::GREATER, None, [left, right]) => self.comparison(expr, Comparison::Greater, left, right),
            (op::GREATER_EQUALS, None, [left, right]) => self.comparison(expr, Comparison::GreaterOrEqual, left, right),
            (op::IN, None, [element, list]) => self.membership(expr, element, list),
            (op::ADD, None, [left, right]) => self.arithmetic(expr, Operator::Add, left, right),
            (op::SUBSTRACT, None, [left, right]) => self.arithmetic(expr, Operator::Subtract, left, right),
            (op::MULTIPLY, None, [left, right]) => self.arithmetic(expr, Operator::Multiply, left, right),
            (op::DIVIDE, None, [left, right]) => self.arithmetic(expr, Operator::Divide, left, right),
            (op::MODULO, None, [left, right]) => self.arithmetic(expr, Operator::Remainder, left, right),
            (op::NEGATE, None, [of]) => {
                let (code, ty) = self.expr(of);
                self.needs(of, &ty, Ty::is_number, "a number");
                (Code::Negate(Box::new(code)), ty)
            }
            (op::INDEX, None, [list, position]) => self.index(list, position),
            (name, target, arguments) => self.function(expr, name, target.as_deref(), arguments),
        }
    }

    /// Faults a value of the wrong type. Says whether it was right.
    pub(super) fn needs(&mut self, expr: &IdedExpr, ty: &Ty, fits: impl Fn(&Ty) -> bool, wanted: &str) -> bool {
        if matches!(ty, Ty::Any | Ty::Json) || fits(ty) {
            return true;
        }
        let spelt = path(expr).unwrap_or_default();
        if matches!(ty, Ty::Nullable(inner) if fits(inner)) {
            self.may_be_null(expr, &spelt);
        } else if spelt.is_empty() {
            self.fault(expr, format!("a value of type {ty} where {wanted} belongs"), None);
        } else {
            self.fault(expr, format!("`{spelt}` is of type {ty} where {wanted} belongs"), None);
        }
        false
    }

    pub(super) fn condition(&mut self, expr: &IdedExpr) -> Code {
        let (code, ty) = self.expr(expr);
        self.needs(expr, &ty, |ty| *ty == Ty::Bool, "a bool");
        code
    }

    /// What is checked while more is known to be present.
    pub(super) fn knowing<T>(&mut self, present: Vec<String>, check: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.present.len();
        self.present.extend(present);
        let result = check(self);
        self.present.truncate(before);
        result
    }

    fn logic(&mut self, and: bool, left: &IdedExpr, right: &IdedExpr) -> Typed {
        let first = self.condition(left);
        let second = self.knowing(present_when(left, and), |it| it.condition(right));
        let both = Box::new([first, second]);
        (if and { Code::And(both) } else { Code::Or(both) }, Ty::Bool)
    }

    fn conditional(&mut self, expr: &IdedExpr, [condition, then, otherwise]: [&IdedExpr; 3]) -> Typed {
        let code = self.condition(condition);
        let (then, a) = self.knowing(present_when(condition, true), |it| it.expr(then));
        let (otherwise, b) = self.knowing(present_when(condition, false), |it| it.expr(otherwise));
        match a.join(&b) {
            Some(ty) => (Code::If(Box::new([code, then, otherwise])), ty),
            None => self.fault(expr, format!("one branch is of type {a}, the other one of type {b}"), None),
        }
    }

    fn comparison(&mut self, expr: &IdedExpr, kind: Comparison, left: &IdedExpr, right: &IdedExpr) -> Typed {
        let ((a, a_ty), (b, b_ty)) = (self.expr(left), self.expr(right));
        let equality = matches!(kind, Comparison::Equal | Comparison::NotEqual);
        if equality && !a_ty.equatable(&b_ty) || !equality && !a_ty.ordered_with(&b_ty) {
            return self.not_comparable(expr, (left, &a_ty), (right, &b_ty));
        }
        if equality {
            self.words(&a_ty, right);
            self.words(&b_ty, left);
        }
        (Code::Compare(kind, Box::new([a, b])), Ty::Bool)
    }

    fn not_comparable(&mut self, expr: &IdedExpr, left: (&IdedExpr, &Ty), right: (&IdedExpr, &Ty)) -> Typed {
        match (left, right) {
            ((value, ty), (_, Ty::Null)) | ((_, Ty::Null), (value, ty)) => {
                let spelt = path(value).map_or_else(|| format!("a value of type {ty}"), |path| format!("`{path}`"));
                let hint = (*ty == Ty::Json).then(|| {
                    let path = path(value).unwrap_or_else(|| "resource.properties.NAME".to_owned());
                    format!("what JSON leaves out and what is null in it are the same: ask `has({path})`")
                });
                self.fault(expr, format!("{spelt} is never null"), hint)
            }
            ((_, a), (_, b)) if a.is_text() && b.is_text() => {
                self.fault(expr, "the words of an enum have no order", "compare with `==` or `in`".to_owned())
            }
            ((_, a), (_, b)) => self.fault(expr, format!("cannot compare {a} with {b}"), None),
        }
    }

    /// Faults literal words that the enum does not have.
    fn words(&mut self, ty: &Ty, expr: &IdedExpr) {
        match (ty.inner(), &expr.expr) {
            (Ty::List(item), Expr::List(list)) => list.elements.iter().for_each(|element| self.words(item, element)),
            (Ty::Enum(words), Expr::Literal(LiteralValue::String(word))) if !words.contains(&word.inner()) => {
                let hint = did_you_mean(word.inner(), words.iter().copied())
                    .unwrap_or_else(|| format!("its words are {}", listed(words.iter().copied())));
                self.fault(expr, format!("`{}` is not a word of this enum", word.inner()), hint);
            }
            _ => {}
        }
    }

    fn membership(&mut self, expr: &IdedExpr, element: &IdedExpr, list: &IdedExpr) -> Typed {
        let ((a, a_ty), (b, b_ty)) = (self.expr(element), self.expr(list));
        if !self.needs(list, &b_ty, |ty| matches!(ty, Ty::List(_)), "a list") {
            return (Code::Null, Ty::Any);
        }
        if b_ty == Ty::Json && !Ty::Json.equatable(&a_ty) {
            return self.fault(expr, format!("cannot look for {a_ty} in {b_ty}"), None);
        }
        if let Ty::List(item) = &b_ty {
            if !a_ty.equatable(item) {
                return self.fault(expr, format!("cannot look for {a_ty} in {b_ty}"), None);
            }
            self.words(item, element);
            if let Expr::List(literal) = &list.expr {
                literal.elements.iter().for_each(|candidate| self.words(&a_ty, candidate));
            }
        }
        (Code::In(Box::new([a, b])), Ty::Bool)
    }

    fn arithmetic(&mut self, expr: &IdedExpr, operator: Operator, left: &IdedExpr, right: &IdedExpr) -> Typed {
        let ((a, a_ty), (b, b_ty)) = (self.expr(left), self.expr(right));
        for (expr, ty) in [(left, &a_ty), (right, &b_ty)] {
            if matches!(ty, Ty::Nullable(_)) {
                return self.may_be_null(expr, &path(expr).unwrap_or_default());
            }
        }
        let ty = match (operator, &a_ty, &b_ty) {
            (_, Ty::Any, _) | (_, _, Ty::Any) => Some(Ty::Any),
            (_, Ty::Json, _) | (_, _, Ty::Json) => Some(Ty::Json),
            (_, Ty::Int, Ty::Int) => Some(Ty::Int),
            (Operator::Remainder, ..) => None,
            (_, Ty::Double, Ty::Double) => Some(Ty::Double),
            (Operator::Add, a, b) if a.is_text() && b.is_text() => Some(Ty::String),
            (Operator::Add, Ty::List(_), Ty::List(_)) => a_ty.join(&b_ty),
            _ => None,
        };
        match ty {
            Some(ty) => (Code::Arithmetic(operator, Box::new([a, b])), ty),
            None => {
                let mixed = a_ty.is_number() && b_ty.is_number() && operator != Operator::Remainder;
                let hint = mixed.then(|| "convert one of them: `double(…)` or `int(…)`".to_owned());
                self.fault(expr, format!("cannot calculate with {a_ty} and {b_ty}"), hint)
            }
        }
    }

    fn index(&mut self, list: &IdedExpr, position: &IdedExpr) -> Typed {
        let (a, a_ty) = self.expr(list);
        if let (Ty::Json, Expr::Literal(LiteralValue::String(name))) = (&a_ty, &position.expr) {
            let name = name.inner();
            let origin = format!("{}[{name:?}]", self.origin(list));
            let spelt = path(list).unwrap_or_default();
            // `has` takes no brackets.
            let missing = missing(&origin, &format!("{name:?} in {spelt}"));
            self.reads(origin, Ty::Json.to_string(), "");
            return (
                Code::Member(Box::new(a), Box::new(Member { of: spelt.into(), name: name.into(), missing })),
                Ty::Json,
            );
        }
        let (b, b_ty) = self.expr(position);
        if a_ty == Ty::Json && matches!(b_ty, Ty::Int | Ty::Json | Ty::String | Ty::Enum(_)) {
            return (Code::Index(Box::new([a, b])), Ty::Json);
        }
        self.needs(list, &a_ty, |ty| matches!(ty, Ty::List(_)), "a list");
        self.needs(position, &b_ty, |ty| *ty == Ty::Int, "an int");
        match a_ty {
            Ty::List(item) => (Code::Index(Box::new([a, b])), *item),
            _ => (Code::Null, Ty::Any),
        }
    }
}

/// What is said of something that the JSON of a resource does not hold.
fn missing(fact: &str, guard: &str) -> Unread {
    let how = format!(
        "export the resource whole, as `az resource show --ids …` prints it; a policy for which it may be absent asks \
         `{guard}` first"
    );
    Unread::new(format!("`{fact}`"), how)
}
