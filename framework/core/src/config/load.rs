//! Reading the layers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Inputs, ParseType, Problem, Section, dotenv,
    layer::{Layer, Variable},
    origin::{Origin, Source},
    placeholder, unknown,
    value::{Data, Value},
    warning, yaml,
};

/// Everything that could be read, and everything that is wrong with it.
pub(super) struct Loaded {
    pub(super) profile: String,
    pub(super) layers: Vec<Layer>,
    pub(super) files: Vec<Arc<Source>>,
    pub(super) warnings: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

struct Loader<'a> {
    inputs: &'a Inputs,
    sections: &'a [Section],
    loaded: Loaded,
}

pub(super) fn load(inputs: &Inputs, sections: &[Section]) -> Loaded {
    let loaded = Loaded {
        profile: String::new(),
        layers: Vec::new(),
        files: Vec::new(),
        warnings: Vec::new(),
        problems: duplicates(sections),
    };
    let mut loader = Loader { inputs, sections, loaded };
    loader.profile();
    if !inputs.hermetic {
        loader.sources();
    }
    loader.set_by_key();
    loader.unknown_keys();
    loader.loaded
}

/// Two sections of one key, and two fields that read one variable.
fn duplicates(sections: &[Section]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (mut keys, mut variables) = (BTreeSet::new(), BTreeMap::new());
    for section in sections {
        if !keys.insert(section.key()) {
            let message = format!(
                "two parts of the application read the section `{}`; give one of them a name of \
                 its own",
                section.key()
            );
            problems.push(Problem::new(message).key_is(section.key()));
            continue;
        }
        for leaf in section.leaves() {
            for name in leaf.variables() {
                if let Some(other) = variables.insert(name, leaf.key()) {
                    let message = format!(
                        "`{other}` and `{}` both read the variable {name}; change one with `env` \
                         or `env_prefix`",
                        leaf.key()
                    );
                    problems.push(Problem::new(message).key_is(leaf.key()));
                }
            }
        }
    }
    problems
}

// === impl Loader ===

impl<'a> Loader<'a> {
    fn profile(&mut self) {
        let variable = |name: &str| {
            let value = self.inputs.env.get(name).filter(|value| !value.trim().is_empty())?;
            Some((value, Some(Origin::Variable(name.to_owned()))))
        };
        let (profile, origin) = self
            .inputs
            .profile
            .clone()
            .map(|profile| (profile, None))
            .or_else(|| variable("PURLIN_PROFILE"))
            .or_else(|| variable("ENVIRONMENT"))
            .unwrap_or_else(|| (self.inputs.default_profile.clone(), None));
        let name = match profile.trim().to_ascii_lowercase().as_str() {
            "development" => "dev".to_owned(),
            "production" => "prod".to_owned(),
            name => name.to_owned(),
        };
        // The profile becomes part of a file name.
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if is_name {
            self.loaded.profile = name;
        } else {
            let mut problem =
                Problem::new("not a profile; use letters, digits, `-` and `_`").value_is(profile);
            problem = match origin {
                Some(origin) => problem.at(origin),
                None => problem.key_is("--profile"),
            };
            self.loaded.problems.push(problem);
            self.loaded.profile.clone_from(&self.inputs.default_profile);
        }
    }

    fn parse_type(&mut self) -> ParseType {
        const NAME: &str = "PURLIN_PARSE_TYPE";
        if let Some(parse_type) = self.inputs.parse_type {
            return parse_type;
        }
        let Some(text) = self.inputs.env.get(NAME).filter(|text| !text.is_empty()) else {
            return ParseType::All;
        };
        ParseType::parse(&text).unwrap_or_else(|| {
            let problem = Problem::new("not one of all, yaml, env").value_is(text);
            self.loaded.problems.push(problem.at(Origin::Variable(NAME.to_owned())));
            ParseType::All
        })
    }

    fn sources(&mut self) {
        let parse_type = self.parse_type();
        let dot_env = if self.loaded.profile == "dev" && parse_type != ParseType::Yaml {
            self.dot_env()
        } else {
            BTreeMap::new()
        };
        if parse_type != ParseType::Env {
            for (path, required) in self.paths() {
                self.file(&path, required, &dot_env);
            }
        }
        if parse_type != ParseType::Yaml {
            self.variables(dot_env);
        }
    }

    /// The files to read, and whether each must exist.
    fn paths(&self) -> Vec<(PathBuf, bool)> {
        let base = match self.inputs.files.as_slice() {
            [] => vec![(PathBuf::from("app.yaml"), false)],
            files => files.iter().map(|file| (file.clone(), true)).collect(),
        };
        let of_profile = base.iter().filter_map(|(path, _)| {
            let stem = path.file_stem()?.to_str()?;
            let extension =
                path.extension().and_then(|extension| extension.to_str()).unwrap_or("yaml");
            Some((
                path.with_file_name(format!("{stem}.{}.{extension}", self.loaded.profile)),
                false,
            ))
        });
        let of_profile: Vec<_> = of_profile.collect();
        base.into_iter().chain(of_profile).collect()
    }

    fn file(&mut self, path: &Path, required: bool, dot_env: &BTreeMap<String, Variable>) {
        let Some(source) = self.open(path, required) else { return };
        match yaml::parse(&source) {
            Ok(mut root) if matches!(root.data, Data::Map(_)) => {
                self.fill_placeholders(&mut root, dot_env);
                self.loaded.layers.push(Layer::tree(root, self.sections));
            }
            Ok(root) if matches!(root.data, Data::Null) => {}
            Ok(root) => self.loaded.problems.push(
                Problem::new("a configuration is a map of sections; begin with `section:`")
                    .at(root.origin),
            ),
            Err(problem) => self.loaded.problems.push(*problem),
        }
        self.loaded.files.push(source);
    }

    fn open(&mut self, path: &Path, required: bool) -> Option<Arc<Source>> {
        let full = self.inputs.base_dir.join(path);
        let name = path.display().to_string();
        let fail = |message: String| Some(Problem::new(message).key_is(&name));
        let problem = match fs::metadata(&full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                required.then(|| fail(format!("the file `{name}` does not exist"))).flatten()
            }
            Err(error) => fail(format!("cannot read the file `{name}`: {error}")),
            Ok(meta) if meta.is_dir() => fail(format!("`{name}` is a directory, not a file")),
            Ok(meta) if meta.len() > yaml::MAX_BYTES => fail(format!(
                "the file `{name}` is larger than {} MiB",
                yaml::MAX_BYTES / 1024 / 1024
            )),
            Ok(_) => match fs::read_to_string(&full) {
                Ok(text) => return Some(Source::new(name, full, text)),
                Err(error) => fail(format!("cannot read the file `{name}`: {error}")),
            },
        };
        self.loaded.problems.extend(problem);
        None
    }

    fn fill_placeholders(&mut self, root: &mut Value, dot_env: &BTreeMap<String, Variable>) {
        let env = &self.inputs.env;
        let get = |name: &str| {
            env.get(name).or_else(|| dot_env.get(name).map(|variable| variable.text.clone()))
        };
        let problems = &mut self.loaded.problems;
        root.each_scalar(&mut |scalar, origin| {
            if scalar.text.contains("${") {
                match placeholder::fill(&scalar.text, &get) {
                    Ok(text) => scalar.text = text,
                    Err(message) => problems.push(Problem::new(message).at(origin.clone())),
                }
            }
        });
    }

    fn dot_env(&mut self) -> BTreeMap<String, Variable> {
        let Some(source) = self.open(Path::new(".env"), false) else { return BTreeMap::new() };
        let (variables, problems) = dotenv::parse(&source);
        self.loaded.problems.extend(problems);
        self.loaded.files.push(source);
        variables
    }

    fn variables(&mut self, dot_env: BTreeMap<String, Variable>) {
        let sections: &'a [Section] = self.sections;
        let leaves = || sections.iter().flat_map(Section::leaves);
        let known: BTreeSet<&str> =
            leaves().flat_map(|leaf| leaf.variables()).map(String::as_str).collect();
        let names = self.inputs.env.names().into_iter().chain(dot_env.keys().cloned());
        self.loaded.warnings.extend(warning::near_names(names, &known));

        let mut ours = BTreeMap::new();
        for name in leaves().flat_map(|leaf| leaf.variables().iter().chain(leaf.former_variables()))
        {
            if let Some(text) = self.inputs.env.get(name).filter(|text| !text.is_empty()) {
                let origin = Origin::Variable(name.clone());
                ours.insert(name.clone(), Variable { text, origin });
            }
        }
        ours.retain(|name, variable| {
            let is_link = warning::is_service_link(name, &variable.text);
            if is_link {
                self.loaded.warnings.push(warning::service_link(name, &variable.text));
            }
            !is_link
        });
        let dot_env: BTreeMap<_, _> =
            dot_env.into_iter().filter(|(_, variable)| !variable.text.is_empty()).collect();
        for layer in [dot_env, ours] {
            self.renamed_variables(&layer, &known);
            self.loaded.layers.push(Layer::Variables(layer));
        }
    }

    fn renamed_variables(&mut self, set: &BTreeMap<String, Variable>, known: &BTreeSet<&str>) {
        let mut problems = Vec::new();
        for leaf in self.sections.iter().flat_map(Section::leaves) {
            for former in
                leaf.former_variables().iter().filter(|name| !known.contains(name.as_str()))
            {
                if let Some(variable) = set.get(former) {
                    let message = format!("was renamed to {}", leaf.variables()[0]);
                    problems
                        .push(Problem::new(message).key_is(leaf.key()).at(variable.origin.clone()));
                }
            }
        }
        self.loaded.problems.extend(problems);
    }

    fn set_by_key(&mut self) {
        let sets = self.inputs.sets.iter();
        let sets = sets.map(|(key, text)| (key, Value::plain(text, Origin::Flag)));
        let overrides = self.inputs.overrides.iter();
        let overrides =
            overrides.map(|(key, json)| (key, Value::from_json(json.clone(), &Origin::Code)));
        for (key, value) in sets.chain(overrides) {
            let path: Vec<_> = key.split('.').collect();
            if path.iter().any(|part| part.is_empty()) {
                let problem = Problem::new("not a key; write section.field").key_is(key);
                self.loaded.problems.push(problem.at(value.origin));
                continue;
            }
            self.loaded.layers.push(Layer::set(&path, value, self.sections));
        }
    }

    fn unknown_keys(&mut self) {
        for layer in &self.loaded.layers {
            if let Layer::Tree(tree) = layer {
                self.loaded.problems.extend(unknown::problems(tree, self.sections));
            }
        }
    }
}
