//! What is written in `components!`.

use std::collections::HashSet;

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::{
    Attribute, Ident, Token, Type, Visibility, braced, bracketed,
    parse::{Parse, ParseStream},
    token,
};

use crate::{
    component::shared,
    problems::{Problems, did_you_mean},
};

/// `pub Orders { needs: [..], components: [..] }`
pub(crate) struct Set {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) needs: Vec<Type>,
    pub(crate) components: Vec<Type>,
}

const KEYS: [&str; 2] = ["needs", "components"];
const SHAPE: &str = "a set is written `pub Orders { needs: [..], components: [..] }`";

// === impl Set ===

impl Parse for Set {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        if input.peek(Token![struct]) {
            return Err(input.error(format!("there is no `struct` here: {SHAPE}")));
        }
        let name: Ident = input.parse().map_err(|error| syn::Error::new(error.span(), SHAPE))?;
        let body;
        braced!(body in input);

        let mut problems = Problems::default();
        let (mut needs, mut components) = (None::<Vec<Type>>, None::<Vec<Type>>);
        while !body.is_empty() {
            let key: Ident = body.parse()?;
            let list = match key.to_string().as_str() {
                "needs" => &mut needs,
                "components" => &mut components,
                other => {
                    let hint = did_you_mean(other, &KEYS);
                    problems.at(
                        &key,
                        format!("a set has `needs` and `components`, but no `{other}`{hint}"),
                    );
                    skip_entry(&body)?;
                    continue;
                }
            };
            if list.is_some() {
                problems.at(&key, format!("`{key}` is there twice"));
            }
            if body.peek(Token![=]) {
                return Err(body.error("this is written with a colon: `needs: [..]`"));
            }
            body.parse::<Token![:]>()?;
            list.get_or_insert_default().extend(types(&body)?);
            if !body.is_empty() {
                body.parse::<Token![,]>()?;
            }
        }
        let needs: Vec<Type> = needs.unwrap_or_default().iter().map(provided).collect();
        match &components {
            None => problems.at(&name, format!("`{name}` has no `components: [..]`")),
            Some(none) if none.is_empty() => {
                problems.at(&name, format!("`{name}` is a set without components"));
            }
            Some(components) => check_components(components, &mut problems),
        }
        let components = components.unwrap_or_default();
        check_twice(&needs, "`needs`", &mut problems);
        check_twice(&components, "`components`", &mut problems);
        problems.check()?;
        Ok(Self { attributes, visibility, name, needs, components })
    }
}

fn types(body: ParseStream<'_>) -> syn::Result<Vec<Type>> {
    if !body.peek(token::Bracket) {
        return Err(body.error("a list of types is expected here: `[Clock, dyn Cache]`"));
    }
    let list;
    bracketed!(list in body);
    Ok(list.parse_terminated(Type::parse, Token![,])?.into_iter().collect())
}

/// `Arc<dyn Cache>` means what `dyn Cache` does.
fn provided(need: &Type) -> Type {
    shared(need).unwrap_or(need).clone()
}

fn check_components(components: &[Type], problems: &mut Problems) {
    for ty in components {
        if let Type::TraitObject(_) = ty {
            problems.at(
                ty,
                "a component is a struct: name the one that implements this trait, or move the \
                 trait to `needs: [..]` when a module of the app provides it",
            );
        }
    }
}

fn check_twice(types: &[Type], list: &str, problems: &mut Problems) {
    let mut seen = HashSet::new();
    for ty in types {
        if !seen.insert(ty) {
            problems.at(ty, format!("`{}` is in {list} twice", ty.to_token_stream()));
        }
    }
}

/// Goes on after the next comma.
fn skip_entry(body: ParseStream<'_>) -> syn::Result<()> {
    while !body.is_empty() {
        if let TokenTree::Punct(punct) = body.parse::<TokenTree>()?
            && punct.as_char() == ','
        {
            break;
        }
    }
    Ok(())
}
