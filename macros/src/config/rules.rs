//! `#[validate(..)]`: the grammar of the `validator` crate.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Expr, ExprLit, ExprPath, ExprUnary, Lit, LitStr, Token, Type, UnOp,
    meta::ParseNestedMeta, spanned::Spanned,
};

use super::{
    Errors,
    attrs::{is_option, tokens},
};

/// One item of `#[validate(..)]`.
pub(super) struct Rule {
    kind: Kind,
    message: Option<String>,
    span: proc_macro2::Span,
}

enum Kind {
    Range { min: Option<Expr>, max: Option<Expr>, above: Option<Expr>, below: Option<Expr> },
    Length { min: Option<Expr>, max: Option<Expr>, equal: Option<Expr> },
    Email,
    Url,
    Ip(Option<u8>),
    Contains(Expr),
    DoesNotContain(Expr),
    Regex(Expr),
    NonControlCharacter,
    Custom(ExprPath),
}

/// The arguments of a rule, as they were given.
#[derive(Default)]
struct Args {
    named: Vec<(String, Expr)>,
    message: Option<String>,
}

const KNOWN: &str = "`range`, `length`, `email`, `url`, `ip`, `ipv4`, `ipv6`, `contains`, \
                     `does_not_contain`, `regex`, `non_control_character` and `custom`";

// === impl Rule ===

impl Rule {
    pub(super) fn parse_all(attrs: &[Attribute], errors: &mut Errors) -> Vec<Self> {
        let mut rules = Vec::new();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("validate")) {
            let mut inner = Vec::new();
            let parsed = attr.parse_nested_meta(|meta| {
                match Self::parse(&meta) {
                    Ok(rule) => rules.push(rule),
                    Err(error) => inner.push(error),
                }
                Ok(())
            });
            inner.into_iter().for_each(|error| errors.push(error));
            errors.take(parsed);
        }
        rules
    }

    fn parse(meta: &ParseNestedMeta<'_>) -> syn::Result<Self> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        let span = meta.path.span();
        // The arguments are taken in first: otherwise what follows a mistake cannot be read.
        let mut args = Args::parse(meta)?;
        let message = args.message.take();
        let error = |text: String| syn::Error::new(span, text);
        let kind = match name.as_str() {
            "range" => Kind::Range {
                min: args.take("min"),
                max: args.take("max"),
                above: args.take("exclusive_min"),
                below: args.take("exclusive_max"),
            },
            "length" => Kind::Length {
                min: args.take("min"),
                max: args.take("max"),
                equal: args.take("equal"),
            },
            "email" => Kind::Email,
            "url" => Kind::Url,
            "ip" => Kind::Ip(None),
            "ipv4" => Kind::Ip(Some(4)),
            "ipv6" => Kind::Ip(Some(6)),
            "contains" => Kind::Contains(args.one("contains", "pattern", span)?),
            "does_not_contain" => {
                Kind::DoesNotContain(args.one("does_not_contain", "pattern", span)?)
            }
            "regex" => Kind::Regex(args.one("regex", "path", span)?),
            "non_control_character" => Kind::NonControlCharacter,
            "custom" => match args.one("custom", "function", span)? {
                Expr::Path(path) => Kind::Custom(path),
                Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Kind::Custom(path.parse()?),
                other => {
                    return Err(syn::Error::new_spanned(other, "write the path of a function"));
                }
            },
            "nested" => {
                return Err(error(
                    "write `#[config(nested)]`; its rules are checked then".to_owned(),
                ));
            }
            "required" => {
                return Err(error(
                    "a field that is no `Option` is required without a rule".to_owned(),
                ));
            }
            "must_match" => {
                return Err(error(
                    "a rule is about one field; compare two of them where they are used".to_owned(),
                ));
            }
            _ => return Err(error(format!("unknown rule; there are {KNOWN}"))),
        };
        if let Some((argument, value)) = args.named.first() {
            let message = format!("`{name}` has no argument `{argument}`");
            return Err(syn::Error::new_spanned(value, message));
        }
        let bounds = match &kind {
            Kind::Range { min, max, above, below } => {
                Some([min, max, above, below].iter().filter_map(|bound| bound.as_ref()).count())
            }
            Kind::Length { min, max, equal } => {
                Some([min, max, equal].iter().filter_map(|bound| bound.as_ref()).count())
            }
            _ => None,
        };
        if bounds == Some(0) {
            return Err(error(format!("`{name}` needs a bound: `{name}(min = 1)`")));
        }
        if let Kind::Range { min, max, above, below } = &kind {
            let written = [min, max, above, below].into_iter().flatten();
            if written.clone().any(is_text) && !written.clone().all(is_text) {
                return Err(error("write either all bounds as text, or none".to_owned()));
            }
        }
        Ok(Self { kind, message, span })
    }

    /// An expression for what the rule says of itself.
    pub(super) fn describe(&self) -> TokenStream {
        let rule = quote!(::purlin::__private::config::Rule);
        let described = match &self.kind {
            Kind::Range { min, max, above, below } => {
                let [min, max, above, below] = [min, max, above, below]
                    .map(|bound| option(bound.as_ref().map(described_bound)));
                quote!(#rule::range(#min, #max, #above, #below))
            }
            Kind::Length { min, max, equal } => {
                let [min, max, equal] = [min, max, equal]
                    .map(|bound| option(bound.as_ref().map(|bound| quote!(#bound))));
                quote!(#rule::length(#min, #max, #equal))
            }
            Kind::Email => quote!(#rule::email()),
            Kind::Url => quote!(#rule::url()),
            Kind::Ip(version) => {
                let version = option(version.map(|version| quote!(#version)));
                quote!(#rule::ip(#version))
            }
            Kind::Contains(needle) => quote!(#rule::contains(#needle)),
            Kind::DoesNotContain(needle) => quote!(#rule::does_not_contain(#needle)),
            Kind::Regex(regex) => quote!(#rule::regex((#regex).as_str())),
            Kind::NonControlCharacter => quote!(#rule::non_control_character()),
            Kind::Custom(function) => {
                let name = tokens(&Expr::Path(function.clone()));
                quote!(#rule::custom(#name))
            }
        };
        match &self.message {
            Some(message) => quote!(#described.message(#message)),
            None => described,
        }
    }

    /// A statement that checks `value` and notes the outcome in `verdict`.
    pub(super) fn check(&self, index: usize, ty: &Type) -> TokenStream {
        let validator = quote!(::purlin::__private::validator);
        let holds = match &self.kind {
            Kind::Range { min, max, above, below } => {
                let bounds = [min, max, above, below];
                let text = bounds.iter().any(|bound| bound.as_ref().is_some_and(is_text));
                let bounds = bounds.map(|bound| option(bound.as_ref().map(|bound| quote!(#bound))));
                if text {
                    quote_spanned! {self.span=>
                        ::purlin::__private::config::__private::is_within(value, #(#bounds),*)
                    }
                } else {
                    quote_spanned! {self.span=>
                        #validator::ValidateRange::validate_range(value, #(#bounds),*)
                    }
                }
            }
            Kind::Length { min, max, equal } => {
                let bounds = [min, max, equal]
                    .map(|bound| option(bound.as_ref().map(|bound| quote!(#bound))));
                quote_spanned! {self.span=>
                    #validator::ValidateLength::<u64>::validate_length(value, #(#bounds),*)
                }
            }
            Kind::Email => {
                quote_spanned!(self.span=> #validator::ValidateEmail::validate_email(value))
            }
            Kind::Url => quote_spanned!(self.span=> #validator::ValidateUrl::validate_url(value)),
            Kind::Ip(version) => {
                let method = match version {
                    Some(4) => quote!(validate_ipv4),
                    Some(_) => quote!(validate_ipv6),
                    None => quote!(validate_ip),
                };
                self.inside(ty, &quote_spanned!(self.span=> #validator::ValidateIp::#method(value)))
            }
            Kind::Contains(needle) => quote_spanned! {self.span=>
                #validator::ValidateContains::validate_contains(value, #needle)
            },
            Kind::DoesNotContain(needle) => quote_spanned! {self.span=>
                #validator::ValidateDoesNotContain::validate_does_not_contain(value, #needle)
            },
            Kind::Regex(regex) => quote_spanned! {self.span=>
                #validator::ValidateRegex::validate_regex(value, &(#regex))
            },
            Kind::NonControlCharacter => {
                let check = quote_spanned! {self.span=>
                    #validator::ValidateNonControlCharacter::validate_non_control_character(value)
                };
                self.inside(ty, &check)
            }
            Kind::Custom(function) => {
                let check = quote_spanned!(self.span=> verdict.custom(#index, #function(value)););
                return if is_option(ty) {
                    quote! {
                        if let ::core::option::Option::Some(value) = value { #check }
                    }
                } else {
                    check
                };
            }
        };
        quote_spanned!(self.span=> verdict.rule(#index, #holds);)
    }

    /// A check of what is inside of an `Option`; `validator` has it for some traits only.
    fn inside(&self, ty: &Type, check: &TokenStream) -> TokenStream {
        if is_option(ty) {
            quote_spanned!(self.span=> value.as_ref().is_none_or(|value| #check))
        } else {
            check.clone()
        }
    }
}

// === impl Args ===

impl Args {
    fn parse(meta: &ParseNestedMeta<'_>) -> syn::Result<Self> {
        let mut args = Self::default();
        if meta.input.peek(Token![=]) {
            // The short form: `contains = "x"`, `custom = "f"`.
            args.named.push((String::new(), meta.value()?.parse()?));
        } else if meta.input.peek(syn::token::Paren) {
            let content;
            syn::parenthesized!(content in meta.input);
            while !content.is_empty() {
                let fork = content.fork();
                let is_named = fork.parse::<syn::Ident>().is_ok()
                    && fork.peek(Token![=])
                    && !fork.peek(Token![==]);
                if is_named {
                    let name: syn::Ident = content.parse()?;
                    content.parse::<Token![=]>()?;
                    match name.to_string().as_str() {
                        "message" => args.message = Some(content.parse::<LitStr>()?.value()),
                        // `validator` names its errors by it, and ours are texts.
                        "code" => drop(content.parse::<Expr>()?),
                        name => args.named.push((name.to_owned(), content.parse()?)),
                    }
                } else {
                    args.named.push((String::new(), content.parse()?));
                }
                if !content.is_empty() {
                    content.parse::<Token![,]>()?;
                }
            }
        }
        Ok(args)
    }

    fn take(&mut self, name: &str) -> Option<Expr> {
        let index = self.named.iter().position(|(named, _)| named == name)?;
        Some(self.named.remove(index).1)
    }

    /// The argument of a rule that has one, with or without its name.
    fn one(&mut self, rule: &str, name: &str, span: proc_macro2::Span) -> syn::Result<Expr> {
        self.take(name).or_else(|| self.take("")).ok_or_else(|| {
            syn::Error::new(span, format!("`{rule}` needs an argument: `{rule}({name} = ..)`"))
        })
    }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// The text of a bound. A whole number is written as one here: by itself it would be an `i32`.
fn described_bound(bound: &Expr) -> TokenStream {
    let (sign, digits) = match bound {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => ("-", &**expr),
        _ => ("", bound),
    };
    match digits {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            let text = format!("{sign}{}", number.base10_digits());
            quote!(::std::string::String::from(#text))
        }
        _ => quote!(::std::string::ToString::to_string(&(#bound))),
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }))
}
