//! One field of a component.

use syn::{Expr, GenericArgument, Member, PathArguments, Token, Type, meta::ParseNestedMeta};

use super::{is_ours, name};
use crate::problems::{Problems, did_you_mean};

/// A field, and where its value comes from.
pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) ty: Type,
    pub(crate) source: Source,
}

/// Where the value of a field comes from.
pub(crate) enum Source {
    /// The field is an `Arc` of this type.
    Shared(Type),
    /// The field is of this type, and is cloned out of its `Arc`.
    Cloned(Type),
    /// The field is not injected.
    Default(Option<Expr>),
}

/// What is written in the attributes of a field.
#[derive(Default)]
struct Written {
    inject: bool,
    default: Option<Option<Expr>>,
}

/// The `T` of an `Arc<T>`.
pub(crate) fn shared(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Arc")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match (arguments.args.first()?, arguments.args.len()) {
        (GenericArgument::Type(ty), 1) => Some(ty),
        _ => None,
    }
}

// === impl Field ===

impl Field {
    pub(super) fn read(member: Member, field: &syn::Field, problems: &mut Problems) -> Self {
        let mut written = Written::default();
        for attribute in field.attrs.iter().filter(|attribute| is_ours(attribute)) {
            problems.take(attribute.parse_nested_meta(|meta| written.read(&meta)));
        }
        let ty = field.ty.clone();
        let source = match (written.default, shared(&ty)) {
            (Some(default), _) => Source::Default(default),
            (None, Some(shared)) => Source::Shared(shared.clone()),
            (None, None) => Source::Cloned(ty.clone()),
        };
        Self { member, ty, source }
    }

    /// What a set must provide for this field.
    pub(super) fn injected(&self) -> Option<&Type> {
        match &self.source {
            Source::Shared(ty) | Source::Cloned(ty) => Some(ty),
            Source::Default(_) => None,
        }
    }
}

// === impl Written ===

impl Written {
    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let word = name(&meta.path);
        match word.as_str() {
            "inject" => self.inject = true,
            "default" if meta.input.peek(Token![=]) => {
                self.default = Some(Some(meta.value()?.parse()?));
            }
            "default" | "force_default" => self.default = Some(None),
            "provide" => {
                return Err(meta.error(
                    "there are no providers: inject a component with a method that makes the \
                     value, and call it for each use",
                ));
            }
            "no_default" | "parameter" => {
                return Err(meta.error(
                    "there are no parameters: inject the configuration, as `Arc<OrdersConfig>`",
                ));
            }
            "key" | "keyed" | "ordered" => {
                return Err(meta.error(
                    "there are no keyed components: several of one type are `Named<N, T>`, and all \
                     that are given are `Vec<Arc<T>>`",
                ));
            }
            _ => {
                let hint = did_you_mean(&word, &["default", "inject"]);
                return Err(meta.error(format!(
                    "a field is injected, or has `default` or `default = expression`, but no \
                     `{word}`{hint}"
                )));
            }
        }
        if self.inject && self.default.is_some() {
            return Err(meta.error("a field is injected, or has a default, but not both"));
        }
        Ok(())
    }
}
