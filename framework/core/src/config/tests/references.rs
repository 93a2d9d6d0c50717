//! `file:` and `vault:`.

use super::*;

struct Vault;

#[async_trait::async_trait]
impl Secrets for Vault {
    async fn resolve(&self, reference: &str) -> anyhow::Result<Secret<String>> {
        match reference {
            "vault:orders#key" => Ok(Secret::new("from-the-vault".to_owned())),
            "vault:orders#short" => Ok(Secret::new("short".to_owned())),
            _ => anyhow::bail!("there is no such path"),
        }
    }
}

fn key(settings: &Settings) -> String {
    orders(settings).partner_key.unwrap().expose().clone()
}

#[test]
fn a_file_is_read_without_its_last_newline() {
    let settings =
        Setup::new().file("key", "s3cret-key\n").var("ORDERS_PARTNER_KEY", "file:key").good();
    assert_eq!(key(&settings), "s3cret-key");
    let explained = settings.explain("orders.partner_key").unwrap().to_string();
    assert!(explained.starts_with("orders.partner_key = file:key\n"), "{explained}");
}

#[test]
fn a_file_that_is_missing_or_wrong_is_located() {
    let yaml = "orders:\n  partner_key: file:missing\n  totals_every: file:every\n";
    let problems = Setup::new().file("app.yaml", yaml).file("every", "s3cret").problems();
    assert_eq!(
        problems,
        "app.yaml:3:17 not a duration; write 500ms, 5s or 2m\n  3 │   totals_every: file:every\n    \
         │                 ^^^^^^^^^^\napp.yaml:2:16 cannot read the file `missing`: No such file or \
         directory (os error 2)"
    );
}

#[tokio::test]
async fn a_reference_waits_for_the_secrets_module() {
    let setup = |reference| Setup::new().var("ORDERS_PARTNER_KEY", reference);
    let settings = setup("vault:orders#key").good();
    let orders = &sections()[0];
    let references = settings.references(orders);
    assert_eq!(references.len(), 1);
    assert_eq!((references[0].scheme(), references[0].key()), ("vault", "orders.partner_key"));

    let unresolved = settings.read::<OrdersConfig>(orders).unwrap_err();
    assert_eq!(shown(&unresolved), "env ORDERS_PARTNER_KEY: vault:orders#key is not resolved yet");

    let resolved = settings.resolve(orders, &Vault).await.unwrap();
    assert_eq!(key(&resolved), "from-the-vault");
    assert!(resolved.references(orders).is_empty());
    assert!(!resolved.dump().contains("from-the-vault"));

    // The rules of such a field hold once its value is there.
    let short = setup("vault:orders#short").good().resolve(orders, &Vault).await.unwrap();
    let problems = short.read::<OrdersConfig>(orders).unwrap_err();
    assert_eq!(shown(&problems), "env ORDERS_PARTNER_KEY: must have a length of at least 8");

    let missing = setup("vault:nowhere").good().resolve(orders, &Vault).await.unwrap_err();
    assert_eq!(
        shown(&missing),
        "env ORDERS_PARTNER_KEY: cannot resolve vault:nowhere: there is no such path"
    );
}
