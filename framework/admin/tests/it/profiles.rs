//! Profiles: who may take them, what is in them, and what ends them.

use purlin_admin::AdminModule;
use purlin_core::{
    app::{App, AppBuilder},
    async_trait,
    error::Result,
    runnable::{Run, RunCx, Runnable},
    spawner::Spawner,
};
use purlin_testing::TestApp;
use serde_json::{Value, json};
use tokio::sync::oneshot;

const TOKEN: &str = "0123456789abcdef";

/// A runnable that waits to be stopped.
struct Idle;

#[async_trait]
impl Runnable for Idle {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        cx.stopping().await;
        Ok(())
    }
}

fn app() -> AppBuilder {
    App::builder()
        .package(purlin_core::package!())
        .shell(AdminModule)
        .runnable(Run::new("idle", || Idle))
        .set("admin.profiles.enabled", true)
        .set("admin.token", TOKEN)
}

#[tokio::test]
async fn profiles_are_off_until_they_are_enabled() {
    let app = TestApp::start(app().set("admin.profiles.enabled", false)).await;
    let admin = app.admin();
    for path in ["/profile", "/heap", "/tasks", ""] {
        let request = admin.get(format!("/debug/pprof{path}")).bearer(TOKEN);
        let problem = request.await.expect(404).problem("not_found");
        let detail = problem["detail"].as_str().unwrap();
        for said in ["admin.profiles.enabled", "ADMIN_PROFILES_ENABLED", "admin.token"] {
            assert!(detail.contains(said), "no {said} in {detail}");
        }
    }
    assert!(!admin.get("/").await.expect(200).text().contains("/debug/pprof"));
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn profiles_are_for_who_has_the_token() {
    let app = TestApp::start(app()).await;
    let admin = app.admin();
    assert!(admin.get("/").await.expect(200).text().contains("/debug/pprof"));
    let index: Value = admin.get("/debug/pprof").await.expect(200).json();
    assert_eq!(index["tasks"], "/debug/pprof/tasks");
    for path in ["/debug/pprof/profile?seconds=1", "/debug/pprof/heap", "/debug/pprof/tasks"] {
        let _ = admin.get(path).await.expect(401).problem("unauthenticated");
        let wrong = admin.get(path).bearer("0123456789abcdeX").await;
        let _ = wrong.expect(401).problem("unauthenticated");
    }
    assert!(app.stop().await.is_clean());

    let app = App::builder()
        .package(purlin_core::package!())
        .shell(AdminModule)
        .set("admin.profiles.enabled", true);
    let app = TestApp::start(app).await;
    let problem = app.admin().get("/debug/pprof/tasks").await.expect(403);
    let problem = problem.problem("permission_denied");
    assert!(problem["detail"].as_str().unwrap().contains("ADMIN_TOKEN"), "{problem}");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn tasks_are_shown_by_name() {
    let app = TestApp::start(app()).await;
    let (_go, gone) = oneshot::channel::<()>();
    let task = app.get::<Spawner>().spawn("import orders", async { drop(gone.await) });
    let tasks: Value = app.admin().get("/debug/pprof/tasks").bearer(TOKEN).await.expect(200).json();
    assert_eq!(tasks["tasks"], json!({ "import orders": 1 }));
    let runnables = tasks["runnables"].as_array().unwrap();
    assert_eq!(
        (&runnables[0]["name"], &runnables[0]["state"]),
        (&json!("idle"), &json!("running"))
    );
    assert_eq!(tasks["runtime"]["workers"].as_array().unwrap().len(), 2);
    assert!(tasks["runtime"]["tasks"].as_u64().unwrap() >= 3, "{tasks}");
    task.abort();
    assert!(app.stop().await.is_clean());
}

#[cfg(not(feature = "profiles"))]
#[tokio::test]
async fn what_was_left_out_of_the_binary_is_told() {
    let app = TestApp::start(app()).await;
    for (path, feature) in [("profile", "`profiles`"), ("heap", "`jemalloc`")] {
        let request = app.admin().get(format!("/debug/pprof/{path}")).bearer(TOKEN);
        let problem = request.await.expect(404).problem("not_found");
        assert!(problem["detail"].as_str().unwrap().contains(feature), "{problem}");
    }
    assert!(app.stop().await.is_clean());
}

#[cfg(feature = "profiles")]
mod cpu {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };

    use purlin_profile::Profile;
    use purlin_testing::{Client, Response, eventually};
    use tokio::{
        sync::{Mutex, MutexGuard},
        task::JoinHandle,
    };

    use super::*;

    /// A thread that computes until this is dropped.
    struct Burning(Arc<AtomicBool>, Option<thread::JoinHandle<()>>);

    #[inline(never)]
    fn burns_the_processor(on: &AtomicBool) {
        let mut sum = 0_u64;
        while on.load(Ordering::Relaxed) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }

    impl Burning {
        fn start() -> Self {
            let on = Arc::new(AtomicBool::new(true));
            let until = on.clone();
            let thread = thread::spawn(move || burns_the_processor(&until));
            Self(on, Some(thread))
        }
    }

    impl Drop for Burning {
        fn drop(&mut self) {
            self.0.store(false, Ordering::Relaxed);
            self.1.take().unwrap().join().unwrap();
        }
    }

    /// A process has one recording at a time, and so have the tests of this process.
    async fn alone() -> MutexGuard<'static, ()> {
        static TURN: Mutex<()> = Mutex::const_new(());
        TURN.lock().await
    }

    async fn take(admin: &Client, query: &str) -> Response {
        admin.get(format!("/debug/pprof/profile?{query}")).bearer(TOKEN).await
    }

    #[tokio::test]
    async fn a_profile_names_what_computes() {
        let _alone = alone().await;
        let app = TestApp::start(app()).await;
        let admin = app.admin();
        let burning = Burning::start();
        let answer = take(&admin, "seconds=1").await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        let name = answer.header("content-disposition").unwrap();
        assert_eq!(name, "attachment; filename=\"cpu.pb.gz\"");
        let profile = Profile::decode(&answer.body).unwrap();
        let busy: i64 = profile
            .stacks()
            .filter(|stack| stack.functions.iter().any(|name| name.contains("burns_the_processor")))
            .map(|stack| stack.weight)
            .sum();
        assert!(busy >= 5, "{busy} samples of {:?}", profile.stacks().collect::<Vec<_>>());

        let image = take(&admin, "seconds=1&format=flamegraph").await.expect(200);
        assert_eq!(image.header("content-type"), Some("image/svg+xml"));
        let policy = image.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(image.text().contains("burns_the_processor"), "{}", image.text());
        let accepted = admin.get("/debug/pprof/profile?seconds=1&hz=250").bearer(TOKEN);
        let accepted = accepted.header("accept", "image/svg+xml").await.expect(200);
        assert!(accepted.text().starts_with("<?xml"), "{}", accepted.text());
        drop(burning);
        assert!(app.stop().await.is_clean());
    }

    #[tokio::test]
    async fn what_is_asked_for_has_bounds() {
        let app = TestApp::start(app()).await;
        let admin = app.admin();
        for (query, said) in [
            ("seconds=0", "ask for 1 to 300"),
            ("seconds=301", "ask for 1 to 300"),
            ("seconds=-1", "whole numbers"),
            ("seconds=1&hz=0", "ask for 1 to 999"),
            ("seconds=1&hz=1000", "ask for 1 to 999"),
            ("seconds=1&hz=4294967296", "whole numbers"),
            ("format=png", "pprof or flamegraph"),
        ] {
            let problem = take(&admin, query).await.expect(400).problem("invalid_argument");
            assert!(problem["detail"].as_str().unwrap().contains(said), "{query}: {problem}");
        }
        assert!(app.stop().await.is_clean());
    }

    /// A profile of five minutes, once it is under way.
    async fn five_minutes(app: &TestApp) -> JoinHandle<Response> {
        let admin = app.admin();
        let begin = || {
            let admin = admin.clone();
            #[expect(clippy::disallowed_methods, reason = "the test awaits or aborts it")]
            tokio::spawn(async move { take(&admin, "seconds=300").await })
        };
        let mut profile = begin();
        // Whoever is refused his turn has not begun; that may be either of the two.
        eventually(async || {
            let refused = take(&admin, "seconds=1").await.status.as_u16() == 409;
            if profile.is_finished() {
                profile = begin();
                return false;
            }
            refused
        })
        .await;
        profile
    }

    #[tokio::test]
    async fn a_stop_ends_a_profile_at_once() {
        let _alone = alone().await;
        let app = TestApp::start(app()).await;
        let profile = five_minutes(&app).await;
        assert!(app.stop().await.is_clean());
        let problem = profile.await.unwrap().expect(503).problem("unavailable");
        assert!(problem["detail"].as_str().unwrap().contains("stops"), "{problem}");
    }

    #[tokio::test]
    async fn one_is_taken_at_a_time_and_who_leaves_ends_it() {
        let _alone = alone().await;
        let app = TestApp::start(app()).await;
        let admin = app.admin();
        let profile = five_minutes(&app).await;
        let problem = take(&admin, "seconds=1").await.expect(409).problem("conflict");
        assert!(problem["detail"].as_str().unwrap().contains("at a time"), "{problem}");
        profile.abort();
        eventually(async || take(&admin, "seconds=1").await.status.as_u16() == 200).await;
        assert!(app.stop().await.is_clean());
    }

    #[cfg(feature = "jemalloc")]
    #[tokio::test]
    async fn a_heap_needs_the_allocator_that_knows_it() {
        let app = TestApp::start(app()).await;
        let answer = app.admin().get("/debug/pprof/heap").bearer(TOKEN).await;
        let problem = answer.expect(404).problem("not_found");
        assert!(problem["detail"].as_str().unwrap().contains("#[global_allocator]"), "{problem}");
        assert!(app.stop().await.is_clean());
    }
}
