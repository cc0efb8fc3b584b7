//! Calls of functions and macros, checked.

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, Expr, LiteralValue};
use regex::Regex;

use super::super::diagnostics::did_you_mean;
use super::code::Code;
use super::compile::{Compiler, Local, MAX_MACROS, Typed};
use super::functions::{Function, NAMES};
use super::shape::{Macro, present_when};
use super::types::Ty;

impl Compiler<'_> {
    pub(super) fn function(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        target: Option<&IdedExpr>,
        arguments: &[IdedExpr],
    ) -> Typed {
        let function = match name {
            "size" => Function::Size,
            "contains" => Function::Contains,
            "startsWith" => Function::StartsWith,
            "endsWith" => Function::EndsWith,
            "int" => Function::ToInt,
            "double" => Function::ToDouble,
            "string" => Function::ToText,
            "lowerAscii" => Function::LowerAscii,
            "matches" => return self.matches(expr, target, arguments),
            "all" | "exists" | "exists_one" | "filter" | "map" => {
                let hint = format!("`LIST.{name}(x, …)`");
                return self.fault(expr, format!("`{name}` takes a list, a variable and an expression"), hint);
            }
            _ => {
                let hint = did_you_mean(name, NAMES);
                return self.fault(expr, format!("unknown function `{name}`"), hint);
            }
        };
        match (function, target, arguments) {
            (Function::Size, Some(of), []) | (Function::Size, None, [of]) => {
                let (code, ty) = self.expr(of);
                self.needs(of, &ty, |ty| ty.is_text() || matches!(ty, Ty::List(_)), "a string or a list");
                (Code::Call(function, Box::new([code])), Ty::Int)
            }
            (Function::Contains | Function::StartsWith | Function::EndsWith, Some(of), [part]) => {
                let ((a, a_ty), (b, b_ty)) = (self.expr(of), self.expr(part));
                self.needs(of, &a_ty, Ty::is_text, "a string");
                self.needs(part, &b_ty, Ty::is_text, "a string");
                (Code::Call(function, Box::new([a, b])), Ty::Bool)
            }
            (Function::LowerAscii, Some(of), []) => {
                let (code, ty) = self.expr(of);
                self.needs(of, &ty, Ty::is_text, "a string");
                (Code::Call(function, Box::new([code])), Ty::String)
            }
            (Function::ToInt | Function::ToDouble, None, [of]) => {
                let (code, ty) = self.expr(of);
                self.needs(of, &ty, Ty::is_number, "a number");
                let result = if function == Function::ToInt { Ty::Int } else { Ty::Double };
                (Code::Call(function, Box::new([code])), result)
            }
            (Function::ToText, None, [of]) => {
                let (code, ty) = self.expr(of);
                let fits = |ty: &Ty| ty.is_text() || ty.is_number() || *ty == Ty::Bool;
                self.needs(of, &ty, fits, "a string, a number or a bool");
                (Code::Call(function, Box::new([code])), Ty::String)
            }
            _ => {
                let usage = match function {
                    Function::Size => "`TEXT.size()` or `LIST.size()`".to_owned(),
                    Function::ToInt | Function::ToDouble | Function::ToText => format!("`{name}(VALUE)`"),
                    Function::LowerAscii => "`TEXT.lowerAscii()`".to_owned(),
                    _ => format!("`TEXT.{name}(TEXT)`"),
                };
                self.fault(expr, format!("`{name}` is not used like this"), format!("write {usage}"))
            }
        }
    }

    fn matches(&mut self, expr: &IdedExpr, target: Option<&IdedExpr>, arguments: &[IdedExpr]) -> Typed {
        let (of, pattern) = match (target, arguments) {
            (Some(of), [pattern]) | (None, [of, pattern]) => (of, pattern),
            _ => {
                let hint = "write `TEXT.matches(\"PATTERN\")`".to_owned();
                return self.fault(expr, "`matches` is not used like this", hint);
            }
        };
        let (code, ty) = self.expr(of);
        self.needs(of, &ty, Ty::is_text, "a string");
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            return self.fault(pattern, "the pattern of `matches` has to be a literal string", None);
        };
        match Regex::new(text.inner()) {
            Ok(regex) => (Code::Matches(Box::new(code), regex), Ty::Bool),
            Err(error) => {
                let message = error.to_string();
                let message = message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.fault(pattern, format!("not a regular expression: {message}"), None)
            }
        }
    }

    pub(super) fn comprehension(&mut self, expr: &IdedExpr, comprehension: &ComprehensionExpr) -> Typed {
        let (range, range_ty) = self.expr(&comprehension.iter_range);
        let fits = |ty: &Ty| matches!(ty, Ty::List(_));
        if !self.needs(&comprehension.iter_range, &range_ty, fits, "a list") {
            return (Code::Null, Ty::Any);
        }
        if self.locals.len() == MAX_MACROS {
            let message = format!("more than {MAX_MACROS} macros within one another");
            return self.fault(expr, message, "let a fact carry the answer".to_owned());
        }
        let item = match range_ty {
            Ty::List(item) => *item,
            // The entries of a list, or the names of an object's members.
            Ty::Json => Ty::Json,
            _ => Ty::Any,
        };
        let Some(macro_) = Macro::of(comprehension) else {
            return self.fault(expr, "this macro is not supported", None);
        };
        // Another variable of that name may be known to be present; this one is not.
        let variable = comprehension.iter_var.clone();
        let hidden = |path: &String| path.split('.').next() == Some(&variable);
        let around = self.present.clone();
        self.present.retain(|path| !hidden(path));
        let origin = match self.origin(&comprehension.iter_range) {
            unnamed if unnamed.is_empty() => unnamed,
            list => format!("{list}[]"),
        };
        self.locals.push(Local { name: variable, ty: item, origin });
        let typed = match macro_ {
            Macro::Quantify(quantifier, predicate) => {
                let predicate = self.condition(predicate);
                (Code::Quantify(quantifier, Box::new([range, predicate])), Ty::Bool)
            }
            Macro::Map(filter, value) => {
                let condition = filter.map_or(Code::Bool(true), |filter| self.condition(filter));
                let known = filter.map_or_else(Vec::new, |filter| present_when(filter, true));
                let (value, ty) = self.knowing(known, |it| it.expr(value));
                (Code::Map(Box::new([range, condition, value])), Ty::List(Box::new(ty)))
            }
        };
        self.locals.pop();
        self.present = around;
        typed
    }
}
