//! The container file, read as its instructions.

const FILE: &str = include_str!("../../../../deploy/Containerfile");

/// A stage, from its `FROM` to the next one.
#[derive(Debug, Default)]
pub(crate) struct Stage(Vec<(String, String)>);

/// The stages, and before them what stands above the first.
fn stages() -> Vec<Stage> {
    let lines: Vec<_> = FILE.lines().filter(|line| !line.starts_with('#')).collect();
    let mut stages = vec![Stage::default()];
    for line in lines.join("\n").replace("\\\n", " ").lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let Some((name, rest)) = words.split_first() else { continue };
        if *name == "FROM" {
            stages.push(Stage::default());
        }
        let stage = stages.last_mut().expect("there is one from the beginning");
        stage.0.push(((*name).to_owned(), rest.join(" ")));
    }
    stages
}

/// What holds for all stages.
pub(crate) fn global() -> Stage {
    stages().swap_remove(0)
}

/// The stage in which the binary is built.
pub(crate) fn build() -> Stage {
    let mut stages = stages();
    assert_eq!(stages.len(), 3, "{stages:?}");
    stages.swap_remove(1)
}

/// The stage that becomes the image.
pub(crate) fn image() -> Stage {
    stages().pop().expect("there is one from the beginning")
}

/// The variables that the `docker run` at the top gives besides.
pub(crate) fn given() -> Vec<(&'static str, &'static str)> {
    let words: Vec<_> = FILE.split_whitespace().collect();
    let given = words.windows(2).filter(|pair| pair[0] == "--env");
    given.map(|pair| pair[1].split_once('=').expect("a variable has a value")).collect()
}

// === impl Stage ===

impl Stage {
    /// What stands behind an instruction that is there once.
    pub(crate) fn only(&self, name: &str) -> &str {
        let mut named = self.0.iter().filter(|(instruction, _)| instruction == name);
        let (_, rest) = named.next().unwrap_or_else(|| panic!("no {name} in {self:?}"));
        assert!(named.next().is_none(), "two of {name} in {self:?}");
        rest
    }

    /// The default of an argument.
    pub(crate) fn argument(&self, name: &str) -> &str {
        let (given, value) = self.only("ARG").split_once('=').expect("an argument has a default");
        assert_eq!(given, name);
        value
    }

    /// The variables that it sets.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        let pairs = self.only("ENV").split(' ');
        pairs.map(|pair| pair.split_once('=').expect("a variable has a value")).collect()
    }

    /// The user and the group that it runs as.
    pub(crate) fn user(&self) -> (u32, u32) {
        let (user, group) = self.only("USER").split_once(':').expect("a user has a group");
        (user.parse().expect("a user is a number"), group.parse().expect("a group is a number"))
    }

    /// The program that becomes process 1.
    pub(crate) fn entrypoint(&self) -> String {
        let words: Vec<String> =
            serde_json::from_str(self.only("ENTRYPOINT")).expect("no shell stands in between");
        assert_eq!(words.len(), 1, "{words:?}");
        words.concat()
    }
}
