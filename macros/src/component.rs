//! `#[derive(Component)]`: a struct whose fields are injected.

mod field;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Data, DeriveInput, Ident, Type, spanned::Spanned};

pub(crate) use self::field::shared;
use self::field::{Field, Source};
use crate::problems::{Problems, did_you_mean};

pub(crate) fn derive(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let mut problems = Problems::default();
    let interface = interface(&input, &mut problems);
    for lifetime in input.generics.lifetimes() {
        problems.at(lifetime, "a component lives as long as the application: it cannot borrow");
    }
    let fields: Vec<_> = match &input.data {
        Data::Struct(data) => {
            let fields = data.fields.members().zip(&data.fields);
            fields.map(|(member, field)| Field::read(member, field, &mut problems)).collect()
        }
        _ => {
            problems.at(&input.ident, "a component is a struct, each field of which is injected");
            Vec::new()
        }
    };
    match problems.check() {
        Ok(()) => Ok(expand(&input, &interface, &fields)),
        Err(problems) if input.generics.lifetimes().next().is_some() => Err(problems),
        Err(problems) => {
            // A component that nothing is known about, so that its set does not fail as well.
            let interface = if interface.is_empty() { quote!(Self) } else { interface };
            let stand_in =
                implementations(&input, &interface, &[], &quote!(::core::unreachable!()));
            Ok([problems.into_compile_error(), stand_in].into_iter().collect())
        }
    }
}

fn expand(input: &DeriveInput, interface: &TokenStream, fields: &[Field]) -> TokenStream {
    let component = quote!(::purlin::__private::component);
    let shaku = quote!(::purlin::__private::shaku);
    let values = fields.iter().map(|field| {
        let member = &field.member;
        let value = match &field.source {
            Source::Shared(ty) => {
                quote!(<__M as #shaku::HasComponent<#ty>>::build_component(cx))
            }
            Source::Cloned(ty) => {
                let shared = quote!(<__M as #shaku::HasComponent<#ty>>::build_component(cx));
                quote_spanned!(ty.span()=> #component::hand_out::<#ty>(#shared))
            }
            Source::Default(Some(value)) => quote!(#value),
            Source::Default(None) => {
                let ty = &field.ty;
                quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default())
            }
        };
        quote!(#member: #value)
    });
    let value = quote!(Self { #(#values),* });
    // The span of the interface, for it may be that the struct does not implement it.
    let value = quote_spanned!(interface.span()=> ::std::boxed::Box::new(#value));
    implementations(input, interface, fields, &value)
}

fn implementations(
    input: &DeriveInput,
    interface: &TokenStream,
    fields: &[Field],
    value: &TokenStream,
) -> TokenStream {
    let name = &input.ident;
    let component = quote!(::purlin::__private::component);
    let shaku = quote!(::purlin::__private::shaku);
    let (impl_generics, type_generics, clause) = input.generics.split_for_impl();
    let is_cloned = |field: &Field| matches!(field.source, Source::Cloned(_));
    let by_arc = fields.iter().any(is_cloned).then(|| {
        quote! {
            #[allow(unused_imports, reason = "only some types are injected through their `Arc`")]
            use #component::ByArc as _;
        }
    });
    let is_injected = fields.iter().any(|field| field.injected().is_some());
    let (out, cx) = if is_injected { (quote!(out), quote!(cx)) } else { (quote!(_), quote!(_)) };
    let needs = fields.iter().filter_map(|field| match &field.source {
        Source::Shared(_) => {
            let ty = &field.ty;
            Some(quote!(<#ty as ::purlin::__private::needs::Needs>::needs(out);))
        }
        Source::Cloned(ty) => {
            Some(quote_spanned!(ty.span()=> #component::Probe::<#ty>::needs(out);))
        }
        Source::Default(_) => None,
    });

    let mut in_module = input.generics.clone();
    in_module.params.push(syn::parse_quote!(__M));
    let clause_in_module = in_module.make_where_clause();
    clause_in_module.predicates.push(syn::parse_quote!(__M: #shaku::Module));
    for injected in fields.iter().filter_map(Field::injected) {
        clause_in_module.predicates.push(syn::parse_quote!(__M: #shaku::HasComponent<#injected>));
    }
    let (impl_in_module, _, clause_in_module) = in_module.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #component::Component for #name #type_generics #clause {
            type Interface = #interface;

            fn needs(#out: &mut ::std::vec::Vec<::purlin::__private::needs::Need>) {
                #by_arc
                #(#needs)*
            }
        }

        #[automatically_derived]
        impl #impl_in_module #shaku::Component<__M> for #name #type_generics #clause_in_module {
            type Interface = #interface;
            type Parameters = ();

            fn build(
                #cx: &mut #shaku::ModuleBuildContext<__M>,
                (): (),
            ) -> ::std::boxed::Box<#interface> {
                #value
            }
        }
    }
}

/// The interface, from `#[shaku(interface = Trait)]`. Where there is none, there is a problem too.
fn interface(input: &DeriveInput, problems: &mut Problems) -> TokenStream {
    let mut interface = None;
    for attribute in input.attrs.iter().filter(|attribute| is_ours(attribute)) {
        let read = attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("interface") {
                let word = name(&meta.path);
                let hint = did_you_mean(&word, &["interface"]);
                return Err(meta.error(format!(
                    "a component is given by `interface = Trait`, not by `{word}`{hint}"
                )));
            }
            let ty: Type = meta.value()?.parse()?;
            if interface.is_some() {
                return Err(meta.error("a component has one interface: write a second component, or one trait above both"));
            }
            interface = Some(match &ty {
                Type::TraitObject(_) => quote!(#ty),
                _ => quote_spanned!(ty.span()=> dyn #ty),
            });
            Ok(())
        });
        problems.take(read);
    }
    let unreadable = || input.attrs.iter().any(is_ours);
    if interface.is_none() && !unreadable() {
        problems.at(
            &input.ident,
            format!("what is `{}` given as? Add `#[shaku(interface = Trait)]`", input.ident),
        );
    }
    interface.unwrap_or_default()
}

/// Both spellings mean the same.
fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("shaku") || attribute.path().is_ident("component")
}

fn name(path: &syn::Path) -> String {
    path.get_ident().map_or_else(|| quote!(#path).to_string(), Ident::to_string)
}
