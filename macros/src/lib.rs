//! The derives and macros of Purlin. Users meet them through the facade, `purlin`.
//!
//! Each entry point is thin: the work is done by a function over [`proc_macro2::TokenStream`] in a
//! file of its own, which reports *all* problems of its input at their spans. Everything that is
//! emitted names `::purlin::__private`, so a crate needs no other dependency than `purlin`; a module
//! crate, which depends on `purlin-core` alone, writes `extern crate purlin_core as purlin;`.

mod component;
mod components;
mod config;
mod needs;
mod problems;
mod service_error;

#[cfg(test)]
mod golden;

use proc_macro::TokenStream;

/// Derives `purlin::Config`: a section of the configuration, read field by field.
#[proc_macro_derive(Config, attributes(config, validate, serde))]
pub fn derive_config(input: TokenStream) -> TokenStream {
    expand(config::derive, input)
}

/// Derives a component: a struct whose fields are injected and which is given as its interface.
#[proc_macro_derive(Component, attributes(shaku, component))]
pub fn derive_component(input: TokenStream) -> TokenStream {
    expand(component::derive, input)
}

/// Declares a set of components that are wired with each other at compile time.
#[proc_macro]
pub fn components(input: TokenStream) -> TokenStream {
    expand(components::expand, input)
}

/// Derives `purlin::ServiceError`: one canonical code for each variant, mapped for every transport.
#[proc_macro_derive(ServiceError, attributes(code))]
pub fn derive_service_error(input: TokenStream) -> TokenStream {
    expand(service_error::derive, input)
}

/// Derives `purlin::Needs` for a struct whose fields are needs themselves.
#[proc_macro_derive(Needs)]
pub fn derive_needs(input: TokenStream) -> TokenStream {
    expand(needs::derive, input)
}

fn expand(
    work: fn(proc_macro2::TokenStream) -> syn::Result<proc_macro2::TokenStream>,
    input: TokenStream,
) -> TokenStream {
    work(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
