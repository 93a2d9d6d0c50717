//! The attributes `#[config(..)]` and doc comments, as data.

use std::collections::BTreeSet;

use proc_macro2::Span;
use quote::quote;
use syn::{
    Attribute, Expr, ExprLit, ExprPath, ExprUnary, Field, Ident, Lit, LitStr, Meta, Token, Type,
    UnOp, ext::IdentExt, meta::ParseNestedMeta, spanned::Spanned,
};

use super::{Errors, rules::Rule};

/// `#[config(..)]` of the struct.
#[derive(std::default::Default)]
pub(super) struct StructAttrs {
    pub(super) section: Option<String>,
    pub(super) env_prefix: Option<String>,
    pub(super) check: Option<ExprPath>,
}

/// `#[config(..)]` and `#[validate(..)]` of a field.
pub(super) struct FieldAttrs<'a> {
    pub(super) ident: &'a Ident,
    pub(super) name: String,
    pub(super) ty: &'a Type,
    pub(super) doc: String,
    pub(super) default: Option<Default>,
    pub(super) env: Option<String>,
    pub(super) aliases: Vec<String>,
    pub(super) live: bool,
    pub(super) unset: Option<String>,
    pub(super) nested: bool,
    pub(super) renamed_from: Vec<String>,
    pub(super) rules: Vec<Rule>,
}

/// The default of a field.
pub(super) enum Default {
    Text(String),
    List(Vec<String>),
    Computed(Expr),
}

// === impl StructAttrs ===

impl StructAttrs {
    pub(super) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut parsed = Self::default();
        each(attrs, errors, |name, meta| {
            match name {
                "section" => {
                    let text: LitStr = meta.value()?.parse()?;
                    check_section(&text)?;
                    parsed.section = Some(text.value());
                }
                "env_prefix" => {
                    let text: LitStr = meta.value()?.parse()?;
                    if !text.value().is_empty() {
                        check_variable(&text)?;
                    }
                    parsed.env_prefix = Some(text.value());
                }
                "check" => parsed.check = Some(meta.value()?.parse()?),
                _ => {
                    return Err(meta.error(
                        "unknown attribute of a section; there are `section = \"..\"`, \
                         `env_prefix = \"..\"` and `check = path`",
                    ));
                }
            }
            Ok(())
        });
        parsed
    }
}

// === impl FieldAttrs ===

impl<'a> FieldAttrs<'a> {
    pub(super) fn parse(field: &'a Field, errors: &mut Errors) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let mut parsed = Self {
            ident,
            name: ident.unraw().to_string(),
            ty: &field.ty,
            doc: doc(&field.attrs),
            default: None,
            env: None,
            aliases: Vec::new(),
            live: false,
            unset: None,
            nested: false,
            renamed_from: Vec::new(),
            rules: Rule::parse_all(&field.attrs, errors),
        };
        let mut unset_at = None;
        each(&field.attrs, errors, |name, meta| parsed.attribute(name, meta, &mut unset_at));
        if let Some(span) = unset_at
            && !is_option(&field.ty)
        {
            errors.push(syn::Error::new(
                span,
                "`unset` says what follows when an `Option` is not set, and this is none",
            ));
        }
        parsed.check_nested(field, errors);
        for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
            errors.push(syn::Error::new_spanned(
                attr,
                "`Config` reads fields by their names and knows no `serde` attributes; rename with \
                 `#[config(renamed_from = \"..\")]`, or put them on the type of the field",
            ));
        }
        Some(parsed)
    }

    fn attribute(
        &mut self,
        name: &str,
        meta: &ParseNestedMeta<'_>,
        unset_at: &mut Option<Span>,
    ) -> syn::Result<()> {
        match name {
            "default" => {
                self.default = Some(if meta.input.peek(Token![=]) {
                    Default::of(meta.value()?.parse()?)
                } else {
                    let ty = self.ty;
                    Default::Computed(
                        syn::parse_quote!(<#ty as ::core::default::Default>::default()),
                    )
                });
            }
            "env" => self.env = Some(variable(meta)?),
            "alias" => self.aliases.push(variable(meta)?),
            "live" => self.live = true,
            "unset" => {
                *unset_at = Some(meta.path.span());
                self.unset = Some(meta.value()?.parse::<LitStr>()?.value());
            }
            "nested" => self.nested = true,
            "renamed_from" => self.renamed_from.push(meta.value()?.parse::<LitStr>()?.value()),
            _ => {
                return Err(meta.error(
                    "unknown attribute of a field; there are `default`, `env`, `alias`, `live`, \
                     `unset`, `nested` and `renamed_from`",
                ));
            }
        }
        Ok(())
    }

    fn check_nested(&self, field: &Field, errors: &mut Errors) {
        if !self.nested {
            return;
        }
        let is_plain = self.default.is_none()
            && self.env.is_none()
            && self.aliases.is_empty()
            && self.unset.is_none()
            && !self.live
            && self.rules.is_empty();
        if !is_plain {
            errors.push(syn::Error::new_spanned(
                self.ident,
                "a nested struct has no attributes but `renamed_from`; give them to its fields",
            ));
        }
        if is_option(&field.ty) {
            errors.push(syn::Error::new_spanned(
                &field.ty,
                "a nested struct cannot be an `Option`; give it a field `enabled: bool`, so that \
                 its defaults stay visible",
            ));
        }
    }
}

// === impl Default ===

impl Default {
    fn of(expr: Expr) -> Self {
        if let Some(text) = literal(&expr) {
            return Self::Text(text);
        }
        if let Expr::Array(array) = &expr
            && let Some(items) = array.elems.iter().map(literal).collect()
        {
            return Self::List(items);
        }
        Self::Computed(expr)
    }
}

/// A literal as it would be written in the file.
fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Str(text) => Some(text.value()),
            Lit::Int(number) => Some(number.base10_digits().to_owned()),
            Lit::Float(number) => Some(number.base10_digits().to_owned()),
            Lit::Bool(value) => Some(value.value.to_string()),
            Lit::Char(value) => Some(value.value().to_string()),
            _ => None,
        },
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match &**expr {
            Expr::Lit(ExprLit { lit: Lit::Int(_) | Lit::Float(_), .. }) => {
                literal(expr).map(|number| format!("-{number}"))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The text of the doc comments.
pub(super) fn doc(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<_> =
        lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

/// Whether a type is written as an `Option`.
pub(super) fn is_option(ty: &Type) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|segment| segment.ident == "Option"))
}

/// Calls `visit` for each item of `#[config(..)]`, refusing what is given twice.
fn each(
    attrs: &[Attribute],
    errors: &mut Errors,
    mut visit: impl FnMut(&str, &ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    let mut seen = BTreeSet::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("config")) {
        let mut inner = Errors::default();
        let parsed = attr.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            if !matches!(name.as_str(), "alias" | "renamed_from") && !seen.insert(name.clone()) {
                inner.push(meta.error(format!("`{name}` is given twice")));
            }
            let visited = visit(&name, &meta);
            if let Err(error) = visited {
                inner.push(error);
                // What follows can be read only when the value was taken in.
                if meta.input.peek(Token![=]) {
                    let _ = meta.value()?.parse::<Expr>()?;
                }
            }
            Ok(())
        });
        errors.take(inner.finish());
        errors.take(parsed);
    }
}

fn variable(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    let text: LitStr = meta.value()?.parse()?;
    check_variable(&text)?;
    Ok(text.value())
}

fn check_variable(text: &LitStr) -> syn::Result<()> {
    let name = text.value();
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.starts_with(|c: char| !c.is_ascii_digit());
    if is_name {
        return Ok(());
    }
    let message = format!("`{name}` is no name of a variable; use letters, digits and `_`");
    Err(syn::Error::new(text.span(), message))
}

fn check_section(text: &LitStr) -> syn::Result<()> {
    let name = text.value();
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if is_name {
        return Ok(());
    }
    let message = format!("`{name}` is no name of a section; use letters, digits, `_` and `-`");
    Err(syn::Error::new(text.span(), message))
}

/// The tokens of an expression, for messages.
pub(super) fn tokens(expr: &Expr) -> String {
    quote!(#expr).to_string().replace(' ', "")
}
