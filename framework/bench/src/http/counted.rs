//! The gate: instructions and allocations of a request.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::contestants::{self, BARE, BY_HAND, BY_HAND_TRACED, PURLIN, SERVE, SERVE_ADDR, TRACED};
use super::{PER_CONNECTION, runtime};
use crate::cores::Cores;
use crate::count::{Cost, Counter};
use crate::load::Work;
use crate::served::Contestant;

/// How to count.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The program that counts.
    #[arg(long, default_value = "valgrind")]
    valgrind: PathBuf,
    /// How many requests the shorter of the two runs takes.
    #[arg(long, default_value_t = 1000)]
    requests: u64,
}

/// The most that a request may cost: a twentieth above what it does cost. Builds and processors
/// differ by up to a hundredth; a change that adds a layer's worth to every request does not pass.
const BUDGETS: [(&str, [Cost; 3]); 2] = [
    (
        BARE,
        [
            Cost { instructions: 15_900.0, allocations: 15.5 },
            Cost { instructions: 33_500.0, allocations: 33.5 },
            Cost { instructions: 16_200.0, allocations: 14.5 },
        ],
    ),
    (
        PURLIN,
        [
            Cost { instructions: 47_000.0, allocations: 36.5 },
            Cost { instructions: 65_000.0, allocations: 54.5 },
            Cost { instructions: 47_000.0, allocations: 35.5 },
        ],
    ),
];

/// What a request asks for, in the order of the costs.
const WORKS: [&str; 3] = ["hello", "json", "hello, churn"];

/// Who is compared with whom.
const PAIRS: [(&str, &str); 4] =
    [(BARE, SERVE), (BARE, SERVE_ADDR), (PURLIN, BY_HAND), (TRACED, BY_HAND_TRACED)];

/// Counts, compares, and fails where a budget is exceeded.
pub(crate) fn count(args: &Args) -> Result<()> {
    let (cores, runtime) = (Cores::divide()?, runtime()?);
    let valgrind = args.valgrind.clone();
    let counter = Counter { valgrind, cores: &cores, runtime: &runtime, requests: args.requests };
    let mut contestants = contestants::bare()?;
    contestants.extend(contestants::layered()?);
    let works = WORKS.map(|work| format!(" {work:>16}")).concat();
    println!("{:22}{works}", "of one request");
    println!("{:22}{}", "", format!(" {:>9} {:>6}", "instr.", "alloc.").repeat(3));
    let mut counted = Vec::new();
    for contestant in contestants {
        let costs = lowest(&counter, &contestant)?;
        let cells =
            costs.map(|cost| format!(" {:9.0} {:6.2}", cost.instructions, cost.allocations));
        println!("{:22}{}", contestant.name, cells.concat());
        counted.push((contestant.name, costs));
    }
    let costs_of = |name| counted.iter().find(|(known, _)| known == name).map(|(_, costs)| costs);
    for (name, other) in PAIRS {
        if let (Some(costs), Some(others)) = (costs_of(name), costs_of(other)) {
            let cells: Vec<_> =
                costs.iter().zip(others).map(|(cost, other)| cost.over(other)).collect();
            println!("{name} over {other}: {}", cells.join(" · "));
        }
    }
    let mut over = Vec::new();
    for (name, budgets) in BUDGETS {
        let costs = costs_of(name).context("nobody has this name")?;
        for ((work, cost), budget) in WORKS.iter().zip(costs).zip(&budgets) {
            if cost.exceeds(budget) {
                over.push(format!("{name}, {work}: {cost} where {budget} are allowed"));
            }
        }
    }
    if !over.is_empty() {
        bail!("a request costs more than it may, profile it\n{}", over.join("\n"));
    }
    println!("all within their budgets; churn is a new connection every {PER_CONNECTION} requests");
    Ok(())
}

/// What else a machine does may add to a count, and takes nothing away: one above its budget is
/// taken again.
fn lowest(counter: &Counter<'_>, contestant: &Contestant) -> Result<[Cost; 3]> {
    let mut lowest = costs(counter, contestant)?;
    let budgets = BUDGETS.iter().find(|(name, _)| *name == contestant.name);
    for _ in 0..2 {
        let exceeds =
            |budgets: &[Cost; 3]| lowest.iter().zip(budgets).any(|(it, of)| it.exceeds(of));
        if !budgets.is_some_and(|(_, budgets)| exceeds(budgets)) {
            break;
        }
        let again = costs(counter, contestant)?;
        lowest.iter_mut().zip(again).for_each(|(cost, again)| *cost = cost.lower(again));
    }
    Ok(lowest)
}

fn costs(counter: &Counter<'_>, contestant: &Contestant) -> Result<[Cost; 3]> {
    let count = |work, per_connection| {
        let counted = counter.count(contestant, work, per_connection);
        counted.with_context(|| format!("{} could not be counted", contestant.name))
    };
    Ok([
        count(Work::Hello, u64::MAX)?,
        count(Work::Json, u64::MAX)?,
        count(Work::Hello, PER_CONNECTION)?,
    ])
}
