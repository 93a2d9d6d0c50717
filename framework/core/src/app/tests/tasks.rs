//! Spawned tasks, which somebody owns from their first to their last moment.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Handle;

use super::{Log, app};
use crate::{
    clock::Clock,
    event::Events,
    spawner::{Spawner, TaskError},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Runs until it is dropped, and says so.
async fn endless(log: Log) {
    struct Dropped(Log);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    let _dropped = Dropped(log);
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn after_the_stop_no_task_is_taken() {
    let app = app().start().await.unwrap();
    let (spawner, ran) = (app.get::<Spawner>(), Arc::new(AtomicBool::new(false)));
    assert!(app.stop().await.is_clean());
    let (of_task, of_thread) = (ran.clone(), ran.clone());
    let refused = Err(TaskError::Refused { name: "late".into() });
    let task = spawner.spawn("late", async move { of_task.store(true, Ordering::Relaxed) });
    assert!(task.is_finished());
    assert_eq!(task.await, refused);
    let work = move || of_thread.store(true, Ordering::Relaxed);
    assert_eq!(spawner.spawn_blocking("late", work).await, refused);
    assert_eq!(spawner.detached("late", PATIENCE, async {}).await, refused);
    assert!(!ran.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_task_that_drains_may_still_spawn() {
    let app = app().start().await.unwrap();
    let spawner = app.get::<Spawner>();
    let inner = spawner.clone();
    let flushed = spawner.spawn("flush", async move {
        inner.stopping().await;
        inner.spawn("last write", async { "written" }).await
    });
    assert!(app.stop().await.is_clean());
    assert_eq!(flushed.await, Ok(Ok("written")));
}

#[tokio::test]
async fn an_application_that_is_dropped_aborts_its_tasks() {
    let log = Log::default();
    let app = app().start().await.unwrap();
    let spawner = app.get::<Spawner>();
    let task = spawner.spawn("endless", endless(log.clone()));
    tokio::task::yield_now().await;
    drop(app);
    assert_eq!(Clock::system().timeout(PATIENCE, task).await, Ok(Err(TaskError::Aborted)));
    assert_eq!(log.lines(), ["dropped"]);
    assert!(matches!(spawner.spawn("late", async {}).await, Err(TaskError::Refused { .. })));
}

#[tokio::test]
async fn a_start_that_fails_leaves_no_task() {
    let log = Log::default();
    let of_task = log.clone();
    let app = app().provide(move |spawner: Spawner| {
        spawner.spawn("endless", endless(of_task.clone()));
        async {
            tokio::task::yield_now().await;
            crate::error::bail!("no connection") as crate::error::Result<Arc<u8>>
        }
    });
    app.start().await.unwrap_err();
    let dropped = async {
        while log.lines().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    Clock::system().timeout(PATIENCE, dropped).await.unwrap();
}

/// Threads spawn as fast as they can while the tasks are stopped: whatever was taken ends, and what
/// came too late never began.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_that_is_spawned_while_all_stop_ends_or_never_begins() {
    for round in 0..200 {
        let spawner = Spawner::new(Handle::current(), Clock::system(), Events::default());
        let alive = Arc::new(AtomicUsize::new(0));
        let spawning: Vec<_> = (0..3)
            .map(|_| {
                let (spawner, alive) = (spawner.clone(), alive.clone());
                std::thread::spawn(move || {
                    let mut tasks = Vec::new();
                    for _ in 0..50 {
                        let alive = alive.clone();
                        tasks.push(spawner.spawn("endless", async move {
                            alive.fetch_add(1, Ordering::SeqCst);
                            let _alive = Leaving(alive);
                            std::future::pending::<()>().await;
                        }));
                    }
                    tasks
                })
            })
            .collect();
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        spawner.abort();
        let clock = Clock::system();
        clock.timeout(PATIENCE, spawner.drain()).await.expect("all that was taken ends");
        assert_eq!(alive.load(Ordering::SeqCst), 0);
        for task in spawning.into_iter().flat_map(|thread| thread.join().unwrap()) {
            let outcome = clock.timeout(PATIENCE, task).await.expect("it ends");
            let error = outcome.unwrap_err();
            assert!(matches!(error, TaskError::Aborted | TaskError::Refused { .. }), "{error}");
        }
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
}

struct Leaving(Arc<AtomicUsize>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What was taken before the drain was over has been awaited by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_drain_awaits_all_that_was_taken() {
    for _ in 0..300 {
        let spawner = Spawner::new(Handle::current(), Clock::system(), Events::default());
        let (ended, from_outside, counted) =
            (Arc::new(AtomicUsize::new(0)), spawner.clone(), Arc::new(AtomicUsize::new(0)));
        let (ends, counts) = (ended.clone(), counted.clone());
        let outside = std::thread::spawn(move || {
            loop {
                let ends = ends.clone();
                let task = from_outside.spawn("short", async move {
                    for _ in 0..20 {
                        tokio::task::yield_now().await;
                    }
                    ends.fetch_add(1, Ordering::Release);
                });
                if task.is_refused() {
                    return;
                }
                counts.fetch_add(1, Ordering::Release);
                while !task.is_finished() {
                    std::thread::yield_now();
                }
            }
        });
        spawner.drain().await;
        let ended = ended.load(Ordering::Acquire);
        outside.join().unwrap();
        assert_eq!(ended, counted.load(Ordering::Acquire), "a task outlived the drain");
    }
}
