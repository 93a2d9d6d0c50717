//! The grammar of `derive(Config)`, without another dependency than the one that names `purlin`.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use purlin::config::{ByteSize, Config, DataDir, Inputs, Listen, Secret, Section, Settings};

const MAX: u32 = 100;

/// A section with everything.
#[derive(Config)]
#[config(section = "all", env_prefix = "EVERYTHING")]
struct All {
    /// Named like a local of the derive.
    #[config(default = 5)]
    #[validate(range(min = 1, max = MAX, message = "one to a hundred"))]
    reader: u32,
    #[config(default = -1.5)]
    #[validate(range(exclusive_min = -2.0, exclusive_max = 0.0))]
    ratio: f64,
    #[config(default = "x@example.org")]
    #[validate(email, contains(pattern = "@"), does_not_contain = " ", non_control_character)]
    mail: String,
    #[validate(url, length(min = 1, max = 100))]
    url: Option<String>,
    #[config(default = "127.0.0.1")]
    #[validate(ip)]
    ip: String,
    #[config(default = Duration::from_millis(1500))]
    #[validate(range(min = "1s"))]
    wait: Duration,
    #[config(default = "1KiB")]
    #[validate(range(max = "1MiB"))]
    size: ByteSize,
    #[config(default)]
    labels: BTreeMap<String, String>,
    #[config(default = [1, 2])]
    numbers: Vec<u8>,
    #[config(default = "8080")]
    listen: Listen,
    #[config(default = "data")]
    dir: DataDir,
    #[config(
        env = "ALL_TOKEN",
        alias = "ALL_KEY",
        alias = "ALL_SECRET",
        unset = "nobody is let in"
    )]
    #[validate(length(equal = 3), custom(function = is_token))]
    token: Option<Secret<String>>,
    #[config(default = NotShown(7), live)]
    opaque: NotShown,
    #[config(default = "x")]
    r#type: String,
    #[config(nested, renamed_from = "old_part")]
    part: Part,
}

#[derive(Config)]
struct Part {
    #[config(default = true)]
    on: bool,
}

struct NotShown(u8);

impl<'de> serde::Deserialize<'de> for NotShown {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(Self)
    }
}

fn is_token(token: &Secret<String>) -> Result<(), &'static str> {
    static LETTERS: LazyLock<&str> = LazyLock::new(|| "abc");
    token.expose().chars().all(|c| LETTERS.contains(c)).then_some(()).ok_or("not of a, b and c")
}

fn main() {
    let sections = [Section::of::<All>("all", None)];
    let (settings, problems) =
        Settings::load(Inputs::of_variables([("ALL_KEY", "abc")]), &sections);
    assert_eq!(problems, []);
    let all: All = settings.read(&sections[0]).unwrap();
    assert_eq!(
        (all.reader, all.ratio, all.mail.as_str(), all.url),
        (5, -1.5, "x@example.org", None)
    );
    assert_eq!(
        (all.ip.as_str(), all.wait, all.size),
        ("127.0.0.1", Duration::from_millis(1500), ByteSize::kib(1))
    );
    assert_eq!((all.labels.len(), all.numbers, all.listen.addr().port()), (0, vec![1, 2], 8080));
    assert_eq!(
        (all.dir.path().to_str(), all.token.unwrap().expose().as_str()),
        (Some("data"), "abc")
    );
    assert_eq!((all.opaque.0, all.r#type.as_str(), all.part.on), (7, "x", true));
    assert_eq!(settings.explain("all.wait").unwrap().value(), Some("1s500ms"));
}
