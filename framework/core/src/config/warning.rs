//! What is not wrong, and should be known.

use std::{collections::BTreeSet, net::SocketAddr};

/// Variables that are read by nobody and look like a misspelled one of ours.
///
/// An unknown variable is never an error: the environment belongs to everybody.
pub(super) fn near_names<'a>(
    names: impl IntoIterator<Item = String>,
    known: &'a BTreeSet<&'a str>,
) -> Vec<String> {
    let unknown = names.into_iter().filter(|name| !known.contains(name.as_str()));
    let unknown: BTreeSet<String> = unknown.collect();
    let near = |name: &str| {
        // Most names differ in length alone: only the others are worth a comparison.
        let length = name.chars().count();
        let candidates = known.iter().filter(|known| known.chars().count().abs_diff(length) <= 2);
        candidates
            .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
            // In a short name two other letters are another word: DB_HOST and DB_PORT.
            .filter(|(distance, candidate)| *distance <= 2 && distance * 4 <= candidate.len())
            .min()
    };
    unknown
        .iter()
        .filter_map(|name| {
            let (_, candidate) = near(name)?;
            Some(format!("env {name} is read by nobody; did you mean {candidate}?"))
        })
        .collect()
}

/// Whether a variable was put there by Kubernetes for a service whose name is our prefix:
/// `DB_PORT=tcp://10.0.0.1:5432`.
pub(super) fn is_service_link(name: &str, text: &str) -> bool {
    (name.ends_with("_PORT") || name.contains("_PORT_"))
        && ["tcp://", "udp://", "sctp://"]
            .iter()
            .filter_map(|scheme| text.strip_prefix(scheme))
            .any(|address| address.parse::<SocketAddr>().is_ok())
}

pub(super) fn service_link(name: &str, text: &str) -> String {
    format!(
        "env {name}={text} is a service link of Kubernetes and was ignored; set \
         `enableServiceLinks: false` in the pod"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_variable_is_told_from_another_word() {
        let known = BTreeSet::from(["ORDERS_MAX_AMOUNT_CENTS", "DB_HOST"]);
        let names = ["ORDERS_MAX_AMOUNT_CENT", "DB_PORT", "DB_HOST", "PATH", "DB_HOSTS"];
        assert_eq!(
            near_names(names.map(str::to_owned), &known),
            [
                "env DB_HOSTS is read by nobody; did you mean DB_HOST?",
                "env ORDERS_MAX_AMOUNT_CENT is read by nobody; did you mean ORDERS_MAX_AMOUNT_CENTS?",
            ]
        );
    }

    #[test]
    fn only_a_service_link_is_a_service_link() {
        assert!(is_service_link("DB_PORT", "tcp://10.0.0.1:9000"));
        assert!(is_service_link("DB_PORT", "udp://[fd00::1]:53"));
        assert!(!is_service_link("DB_PORT", "5432"));
        assert!(!is_service_link("DB_PORT", "tcp://db.internal:9000"));
        assert!(!is_service_link("BROKER_URL", "tcp://10.0.0.1:9000"));
    }
}
