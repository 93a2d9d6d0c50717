//! What the macros emit, for one example each. `INSTA_UPDATE=always cargo test -p purlin-macros`
//! writes the files anew; the difference is for the reviewer.

use proc_macro2::TokenStream;
use quote::quote;

/// Compares an expansion with the file in `tests/golden`.
fn check(name: &str, expansion: syn::Result<TokenStream>) {
    let expansion = expansion.expect("the example is right");
    let file = syn::parse2(expansion).expect("what is emitted parses");
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../tests/golden");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings
    };
    settings.bind(|| insta::assert_snapshot!(name, prettyplease::unparse(&file)));
}

#[test]
fn component() {
    check(
        "component",
        crate::component::derive(quote! {
            #[shaku(interface = OrderService)]
            pub struct OrderServiceImpl {
                repo: Arc<dyn OrderRepo>,
                sql: Sqlite,
                #[component(default)]
                seen: AtomicU64,
            }
        }),
    );
}

#[test]
fn components() {
    check(
        "components",
        crate::components::expand(quote! {
            pub Orders { needs: [Sqlite], components: [SqliteOrderRepo, OrderServiceImpl] }
        }),
    );
}

#[test]
fn needs() {
    check(
        "needs",
        crate::needs::derive(quote! {
            pub struct State<T> {
                orders: Arc<dyn OrderService>,
                store: Option<Arc<T>>,
            }
        }),
    );
}

#[test]
fn service_error() {
    check(
        "service_error",
        crate::service_error::derive(quote! {
            pub enum OrderError {
                #[code(NotFound)]
                NotFound(OrderId),
                #[error(transparent)]
                #[code(with = purlin::sql::code)]
                Sql(#[from] sqlx::Error),
                #[error(transparent)]
                #[code(from)]
                Stock { source: StockError },
            }
        }),
    );
}

#[test]
fn config() {
    check(
        "config",
        crate::config::derive(quote! {
            /// How orders are taken.
            #[config(section = "orders", env_prefix = "ORD", check = OrdersConfig::check)]
            pub struct OrdersConfig {
                /// Largest amount that is taken without a review, in cents.
                #[config(default = 1_000_000, renamed_from = "limit")]
                #[validate(range(min = 1))]
                pub max_amount_cents: i64,
                #[config(default = Duration::from_secs(1), live)]
                #[validate(range(max = "1h", message = "more than an hour is too long"))]
                pub totals_every: Duration,
                #[config(env = "PARTNER_KEY", alias = "PARTNER_TOKEN", unset = "partner calls are off")]
                #[validate(custom(function = is_key))]
                pub partner_key: Option<Secret<String>>,
                #[config(default = ["a", "b"])]
                pub notify: Vec<String>,
                #[config(nested)]
                pub pool: PoolConfig,
            }
        }),
    );
}
