//! What is found before anything is started.

use std::sync::Arc;

use purlin::app::App;
use purlin_scheduler::{Job, JobCx, Jobs as _, Schedule, Scheduler, SchedulerModule};
use purlin_testing::TestApp;

use crate::support::{SECOND, app, nothing};

fn told(builder: purlin::app::AppBuilder) -> String {
    builder.validate().unwrap_err().to_string()
}

#[test]
fn a_job_is_checked_like_any_other_part() {
    let told = told(
        app()
            .job(Job::cron("bad pattern", "61 * * * *", nothing))
            .job(Job::cron("bad zone", "0 3 * * *", nothing).zone("Mars/Olympus"))
            .job(Job::cron("never", "0 0 30 2 *", nothing))
            .job(Job::every("too fast", std::time::Duration::ZERO, nothing))
            .job(Job::every("zoneless", SECOND, nothing).zone("Europe/Berlin"))
            .job(Job::every("needy", SECOND, |_: JobCx, _: Arc<u16>| nothing()))
            .job(Job::every("needy", SECOND, nothing)),
    );
    for expected in [
        "`61 * * * *` is no schedule",
        "`Mars/Olympus` is no time zone",
        "`0 0 30 2 *` never comes",
        "a period must be at least 1 ms",
        "a time zone has no effect on `every 1s`",
        "nothing gives `u16`",
        "needed by  needy ← scheduler",
        "another `ScheduledJob` has this name",
    ] {
        assert!(told.contains(expected), "{expected:?} is not in\n{told}");
    }
}

#[test]
fn a_job_without_a_scheduler_is_an_error() {
    let told = told(App::builder().job(Job::every("alone", SECOND, nothing)));
    assert!(told.contains("no module takes it"), "{told}");
    assert!(told.contains("add .module(SchedulerModule)"), "{told}");
}

#[tokio::test]
async fn settings_of_a_job_that_does_not_exist_fail_the_start() {
    let builder =
        app().set("scheduler.jobs.totls.enabled", false).job(Job::every("totals", SECOND, nothing));
    let error = TestApp::try_start(builder).await.unwrap_err().to_string();
    assert!(
        error.contains("scheduler.jobs.totls: there is no such job; there are totals"),
        "{error}"
    );
}

#[test]
fn a_wrong_schedule_in_the_configuration_is_found_at_build() {
    let builder = app()
        .set("scheduler.jobs.totals.schedule", "now and then")
        .job(Job::every("totals", SECOND, nothing));
    let told = builder.build().unwrap_err().to_string();
    assert!(told.contains("`now and then` is no schedule"), "{told}");
}

#[tokio::test]
async fn a_scheduler_that_is_disabled_starts_nothing() {
    let builder = App::builder()
        .module(SchedulerModule)
        .set("scheduler.enabled", false)
        .job(Job::every("totals", SECOND, nothing));
    let app = TestApp::start(builder).await;
    assert!(app.find::<Scheduler>().is_none());
    assert!(app.stop().await.is_clean());
}

#[test]
fn schedules_read_as_they_are_written() {
    for text in ["0 3 * * *", "every 1m 30s", "manual"] {
        assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
    }
}
