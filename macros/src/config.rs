//! `derive(Config)`: a section of the configuration, read field by field.
//!
//! The attributes are parsed into plain data first (`attrs`, `rules`), collecting every mistake of
//! the struct, and only then turned into code, so that one compile shows all of them.

mod attrs;
mod rules;

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, spanned::Spanned as _};

use self::attrs::{Default, FieldAttrs, StructAttrs};

/// Collects errors, so that all of them are shown.
#[derive(std::default::Default)]
pub(super) struct Errors(Option<syn::Error>);

pub(crate) fn derive(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let mut errors = Errors::default();
    let struct_attrs = StructAttrs::parse(&input.attrs, &mut errors);
    let fields = fields(&input, &mut errors);
    errors.finish()?;
    Ok(expand(&input, &struct_attrs, &fields))
}

fn fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Vec<FieldAttrs<'a>> {
    if !input.generics.params.is_empty() {
        errors.push(syn::Error::new_spanned(
            &input.generics,
            "a section has no type parameters: its keys and variables are those of one type",
        ));
    }
    let named = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields,
            _ => {
                errors.push(syn::Error::new_spanned(
                    &input.ident,
                    "a section needs named fields, which are its keys",
                ));
                return Vec::new();
            }
        },
        _ => {
            errors.push(syn::Error::new_spanned(
                &input.ident,
                "only a struct with named fields is a section; derive `serde::Deserialize` for the \
                 type of a field",
            ));
            return Vec::new();
        }
    };
    named.named.iter().filter_map(|field| FieldAttrs::parse(field, errors)).collect()
}

fn expand(input: &DeriveInput, attrs: &StructAttrs, fields: &[FieldAttrs<'_>]) -> TokenStream {
    let ident = &input.ident;
    let doc = attrs::doc(&input.attrs);
    let doc = (!doc.is_empty()).then(|| quote!(.with_doc(#doc)));
    let section = attrs.section.iter().map(|name| quote!(.with_section(#name)));
    let prefix = attrs.env_prefix.iter().map(|prefix| quote!(.with_env_prefix(#prefix)));
    let schema = fields.iter().map(schema_of);
    let reads = fields.iter().map(read_of);
    // A local of its own, since a field may be called `reader`.
    let values = fields.iter().map(|field| {
        let (name, local) = (field.ident, local(field));
        quote!(#name: #local?)
    });
    // The type is written down, so that a path that is no such function is told at its own place.
    let check = attrs.check.iter().map(|check| {
        quote_spanned! {check.span()=>
            let check: fn(&Self) -> ::core::result::Result<
                (),
                ::purlin::__private::config::Conflict,
            > = #check;
            reader.together(check(&whole))?;
        }
    });
    quote! {
        #[automatically_derived]
        impl ::purlin::__private::config::Config for #ident {
            fn schema() -> ::purlin::__private::config::Schema {
                ::purlin::__private::config::Schema::new()
                    #doc #(#section)* #(#prefix)* #(#schema)*
            }

            fn read(
                reader: &mut ::purlin::__private::config::Reader<'_>,
            ) -> ::core::option::Option<Self> {
                // All fields are read before the first of them is asked for, so that each problem
                // is noted.
                #(#reads)*
                let whole = Self { #(#values),* };
                #(#check)*
                ::core::option::Option::Some(whole)
            }
        }
    }
}

fn schema_of(field: &FieldAttrs<'_>) -> TokenStream {
    let (name, ty) = (&field.name, field.ty);
    let new = if field.nested {
        quote!(::purlin::__private::config::Field::nested_of::<#ty>(#name))
    } else {
        quote!(::purlin::__private::config::Field::of::<#ty>(#name))
    };
    let doc = &field.doc;
    let doc = (!doc.is_empty()).then(|| quote!(.with_doc(#doc)));
    let default = field.default.as_ref().map(|default| {
        let default = default_of(default, ty);
        quote!(.with_default(#default))
    });
    let env = field.env.iter().map(|name| quote!(.with_env(#name)));
    let aliases = field.aliases.iter().map(|name| quote!(.with_alias(#name)));
    let live = field.live.then(|| quote!(.with_live()));
    let unset = field.unset.iter().map(|text| quote!(.with_unset(#text)));
    let renamed = field.renamed_from.iter().map(|name| quote!(.with_renamed_from(#name)));
    let rules = field.rules.iter().map(|rule| {
        let rule = rule.describe();
        quote!(.with_rule(#rule))
    });
    quote! {
        .with(#new #doc #default #(#env)* #(#aliases)* #live #(#unset)* #(#renamed)* #(#rules)*)
    }
}

fn default_of(default: &Default, ty: &syn::Type) -> TokenStream {
    let private = quote!(::purlin::__private::config::__private);
    match default {
        Default::Text(text) => quote! {
            #private::Default::Text(::std::string::String::from(#text))
        },
        Default::List(items) => quote! {
            #private::Default::List(::std::vec![#(::std::string::String::from(#items)),*])
        },
        Default::Computed(expr) => quote! {{
            use #private::{ShowDuration as _, ShowNothing as _, ShowSerialize as _};
            let value: #ty = #expr;
            (&&&#private::Show(&value)).shown()
        }},
    }
}

fn read_of(field: &FieldAttrs<'_>) -> TokenStream {
    let (name, ty, local) = (&field.name, field.ty, local(field));
    if field.nested {
        return quote!(let #local = reader.nested::<#ty>(#name););
    }
    let checks: Vec<_> =
        field.rules.iter().enumerate().map(|(index, rule)| rule.check(index, ty)).collect();
    let check = if checks.is_empty() {
        quote!(|_, _| {})
    } else {
        quote!(|value, verdict| { #(#checks)* })
    };
    match &field.default {
        Some(Default::Computed(expr)) => quote! {
            let #local = reader.field_or::<#ty>(#name, || #expr, #check);
        },
        _ => quote!(let #local = reader.field::<#ty>(#name, #check);),
    }
}

fn local(field: &FieldAttrs<'_>) -> syn::Ident {
    format_ident!("__{}", field.name)
}

// === impl Errors ===

impl Errors {
    pub(super) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value, or nothing and one more error.
    pub(super) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
