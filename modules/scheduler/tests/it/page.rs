//! What an operator sees and does.

use purlin::page::ActError;
use purlin_scheduler::{Job, Jobs as _, TriggerError, Triggered};
use serde_json::{Value, json};

use crate::support::{Bench, Gate, SECOND, app, gated, nothing};

#[tokio::test]
async fn the_page_shows_next_and_last_runs_and_runs_now() {
    let gate = Gate::new();
    let builder = app()
        .supply(gate.clone())
        .set(
            "scheduler.jobs",
            json!({
                "report": { "enabled": false },
                "nightly": { "schedule": "30 4 * * *", "zone": "Europe/Berlin" },
            }),
        )
        .job(gated("slow"))
        .job(Job::cron("nightly", "0 3 * * *", nothing))
        .job(Job::every("report", SECOND, nothing));
    let bench = Bench::start(builder).await;
    let page = bench.app.pages().get("jobs").unwrap();
    let before = page.read().await.unwrap();
    assert_eq!(
        before[1],
        json!({
            "name": "nightly", "schedule": "30 4 * * * Europe/Berlin", "enabled": true,
            "leader_only": false, "active": true, "next": "2030-01-01T03:30:00.000Z",
            "waiting": 0, "running": [], "last": null, "runs": [],
        })
    );
    assert_eq!((&before[2]["enabled"], &before[2]["next"]), (&json!(false), &Value::Null));

    bench.advance_running(SECOND).await;
    bench.until(|_| bench.times("slow").len() == 1).await;
    let going = page.read().await.unwrap();
    assert_eq!(going[0]["running"][0]["started"], json!("2030-01-01T00:00:01.000Z"));
    let refused = page.act("run", json!({ "job": "slow" })).await.unwrap_err();
    assert!(
        matches!(&refused, ActError::Invalid(why) if why == "job `slow` goes on already"),
        "{refused}"
    );

    // What is disabled can be run by hand all the same.
    let triggered = page.act("run", json!({ "job": "report" })).await.unwrap();
    assert_eq!(triggered, json!({ "job": "report", "triggered": "started" }));
    bench.until(|_| bench.ends("report").len() == 1).await;
    let after = page.read().await.unwrap();
    assert_eq!(after[2]["last"]["outcome"], json!("succeeded"));
    assert_eq!(after[2]["last"]["trigger"], json!("manual"));
    assert_eq!(after[2]["runs"].as_array().unwrap().len(), 1);
    assert_eq!(bench.times("report").len(), 1);

    for (action, input, told) in [
        ("stop", json!(null), "there is no action `stop`"),
        (
            "run",
            json!({ "name": "report" }),
            "write {\"job\": \"name\"}: unknown field `name`, expected `job`",
        ),
        (
            "run",
            json!({ "job": "rport" }),
            "there is no job `rport`; there are slow, nightly, report",
        ),
    ] {
        assert_eq!(page.act(action, input).await.unwrap_err().to_string(), told);
    }
    gate.open(1);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_trigger_tells_what_became_of_it() {
    let gate = Gate::new();
    let job = gated("slow").overlap(purlin_scheduler::Overlap::Queue);
    let bench = Bench::start(app().supply(gate.clone()).job(job)).await;
    assert_eq!(bench.scheduler.trigger("slow").await, Ok(Triggered::Started));
    assert_eq!(bench.scheduler.trigger("slow").await, Ok(Triggered::Queued));
    let overlaps = TriggerError::Overlaps { job: "slow".to_owned() };
    assert_eq!(bench.scheduler.trigger("slow").await, Err(overlaps));
    gate.open(2);
    bench.until(|_| bench.ends("slow").len() == 2).await;
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_job_can_run_on_start() {
    let gate = Gate::new();
    let bench = Bench::start(app().supply(gate.clone()).job(gated("eager").run_on_start())).await;
    gate.open(1);
    bench.until(|_| bench.ends("eager").len() == 1).await;
    assert_eq!(bench.ends("eager")[0].trigger, purlin_scheduler::Trigger::Start);
    assert!(bench.stop().await.is_clean());
}
