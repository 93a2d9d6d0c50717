//! What was committed survives a kill of the process.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use purlin_sql::Settings;
use purlin_sqlite::{Sqlite, SqliteConfig};
use tempfile::TempDir;

use crate::support::config;

const ROUNDS: usize = 5;
const CHILD: &str = "durability::child_that_is_killed";

/// Runs in a process of its own, in the directory of the database, until it is killed.
#[tokio::test]
#[ignore = "it never ends: `killed_processes_lose_nothing_that_was_committed` starts and kills it"]
async fn child_that_is_killed() {
    let config = SqliteConfig { dir: ".".into(), ..SqliteConfig::default() };
    let sqlite = Sqlite::connect(config).await.unwrap();
    let create =
        "CREATE TABLE IF NOT EXISTS half (unit INTEGER, side TEXT, PRIMARY KEY (unit, side))";
    sqlx::query(create).execute(&sqlite).await.unwrap();
    let last = "SELECT coalesce(max(unit), 0) FROM half";
    let mut unit: i64 = sqlx::query_scalar(last).fetch_one(&sqlite).await.unwrap();
    loop {
        unit += 1;
        sqlite
            .with_tx(async |_tx| {
                for side in ["left", "right"] {
                    let insert = sqlx::query("INSERT INTO half (unit, side) VALUES (?, ?)");
                    insert.bind(unit).bind(side).execute(&sqlite).await?;
                }
                Ok::<_, sqlx::Error>(())
            })
            .await
            .unwrap();
        println!("committed {unit}");
    }
}

#[tokio::test]
async fn killed_processes_lose_nothing_that_was_committed() {
    let dir = TempDir::new().unwrap();
    let (mut seen, mut kills) = (0, 0);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", CHILD, "--nocapture"])
            .current_dir(dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let commits = lines
            .map_while(Result::ok)
            .filter_map(|line| line.split_once("committed ")?.1.parse::<i64>().ok());
        let wanted = 20 + 17 * round;
        let mut commits = commits.peekable();
        for unit in commits.by_ref().take(wanted) {
            seen = unit;
        }
        child.kill().unwrap();
        // What it had announced before the kill counts as well.
        seen = commits.last().unwrap_or(seen);
        child.wait().unwrap();
        kills += 1;
    }
    let sqlite = config(&dir).open(Settings::default()).await.unwrap();
    let units = "SELECT count(DISTINCT unit) FROM half WHERE unit <= ?";
    let kept: i64 = sqlx::query_scalar(units).bind(seen).fetch_one(&sqlite).await.unwrap();
    let halves = "SELECT count(*) FROM (SELECT unit FROM half GROUP BY unit HAVING count(*) <> 2)";
    let half: i64 = sqlx::query_scalar(halves).fetch_one(&sqlite).await.unwrap();
    println!(
        "{kills} kills · {seen} commits announced · lost {} · half committed {half}",
        seen - kept
    );
    assert!(seen > 200, "{seen}");
    assert_eq!((seen - kept, half), (0, 0));
}
