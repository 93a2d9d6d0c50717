//! `#[derive(ServiceError)]`: a canonical code for each variant.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, Field, Fields, Ident, Member, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use crate::problems::{Problems, did_you_mean};

/// The codes that an error may have; those of `purlin::error::Code`.
const CODES: [&str; 16] = [
    "Cancelled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// What `#[code(..)]` says.
enum Code {
    /// `NotFound`
    Is(Ident),
    /// `with = path::to::function`
    With(Expr),
    /// `from`
    From(Ident),
}

pub(crate) fn derive(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let mut problems = Problems::default();
    let mut arms = Vec::new();
    let mut details = Vec::new();
    let known = known(&input.data, &input.attrs);
    match &input.data {
        Data::Struct(data) => {
            let arm = arm(quote!(Self), &input.ident, &input.attrs, &data.fields, &mut problems);
            arms.extend(arm);
            details.extend(detail(quote!(Self), &input.attrs, &data.fields));
        }
        Data::Enum(data) => {
            for attribute in codes(&input.attrs) {
                problems.at(attribute, "`#[code(..)]` is written on each variant, not on the enum");
            }
            for variant in &data.variants {
                let name = &variant.ident;
                let pattern = quote!(Self::#name);
                let (attributes, fields) = (&variant.attrs, &variant.fields);
                details.extend(detail(pattern.clone(), attributes, fields));
                arms.extend(arm(pattern, name, attributes, fields, &mut problems));
            }
        }
        Data::Union(_) => problems.at(&input.ident, "a union cannot be a `ServiceError`"),
    }
    problems.check()?;

    let name = &input.ident;
    let (impl_generics, type_generics, clause) = input.generics.split_for_impl();
    let body = match arms.is_empty() {
        true => quote!(match *self {}),
        false => quote!(match self { #(#arms)* }),
    };
    let detail = (!details.is_empty()).then(|| {
        quote! {
            fn detail(&self) -> ::core::option::Option<::std::string::String> {
                match self {
                    #(#details)*
                    #[allow(unreachable_patterns)]
                    _ => (!::purlin::__private::error::ServiceError::code(self).is_internal())
                        .then(|| ::std::string::ToString::to_string(self)),
                }
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::purlin::__private::error::ServiceError for #name #type_generics #clause {
            fn code(&self) -> ::purlin::__private::error::Code {
                #body
            }

            #detail

            fn codes() -> ::std::vec::Vec<::purlin::__private::error::Code> {
                #known
            }
        }

        ::purlin::__private::service_error_transports!([#impl_generics] [#name #type_generics] [#clause]);
    })
}

/// The codes that are known without a value. What is wrong with them is reported by [`arm`].
fn known(data: &Data, attributes: &[Attribute]) -> TokenStream {
    let private = quote!(::purlin::__private::error);
    let variants: Vec<_> = match data {
        Data::Struct(data) => vec![(attributes, &data.fields)],
        Data::Enum(data) => data.variants.iter().map(|it| (&*it.attrs, &it.fields)).collect(),
        Data::Union(_) => Vec::new(),
    };
    let codes = variants.into_iter().filter_map(|(attributes, fields)| {
        let attribute = codes(attributes).next()?;
        match attribute.parse_args().ok()? {
            Code::Is(code) => Some(quote!(codes.push(#private::Code::#code);)),
            Code::With(_) => None,
            Code::From(_) => {
                let member = inner(fields, attribute).ok()?;
                let (_, field) = fields.members().zip(fields).find(|(it, _)| *it == member)?;
                let ty = &field.ty;
                Some(quote!(codes.extend(<#ty as #private::ServiceError>::codes());))
            }
        }
    });
    let codes: Vec<_> = codes.collect();
    if codes.is_empty() {
        return quote!(::std::vec::Vec::new());
    }
    quote! {
        let mut codes = ::std::vec::Vec::new();
        #(#codes)*
        codes
    }
}

/// The arm of one variant, or of the struct.
fn arm(
    pattern: TokenStream,
    name: &Ident,
    attributes: &[Attribute],
    fields: &Fields,
    problems: &mut Problems,
) -> Option<TokenStream> {
    let mut found = codes(attributes);
    let Some(attribute) = found.next() else {
        problems.at(
            name,
            format!(
                "`{name}` has no code: add `#[code(NotFound)]` or another one, \
                     `#[code(with = function)]`, or `#[code(from)]`"
            ),
        );
        return None;
    };
    for second in found {
        problems.at(second, format!("`{name}` has a code already"));
    }
    let private = quote!(::purlin::__private::error);
    match problems.take(attribute.parse_args())? {
        Code::Is(code) => Some(quote!(#pattern { .. } => #private::Code::#code,)),
        Code::With(function) => {
            let member = problems.take(inner(fields, attribute))?;
            let call = quote_spanned!(function.span()=> (#function)(inner));
            Some(quote!(#pattern { #member: inner, .. } => #call,))
        }
        Code::From(from) => {
            let member = problems.take(inner(fields, attribute))?;
            let call = quote_spanned!(from.span()=> #private::ServiceError::code(inner));
            Some(quote!(#pattern { #member: inner, .. } => #call,))
        }
    }
}

/// What callers are told of a variant, or of the struct, whose words are those of its source. Where
/// the code is wrong, which [`arm`] reports, there is none.
fn detail(pattern: TokenStream, attributes: &[Attribute], fields: &Fields) -> Option<TokenStream> {
    let is_transparent = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("error"))
        .any(|attribute| attribute.parse_args::<Ident>().is_ok_and(|it| it == "transparent"));
    if !is_transparent {
        return None;
    }
    let attribute = codes(attributes).next()?;
    match attribute.parse_args().ok()? {
        Code::From(from) => {
            let member = inner(fields, attribute).ok()?;
            let private = quote!(::purlin::__private::error);
            let call = quote_spanned!(from.span()=> #private::ServiceError::detail(inner));
            Some(quote!(#pattern { #member: inner, .. } => #call,))
        }
        Code::Is(_) | Code::With(_) => {
            Some(quote!(#pattern { .. } => ::core::option::Option::None,))
        }
    }
}

fn codes(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("code"))
}

/// The field that a code is taken from: the only one, or the source of the error.
fn inner(fields: &Fields, attribute: &Attribute) -> syn::Result<Member> {
    let is_source = |field: &Field| {
        field.ident.as_ref().is_some_and(|name| name == "source")
            || field.attrs.iter().any(|attribute| {
                attribute.path().is_ident("from") || attribute.path().is_ident("source")
            })
    };
    let members: Vec<_> = fields.members().zip(fields).collect();
    let mut sources = members.iter().filter(|(_, field)| members.len() == 1 || is_source(field));
    match (sources.next(), sources.next()) {
        (Some((member, _)), None) => Ok(member.clone()),
        _ => Err(Error::new_spanned(
            attribute,
            "such a code is taken from the one field, or from the field with `#[source]` or \
             `#[from]`, and there is none",
        )),
    }
}

// === impl Code ===

impl Parse for Code {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let word = input.call(Ident::parse_any)?;
        let code = match word.to_string().as_str() {
            "with" => {
                input.parse::<Token![=]>()?;
                Self::With(input.parse()?)
            }
            "from" => Self::From(word),
            name if CODES.contains(&name) => Self::Is(word),
            name => {
                let hint = did_you_mean(name, &CODES);
                let codes = CODES.join(", ");
                return Err(Error::new_spanned(
                    word,
                    format!(
                        "there is no code `{name}`{hint}\nthe codes are {codes}; or write \
                             `with = function` or `from`"
                    ),
                ));
            }
        };
        if input.is_empty() {
            return Ok(code);
        }
        let rest: TokenStream = input.parse()?;
        Err(Error::new_spanned(rest.into_token_stream(), "an error has one code"))
    }
}
