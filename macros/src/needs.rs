//! `#[derive(Needs)]`: a struct whose fields are needs.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Member, spanned::Spanned};

use crate::problems::Problems;

pub(crate) fn derive(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let mut problems = Problems::default();
    let fields: Vec<_> = match &input.data {
        Data::Struct(data) => {
            data.fields.members().zip(data.fields.iter().map(|field| &field.ty)).collect()
        }
        _ => {
            problems
                .at(&input.ident, "`Needs` is derived for a struct, each field of which is a need");
            Vec::new()
        }
    };
    for lifetime in input.generics.lifetimes() {
        problems
            .at(lifetime, "what is injected lives as long as the application: it cannot borrow");
    }
    problems.check()?;

    let name = &input.ident;
    let mut generics = input.generics.clone();
    if !generics.params.is_empty() {
        let types = fields.iter().map(|(_, ty)| ty);
        let clause = generics.make_where_clause();
        clause.predicates.push(syn::parse_quote!(Self: ::core::marker::Send + 'static));
        clause.predicates.extend(types.map(|ty| -> syn::WherePredicate {
            syn::parse_quote!(#ty: ::purlin::__private::needs::Needs)
        }));
    }
    let (impl_generics, type_generics, clause) = generics.split_for_impl();
    let needs = fields.iter().map(|(_, ty)| {
        quote_spanned!(ty.span()=> <#ty as ::purlin::__private::needs::Needs>::needs(out);)
    });
    let takes = fields.iter().map(|(member, ty): &(Member, _)| {
        let take =
            quote_spanned!(ty.span()=> <#ty as ::purlin::__private::needs::Needs>::take(from)?);
        quote!(#member: #take)
    });
    let (out, from) = match fields.is_empty() {
        true => (quote!(_), quote!(_)),
        false => (quote!(out), quote!(from)),
    };
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::purlin::__private::needs::Needs for #name #type_generics #clause {
            fn needs(#out: &mut ::std::vec::Vec<::purlin::__private::needs::Need>) {
                #(#needs)*
            }

            fn take(
                #from: &::purlin::__private::registry::Resolver<'_>,
            ) -> ::core::result::Result<Self, ::purlin::__private::needs::Missing> {
                ::core::result::Result::Ok(Self { #(#takes),* })
            }
        }
    })
}
