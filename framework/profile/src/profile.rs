use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Read as _, Write as _},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use inferno::flamegraph::{self, Options};
use prost::Message as _;

use crate::proto;

/// Who used how much: weighted stacks with the names of their functions.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile(proto::Profile);

/// One stack of a [`Profile`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack<'a> {
    /// The functions, the outermost first.
    pub functions: Vec<&'a str>,
    /// What it weighs, in the first unit of the profile: samples, or bytes.
    pub weight: i64,
}

/// The bytes are no profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They cannot be decompressed.
    #[error("the profile is cut short or was not compressed with gzip")]
    Compression(#[from] io::Error),
    /// They are no message of `profile.proto`.
    #[error("the profile is no message of profile.proto")]
    Message(#[from] prost::DecodeError),
}

/// No flame graph can be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// The profile is empty.
    #[error("the profile has no samples")]
    Empty,
    /// The library refused.
    #[error("the flame graph could not be drawn")]
    Drawing(#[from] io::Error),
}

// === impl Profile ===

impl Profile {
    pub(crate) fn new(profile: proto::Profile) -> Self {
        Self(profile)
    }

    /// The file that pprof reads: a compressed message of `profile.proto`.
    ///
    /// # Panics
    /// Never: what is written to memory is written.
    pub fn encode(&self) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&self.0.encode_to_vec()).expect("memory takes all that is written");
        gzip.finish().expect("memory takes all that is written")
    }

    /// Reads what [`encode`](Self::encode), or another program, wrote. It trusts the writer: the
    /// size is not limited.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no compressed profile.
    pub fn decode(file: &[u8]) -> Result<Self, DecodeError> {
        let mut message = Vec::new();
        GzDecoder::new(file).read_to_end(&mut message)?;
        Ok(Self(proto::Profile::decode(&*message)?))
    }

    /// Every stack with its weight.
    pub fn stacks(&self) -> impl Iterator<Item = Stack<'_>> {
        let lines: HashMap<_, _> =
            self.0.location.iter().map(|location| (location.id, &location.line)).collect();
        let names: HashMap<_, _> = self
            .0
            .function
            .iter()
            .map(|function| (function.id, self.text(function.name)))
            .collect();
        self.0.sample.iter().map(move |sample| {
            let inner = sample.location_id.iter().filter_map(|id| lines.get(id));
            let mut functions: Vec<_> = inner
                .flat_map(|lines| lines.iter())
                .map(|line| names.get(&line.function_id).copied().unwrap_or_default())
                .collect();
            functions.reverse();
            Stack { functions, weight: sample.value.first().copied().unwrap_or_default() }
        })
    }

    /// The profile as a flame graph: an SVG image that a browser zooms and searches in.
    ///
    /// # Errors
    /// [`DrawError`] when there are no samples.
    pub fn flame_graph(&self, title: &str) -> Result<Vec<u8>, DrawError> {
        // Equal stacks of several threads, or lines, are one.
        let mut folded = BTreeMap::<String, i64>::new();
        for Stack { functions, weight } in self.stacks() {
            // A semicolon divides frames, and function types have some.
            let names: Vec<_> = functions.iter().map(|name| name.replace(';', ",")).collect();
            if weight > 0 && !names.is_empty() {
                *folded.entry(names.join(";")).or_default() += weight;
            }
        }
        if folded.is_empty() {
            return Err(DrawError::Empty);
        }
        let lines: Vec<_> =
            folded.iter().map(|(stack, weight)| format!("{stack} {weight}")).collect();
        let mut options = Options::default();
        options.title = title.to_owned();
        options.count_name = self.unit().to_owned();
        options.deterministic = true;
        let mut image = Vec::new();
        flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut image)?;
        Ok(image)
    }

    /// What the weights count, in words.
    fn unit(&self) -> &str {
        let Some(first) = self.0.sample_type.first() else { return "samples" };
        match self.text(first.unit) {
            "count" => self.text(first.kind),
            unit => unit,
        }
    }

    fn text(&self, index: i64) -> &str {
        let index = usize::try_from(index).unwrap_or_default();
        self.0.string_table.get(index).map(String::as_str).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `main` calls `work`, into which `step` was inlined.
    fn profile() -> Profile {
        let line = |function_id| proto::Line { function_id, line: 7 };
        let function =
            |id, name| proto::Function { id, name, system_name: name, ..Default::default() };
        Profile(proto::Profile {
            sample_type: vec![proto::ValueType { kind: 1, unit: 2 }],
            sample: vec![
                proto::Sample { location_id: vec![2, 1], value: vec![3], ..Default::default() },
                proto::Sample { location_id: vec![1], value: vec![2], ..Default::default() },
                proto::Sample { location_id: vec![2, 1], value: vec![1], ..Default::default() },
            ],
            location: vec![
                proto::Location { id: 1, line: vec![line(1)], ..Default::default() },
                proto::Location { id: 2, line: vec![line(3), line(2)], ..Default::default() },
            ],
            function: vec![function(1, 3), function(2, 4), function(3, 5)],
            string_table: ["", "samples", "count", "main", "work", "[u8; 4]::step"]
                .map(str::to_owned)
                .into(),
            ..Default::default()
        })
    }

    #[test]
    fn a_stack_begins_with_its_outermost_function() {
        let profile = profile();
        let stacks: Vec<_> = profile.stacks().collect();
        assert_eq!(stacks[0].functions, ["main", "work", "[u8; 4]::step"]);
        assert_eq!((stacks[0].weight, stacks[1].weight), (3, 2));
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let profile = profile();
        assert_eq!(Profile::decode(&profile.encode()).unwrap(), profile);
        let file = profile.encode();
        assert!(matches!(Profile::decode(&file[..20]), Err(DecodeError::Compression(_))));
    }

    #[test]
    fn a_flame_graph_adds_up_equal_stacks() {
        let image = String::from_utf8(profile().flame_graph("CPU").unwrap()).unwrap();
        assert!(image.contains("<title>main (6 samples, 100.00%)</title>"), "{image}");
        assert!(image.contains("<title>[u8, 4]::step (4 samples, 66.67%)</title>"), "{image}");
        let empty = Profile(proto::Profile::default());
        assert!(matches!(empty.flame_graph("CPU"), Err(DrawError::Empty)));
    }
}
