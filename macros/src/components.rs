//! `components!`: a set of components, wired at compile time.

mod input;

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Ident, Type, spanned::Spanned};

use self::input::Set;

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let set: Set = syn::parse2(input)?;
    let items = [set.structure(), set.shaku(), set.wires(), set.component_set()];
    Ok(items.into_iter().collect())
}

// === impl Set ===

impl Set {
    /// The struct: what was needed, if it was given, and what was built.
    fn structure(&self) -> TokenStream {
        let Self { attributes, visibility, name, needs, components } = self;
        let needed = needs.iter().enumerate().map(|(at, need)| {
            let field = need_field(at);
            quote_spanned!(need.span()=> #field: ::core::option::Option<::std::sync::Arc<#need>>,)
        });
        let built = components.iter().enumerate().map(|(at, ty)| {
            let (field, interface) = (component_field(at), interface(ty));
            quote_spanned!(ty.span()=> #field: ::std::sync::Arc<#interface>,)
        });
        let docs = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        let docs = (!docs).then(|| {
            let names: Vec<_> = components.iter().map(|ty| format!("`{}`", display(ty))).collect();
            let text = format!(" The components {}.", names.join(", "));
            let text = Literal::string(&text);
            quote!(#[doc = #text])
        });
        quote! {
            #docs
            #(#attributes)*
            #visibility struct #name {
                #(#needed)*
                #(#built)*
            }

            #[automatically_derived]
            impl ::core::fmt::Debug for #name {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct(::core::stringify!(#name)).finish_non_exhaustive()
                }
            }
        }
    }

    /// What shaku asks for. `Wires` stands behind `HasComponent`, so that what is missing or is there
    /// twice is one error.
    fn shaku(&self) -> TokenStream {
        let Self { name, needs, components, .. } = self;
        let shaku = quote!(::purlin::__private::shaku);
        let component = quote!(::purlin::__private::component);
        let component_fields: Vec<_> = (0..components.len()).map(component_field).collect();
        let built = components.iter().map(|ty| {
            let (component, interface) = (self::component(ty), interface(ty));
            quote_spanned!(ty.span()=> <Self as #component::Wires<#interface>>::wire(&mut cx))
        });
        let need_fields = (0..needs.len()).map(need_field);
        let needed = needs.iter().map(|need| {
            let component = self::component(need);
            quote_spanned!(need.span()=> #component::Wiring::get::<#need>(cx.submodules()))
        });
        quote! {
            #[automatically_derived]
            impl #shaku::Module for #name {
                type Submodules = #component::Wiring;

                fn build(mut cx: #shaku::ModuleBuildContext<Self>) -> Self {
                    #(let #component_fields = #built;)*
                    Self { #(#need_fields: #needed,)* #(#component_fields,)* }
                }
            }

            #[automatically_derived]
            impl<__I> #shaku::HasComponent<__I> for #name
            where
                __I: #shaku::Interface + ?::core::marker::Sized,
                Self: #component::Wires<__I>,
            {
                fn build_component(
                    cx: &mut #shaku::ModuleBuildContext<Self>,
                ) -> ::std::sync::Arc<__I> {
                    <Self as #component::Wires<__I>>::wire(cx)
                }

                fn resolve(&self) -> ::std::sync::Arc<__I> {
                    ::core::clone::Clone::clone(<Self as #component::Wires<__I>>::wired(self))
                }

                fn resolve_ref(&self) -> &__I {
                    <Self as #component::Wires<__I>>::wired(self)
                }
            }
        }
    }

    /// How each need and each interface is met. All of it has the span of what is written, so that
    /// the compiler points there.
    fn wires(&self) -> TokenStream {
        let needs = self.needs.iter().enumerate().map(|(at, need)| {
            let (component, field) = (component(need), need_field(at));
            let wire = quote_spanned!(need.span()=> #component::need::<#need, Self>(cx));
            let wired = quote_spanned!(need.span()=> #component::needed(&self.#field));
            self.wires_one(need, &need.to_token_stream(), &wire, &wired)
        });
        let components = self.components.iter().enumerate().map(|(at, ty)| {
            let (component, field) = (component(ty), component_field(at));
            let wire = quote_spanned!(ty.span()=> #component::construct::<#ty, Self>(cx));
            let wired = quote_spanned!(ty.span()=> &self.#field);
            self.wires_one(ty, &interface(ty), &wire, &wired)
        });
        needs.chain(components).collect()
    }

    fn wires_one(
        &self,
        written: &Type,
        provided: &TokenStream,
        wire: &TokenStream,
        wired: &TokenStream,
    ) -> TokenStream {
        let name = Ident::new(&self.name.to_string(), written.span());
        let component = component(written);
        quote_spanned! {written.span()=>
            #[automatically_derived]
            #[allow(private_interfaces, reason = "a set may be more visible than its components")]
            impl #component::Wires<#provided> for #name {
                fn wire(
                    cx: &mut ::purlin::__private::shaku::ModuleBuildContext<Self>,
                ) -> ::std::sync::Arc<#provided> {
                    #wire
                }

                fn wired(&self) -> &::std::sync::Arc<#provided> {
                    #wired
                }
            }
        }
    }

    /// What the engine asks for.
    fn component_set(&self) -> TokenStream {
        let Self { name, needs, components, .. } = self;
        let component = quote!(::purlin::__private::component);
        let declared_needs = needs.iter().map(|need| {
            let component = self::component(need);
            quote_spanned! {need.span()=>
                set.need::<#need>(#component::Probe::<#need>::needs, #component::Probe::<#need>::take);
            }
        });
        let declared_components =
            components.iter().map(|ty| quote_spanned!(ty.span()=> set.component::<#ty>();));
        let by_arc = (!needs.is_empty()).then(|| {
            quote! {
                #[allow(unused_imports, reason = "only some types are injected through their `Arc`")]
                use #component::ByArc as _;
            }
        });
        let fields = (0..components.len()).map(component_field);
        quote! {
            #[automatically_derived]
            impl #component::ComponentSet for #name {
                fn declare(set: &mut #component::Declaration) {
                    #by_arc
                    #(#declared_needs)*
                    #(#declared_components)*
                }

                fn give(&self, out: &mut ::purlin::__private::registry::Outputs) {
                    #(out.one(::core::clone::Clone::clone(&self.#fields));)*
                }
            }
        }
    }
}

fn need_field(at: usize) -> Ident {
    format_ident!("need_{at}")
}

fn component_field(at: usize) -> Ident {
    format_ident!("component_{at}")
}

/// The path of the core's `component` module, with the span of `written`.
fn component(written: &Type) -> TokenStream {
    quote_spanned!(written.span()=> ::purlin::__private::component)
}

/// What a component is given as.
fn interface(ty: &Type) -> TokenStream {
    quote_spanned!(ty.span()=> <#ty as ::purlin::__private::component::Component>::Interface)
}

/// A type as people write it.
fn display(ty: &Type) -> String {
    ty.to_token_stream().to_string().replace(" :: ", "::").replace(" < ", "<").replace(" >", ">")
}
