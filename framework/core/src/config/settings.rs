//! All layers of a configuration, read and waiting to be asked.

use std::{collections::BTreeMap, fmt, net::IpAddr, ops::Range, path::PathBuf, sync::Arc};

use serde::de::DeserializeOwned;

use super::{
    Config, Inputs, Leaf, Problem, Reader, Reference, Secret, Secrets, Section,
    layer::{Candidate, Layer},
    listen, load,
    origin::{Origin, Source},
    reference, unknown,
    value::{Data, Scalar, Value},
};

/// The configuration of an application: all layers, side by side.
///
/// It is a cheap handle. See the [module](super) for an example.
#[derive(Clone)]
pub struct Settings {
    inner: Arc<Inner>,
    /// What references of the secrets module stand for, by key.
    resolved: Arc<BTreeMap<String, Secret<String>>>,
}

struct Inner {
    sections: Vec<Section>,
    layers: Vec<Layer>,
    files: Vec<Arc<Source>>,
    profile: String,
    warnings: Vec<String>,
    base_dir: PathBuf,
    default_host: IpAddr,
    hermetic: bool,
}

/// The value of one field, and where it comes from.
pub(crate) struct Setting<T> {
    pub(crate) key: String,
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// What the strongest layer says of a field.
pub(super) enum Found {
    Absent,
    /// A value; `hidden` when it came through a reference and must not be shown.
    Value {
        value: Value,
        hidden: bool,
    },
    Open(Reference),
    Bad(Problem),
}

// === impl Settings ===

impl Settings {
    /// Reads all layers, and finds what is wrong with them as a whole: files that cannot be read or
    /// parsed, keys that nothing reads, placeholders that cannot be filled in, two sections of one
    /// name. What is wrong with single values is found by [`check`](Self::check) and
    /// [`read`](Self::read).
    pub fn load(inputs: Inputs, sections: &[Section]) -> (Self, Vec<Problem>) {
        let loaded = load::load(&inputs, sections);
        let inner = Inner {
            sections: sections.to_vec(),
            layers: loaded.layers,
            files: loaded.files,
            profile: loaded.profile,
            warnings: loaded.warnings,
            default_host: listen::default_host(inputs.env.in_container()),
            base_dir: inputs.base_dir,
            hermetic: inputs.hermetic,
        };
        (Self { inner: Arc::new(inner), resolved: Arc::default() }, loaded.problems)
    }

    /// The defaults alone, without a file or a variable. See [`Inputs::hermetic`].
    pub fn defaults(sections: &[Section]) -> (Self, Vec<Problem>) {
        Self::load(Inputs::hermetic(), sections)
    }

    /// Reads a section.
    ///
    /// # Errors
    /// Everything that is wrong with its fields, references that are still open included.
    pub fn read<C: Config>(&self, section: &Section) -> Result<C, Vec<Problem>> {
        let mut reader = Reader::new(self, section, false);
        let read = C::read(&mut reader);
        let problems = reader.into_problems();
        match read {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }

    /// Finds everything that is wrong with the values of all sections that are not disabled. Fields
    /// whose reference is still open are passed over.
    pub fn check(&self) -> Vec<Problem> {
        self.check_where(|_| true)
    }

    /// The same of some sections.
    pub(crate) fn check_where(&self, wanted: impl Fn(&Section) -> bool) -> Vec<Problem> {
        let enabled = |section: &&Section| self.disabled(section).is_none() && wanted(section);
        let sections = self.inner.sections.iter().filter(enabled);
        sections.flat_map(|section| section.check(Reader::new(self, section, true))).collect()
    }

    /// Reads one field. `None` where there is no such field, nothing sets it, or its value is wrong,
    /// which [`check`](Self::check) tells.
    pub(crate) fn setting<T: DeserializeOwned>(&self, key: &str) -> Option<Setting<T>> {
        let leaf = self.leaves().find(|leaf| leaf.key() == key)?;
        let Candidate { origin, value } = self.candidates(leaf).pop()?;
        let value = match self.find(leaf) {
            Found::Value { value, .. } => value,
            // A default that is computed is read from how it is shown.
            Found::Absent => value,
            Found::Open(_) | Found::Bad(_) => return None,
        };
        let value = super::de::read::<Option<T>>(&value, self.inner.default_host).ok()??;
        Some(Setting { key: key.to_owned(), value, origin })
    }

    /// Where the value of a field comes from, if it has one.
    pub(crate) fn origin(&self, key: &str) -> Option<Origin> {
        let leaf = self.leaves().find(|leaf| leaf.key() == key)?;
        self.candidates(leaf).pop().map(|candidate| candidate.origin)
    }

    /// Where `enabled: false` is set for a section, if it is.
    pub fn disabled(&self, section: &Section) -> Option<Origin> {
        let leaf = section.leaf(&["enabled"])?;
        let candidate = self.candidates(leaf).pop()?;
        let enabled: bool = super::de::read(&candidate.value, self.inner.default_host).ok()?;
        (!enabled).then_some(candidate.origin)
    }

    /// The profile: `dev`, `prod`, or a name of the user's choice.
    pub fn profile(&self) -> &str {
        &self.inner.profile
    }

    /// The sections, as they were given to [`load`](Self::load).
    pub fn sections(&self) -> &[Section] {
        &self.inner.sections
    }

    /// Where values come from, for the first line of the start report: `app.yaml, 2 variables`.
    pub fn sources(&self) -> String {
        let mut parts: Vec<_> =
            self.inner.files.iter().map(|source| source.name().to_owned()).collect();
        let (mut variables, mut set) = (0, 0);
        for origin in self.leaves().flat_map(|leaf| self.candidates(leaf)).map(|c| c.origin) {
            match origin {
                Origin::Variable(_) => variables += 1,
                Origin::Flag | Origin::Code => set += 1,
                _ => {}
            }
        }
        for (count, one, many) in
            [(variables, "variable", "variables"), (set, "value set", "values set")]
        {
            match count {
                0 => {}
                1 => parts.push(format!("1 {one}")),
                count => parts.push(format!("{count} {many}")),
            }
        }
        if parts.is_empty() { "defaults".to_owned() } else { parts.join(", ") }
    }

    /// What is not wrong, and should be known: values whose absence has a consequence, variables
    /// that look misspelled, service links that were ignored.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.inner.warnings.clone();
        if !self.inner.hermetic {
            let enabled = |section: &&Section| self.disabled(section).is_none();
            for leaf in self.inner.sections.iter().filter(enabled).flat_map(Section::leaves) {
                if let (Some(consequence), Found::Absent) = (leaf.field().unset(), self.find(leaf))
                {
                    warnings.push(format!("{} is not set: {consequence}", leaf.key()));
                }
            }
        }
        warnings
    }

    /// The references of a section that wait for the secrets module.
    pub fn references(&self, section: &Section) -> Vec<Reference> {
        let open = |leaf| match self.find(leaf) {
            Found::Open(reference) => Some(reference),
            _ => None,
        };
        section.leaves().iter().filter_map(open).collect()
    }

    /// Looks up the references of a section, and returns settings that know what they stand for.
    ///
    /// # Errors
    /// Every reference that cannot be looked up.
    pub async fn resolve(
        &self,
        section: &Section,
        secrets: &dyn Secrets,
    ) -> Result<Self, Vec<Problem>> {
        let mut resolved = (*self.resolved).clone();
        let mut problems = Vec::new();
        for reference in self.references(section) {
            match secrets.resolve(reference.text()).await {
                Ok(secret) => {
                    resolved.insert(reference.key, secret);
                }
                Err(error) => {
                    let message = format!("cannot resolve {}: {error:#}", reference.text());
                    problems.push(Problem::new(message).key_is(reference.key).at(reference.origin));
                }
            }
        }
        if problems.is_empty() {
            Ok(Self { inner: self.inner.clone(), resolved: Arc::new(resolved) })
        } else {
            Err(problems)
        }
    }

    pub(super) fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        self.inner.sections.iter().flat_map(Section::leaves)
    }

    /// What the layers say of a field, the default first and the strongest last.
    pub(super) fn candidates(&self, leaf: &Leaf) -> Vec<Candidate> {
        let default = leaf.field().default().and_then(super::schema::Default::value);
        let default = default.map(|value| Candidate { origin: Origin::Default, value });
        let mut candidates: Vec<_> = default.into_iter().collect();
        for layer in &self.inner.layers {
            for mut candidate in layer.candidates(leaf) {
                // A key below a map changes that entry, and leaves the others alone.
                if let Some(weaker) = candidates.last().filter(|_| layer.is_below(leaf)) {
                    candidate.value = candidate.value.over(&weaker.value);
                }
                candidates.push(candidate);
            }
        }
        candidates
    }

    pub(super) fn find(&self, leaf: &Leaf) -> Found {
        let Some(Candidate { value, .. }) = self.candidates(leaf).pop() else {
            return Found::Absent;
        };
        // A default that an expression computes is shown as a value, and read from the expression.
        let is_computed =
            matches!(leaf.field().default(), Some(super::schema::Default::Computed(_)));
        if value.origin == Origin::Default && is_computed {
            return Found::Absent;
        }
        if value.origin == Origin::Default {
            return Found::Value { value, hidden: false };
        }
        let Some(text) = value.text() else { return Found::Value { value, hidden: false } };
        let text = if let Some(path) = reference::file(text) {
            match reference::read_file(&self.inner.base_dir, path) {
                Ok(text) => text,
                Err(message) => {
                    return Found::Bad(Problem::new(message).key_is(leaf.key()).at(value.origin));
                }
            }
        } else if reference::is_open(text) {
            match self.resolved.get(leaf.key()) {
                Some(secret) => secret.expose().clone(),
                None => {
                    return Found::Open(Reference {
                        key: leaf.key().to_owned(),
                        text: text.to_owned(),
                        origin: value.origin,
                    });
                }
            }
        } else {
            return Found::Value { value, hidden: false };
        };
        let data = Data::Scalar(Scalar { text, quoted: true });
        Found::Value { value: Value { data, origin: value.origin }, hidden: true }
    }

    /// A value as it may be shown.
    pub(super) fn show(leaf: &Leaf, value: &Value) -> String {
        let text = value.show();
        if reference::is_reference(&text) && value.origin != Origin::Default {
            text
        } else if leaf.field().is_secret() || unknown::has_credentials(&text) {
            "[redacted]".to_owned()
        } else {
            text
        }
    }

    pub(super) fn default_host(&self) -> IpAddr {
        self.inner.default_host
    }

    pub(super) fn is_hermetic(&self) -> bool {
        self.inner.hermetic
    }

    /// How a value that is missing can be given.
    pub(super) fn how_to_set(&self, leaf: &Leaf) -> String {
        let file = self.inner.files.iter().map(|source| source.name()).find(|name| *name != ".env");
        let file = file.unwrap_or("app.yaml");
        format!(
            "`{}` is required; set it in {file}, or the variable {}",
            leaf.key(),
            leaf.variables()[0]
        )
    }

    /// The bytes around a place that must not be shown.
    pub(super) fn hidden_in(&self, origin: &Origin) -> Vec<Range<usize>> {
        let Some(place) = origin.place() else { return Vec::new() };
        let trees = self.inner.layers.iter().filter_map(|layer| match layer {
            Layer::Tree(tree) => Some(tree),
            Layer::Variables(_) => None,
        });
        let of_source = |tree: &&super::layer::Tree| {
            tree.root
                .origin
                .place()
                .is_some_and(|root| root.source().path() == place.source().path())
        };
        trees.filter(of_source).flat_map(|tree| tree.hidden.clone()).collect()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("profile", &self.inner.profile)
            .field("sources", &self.sources())
            .finish_non_exhaustive()
    }
}
