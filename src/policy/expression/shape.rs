//! What a syntax tree was written as: macros before their expansion, paths, and what a condition says of null.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};

use super::code::Quantifier;

/// What a comprehension was written as.
pub(super) enum Macro<'e> {
    Quantify(Quantifier, &'e IdedExpr),
    /// `filter` is a map of the elements themselves.
    Map(Option<&'e IdedExpr>, &'e IdedExpr),
}

impl<'e> Macro<'e> {
    pub(super) fn of(comprehension: &'e ComprehensionExpr) -> Option<Self> {
        let Expr::Call(step) = &comprehension.loop_step.expr else { return None };
        let starts_with_number = matches!(comprehension.accu_init.expr, Expr::Literal(LiteralValue::Int(_)));
        match (step.func_name.as_str(), &*step.args) {
            (operators::LOGICAL_AND, [_, predicate]) => Some(Self::Quantify(Quantifier::All, predicate)),
            (operators::LOGICAL_OR, [_, predicate]) => Some(Self::Quantify(Quantifier::Exists, predicate)),
            (operators::CONDITIONAL, [predicate, ..]) if starts_with_number => {
                Some(Self::Quantify(Quantifier::ExistsOne, predicate))
            }
            (operators::CONDITIONAL, [filter, add, _]) => Some(Self::Map(Some(filter), added(add)?)),
            (operators::ADD, _) => Some(Self::Map(None, added(&comprehension.loop_step)?)),
            _ => None,
        }
    }
}

/// The element that `@result + [element]` adds.
fn added(expr: &IdedExpr) -> Option<&IdedExpr> {
    let Expr::Call(CallExpr { args, .. }) = &expr.expr else { return None };
    match &args[..] {
        [_, IdedExpr { expr: Expr::List(list), .. }] => list.elements.first(),
        _ => None,
    }
}

/// `gateway.pool` as it is spelt, for an expression that is a name or fields of one.
pub(super) fn path(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        Expr::Call(call) if call.func_name == operators::INDEX => match &*call.args {
            [of, IdedExpr { expr: Expr::Literal(LiteralValue::String(name)), .. }] => {
                Some(format!("{}[{:?}]", path(of)?, name.inner()))
            }
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn quoted(path: &str) -> String {
    if path.is_empty() { "the value".to_owned() } else { format!("`{path}`") }
}

/// The paths that are not null where the condition has that value.
pub(super) fn present_when(expr: &IdedExpr, value: bool) -> Vec<String> {
    use operators as op;
    match &expr.expr {
        Expr::Select(select) if select.test && value => {
            path(&select.operand).map(|of| format!("{of}.{}", select.field)).into_iter().collect()
        }
        Expr::Call(call) => match (call.func_name.as_str(), &*call.args) {
            (op::LOGICAL_NOT, [of]) => present_when(of, !value),
            (op::LOGICAL_AND, [left, right]) if value => [present_when(left, true), present_when(right, true)].concat(),
            (op::LOGICAL_OR, [left, right]) if !value => {
                [present_when(left, false), present_when(right, false)].concat()
            }
            (op::NOT_EQUALS, [left, right]) if value => compared_with_null(left, right),
            (op::EQUALS, [left, right]) if !value => compared_with_null(left, right),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn compared_with_null(left: &IdedExpr, right: &IdedExpr) -> Vec<String> {
    let is_null = |expr: &IdedExpr| matches!(expr.expr, Expr::Literal(LiteralValue::Null));
    let other = if is_null(right) { left } else { right };
    if is_null(left) || is_null(right) { path(other).into_iter().collect() } else { Vec::new() }
}
