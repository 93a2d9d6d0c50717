//! The corpus, and what is near to it, on a stable compiler.

use std::{fs, path::PathBuf};

use purlin_fuzz::TARGETS;

/// Mutations of each seed.
const ROUNDS: u32 = 40;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn every_corpus_belongs_to_a_target() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let names = |below: &str| {
        let entries = fs::read_dir(directory.join(below)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let targets: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}

#[test]
fn the_corpus_holds() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        corpus.iter().for_each(|input| target(input));
    }
}

#[test]
fn what_is_near_to_the_corpus_holds() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        for seed in &corpus {
            let mut input = seed.clone();
            for round in 0..rounds() {
                // Every so often it begins anew, so that inputs stay near to what is valid.
                if round % 8 == 0 {
                    input.clone_from(seed);
                }
                chance.mutate(&mut input, &corpus);
                let shown = String::from_utf8_lossy(&input).into_owned();
                let held = std::panic::catch_unwind(|| target(&input));
                assert!(held.is_ok(), "{name} fails on {shown:?}");
            }
        }
    }
}

/// More of them by a variable, for a night.
fn rounds() -> u32 {
    std::env::var("PURLIN_FUZZ_ROUNDS").ok().map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

/// Chance that repeats: xorshift64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn mutate(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        const INTERESTING: &[u8] = b"\0\n\r\t\"'#$%&*+,-./0:;<=>?@[]_{|}~19aLW\x7f\xc3\xff";
        let at = self.below(input.len() + 1);
        match self.below(6) {
            0 => input.insert(at, INTERESTING[self.below(INTERESTING.len())]),
            1 if at < input.len() => input[at] = INTERESTING[self.below(INTERESTING.len())],
            2 if at < input.len() => drop(input.remove(at)),
            3 if at < input.len() => input[at] ^= 1 << self.below(8),
            4 => input.truncate(at),
            _ => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                let part = other[from..].to_vec();
                input.splice(at..at, part);
                input.truncate(4096);
            }
        }
    }
}
