use std::{
    io::{self, Write},
    sync::{Arc, Barrier, Mutex, mpsc},
    time::Duration,
};

use purlin_core::{
    app::App,
    clock::Clock,
    page::{ActError, Page as _},
    spawner::Spawner,
};
use purlin_testing::{TestApp, eventually};
use serde_json::{Value, json};
use tracing::{Subscriber, debug, error, info, info_span, warn};
use tracing_subscriber::{layer::SubscriberExt as _, registry};

use super::*;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Subscribers that come and go on other threads change what `tracing` takes to be worth asking a
/// subscriber about: for a moment it may be nothing.
pub(crate) static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Longer than any flush takes.
const LIMIT: Duration = Duration::from_secs(60);

fn cx(output: &Output, development: bool) -> LoggerCx {
    LoggerCx {
        service: Service { name: "orders".to_owned(), version: "0.1.0".to_owned() },
        development,
        output: output.clone(),
        clock: Clock::held().0,
    }
}

/// What `work` logs through `logger`.
fn lines(logger: impl Logger, work: impl FnOnce()) -> String {
    let memory = Memory::default();
    let output = Output::new(memory.clone(), 100);
    let subscriber = registry().with(logger.layer(cx(&output, false)));
    let _one = ONE_AT_A_TIME.blocking_lock();
    tracing::subscriber::with_default(subscriber, work);
    output.flush(LIMIT).unwrap();
    memory.text()
}

fn json_line(work: impl FnOnce()) -> Value {
    let text = lines(Lines::new(Json), work);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_json_line_carries_what_the_spans_around_it_say() {
    let line = json_line(|| {
        let request = info_span!("request", correlation_id = "c-1", status = tracing::field::Empty);
        let _request = request.enter();
        let _inner = info_span!("create", component = "service", amount = 7_u64).entered();
        request.record("status", 201);
        info!(target: "orders::service", ok = true, ratio = 0.5, "created {}", "o-1");
    });
    assert_eq!(
        line,
        json!({
            "timestamp": "2030-01-01T00:00:00.000Z",
            "level": "info",
            "service": "orders",
            "version": "0.1.0",
            "component": "service",
            "method": "create",
            "target": "orders::service",
            "message": "created o-1",
            "correlation_id": "c-1",
            "status": 201,
            "amount": 7,
            "ok": true,
            "ratio": 0.5,
        })
    );
}

#[test]
fn the_innermost_of_two_fields_counts_and_standard_names_are_not_taken_over() {
    let line = json_line(|| {
        let _outer = info_span!("outer", tenant = "a", method = "GET").entered();
        warn!(tenant = "b", level = "mine", nan = f64::NAN, "said");
    });
    assert_eq!(line["tenant"], "b");
    assert_eq!(line["method"], "GET");
    assert_eq!((&line["level"], &line["field.level"]), (&json!("warn"), &json!("mine")));
    assert_eq!(line["nan"], "NaN");
    assert_eq!(line["component"], "purlin_telemetry::log::tests");
    assert_eq!(line.get("target"), None);
}

#[test]
fn the_method_is_what_the_innermost_span_does() {
    let line = json_line(|| {
        let _request = info_span!("request", method = "GET", route = "/orders").entered();
        let _create = info_span!("create").entered();
        info!("inside");
    });
    assert_eq!((&line["method"], &line["route"]), (&json!("create"), &json!("/orders")));
}

#[test]
fn an_error_is_written_with_its_causes() {
    let cause = io::Error::other("the disk is full");
    let error = purlin_core::error::Error::new(cause).context("save the order");
    let line = json_line(|| {
        error!(error = error.as_ref() as &(dyn std::error::Error + 'static), "failed")
    });
    assert_eq!(line["error"], "save the order: the disk is full");
}

#[test]
fn a_console_line_is_one_line() {
    let text = lines(Lines::new(Console::default()), || {
        let _span = info_span!("create", correlation_id = "c-1").entered();
        info!(component = "http", note = "two words", count = 3, "done\n\x1b[2Jfaked");
    });
    assert_eq!(
        text,
        "00:00:00.000 INFO  http create: done\\n\\e[2Jfaked correlation_id=c-1 note=\"two words\" count=3\n"
    );
}

#[test]
fn in_development_a_line_names_its_place() {
    let memory = Memory::default();
    let output = Output::new(memory.clone(), 100);
    let lines = Lines::new(Console { colours: true }).layer(cx(&output, true));
    let _one = ONE_AT_A_TIME.blocking_lock();
    tracing::subscriber::with_default(registry().with(lines), || info!("here"));
    output.flush(LIMIT).unwrap();
    let text = memory.text();
    assert!(text.contains("\x1b[32mINFO ") && text.contains("log/tests.rs:"), "{text:?}");
}

#[test]
fn another_logger_takes_the_place() {
    struct Terse;
    impl Format for Terse {
        fn write(&self, record: &Record<'_>, line: &mut Vec<u8>) {
            line.extend(format!("{}: {}\n", record.level, record.message).bytes());
        }
    }
    let text = lines(Lines::new(Terse), || warn!(x = 1, "full"));
    assert_eq!(text, "WARN: full\n");
}

fn stack(levels: &str, fatal: &Memory) -> (Memory, Output, Counts, Stack) {
    let memory = Memory::default();
    let output = Output::new(memory.clone(), 100);
    let logger = Lines::new(Console::default()).layer(cx(&output, false));
    let counts = Counts::default();
    let fatal = fatal.clone();
    let on_fatal = move |message: &str| fatal.clone().write_all(message.as_bytes()).unwrap();
    let stack =
        Stack::new(vec![logger], None, None, levels.parse().unwrap(), counts.clone(), on_fatal);
    (memory, output, counts, stack)
}

/// The page, in an application on a held clock.
async fn page(stack: &Stack) -> (TestApp, LoggersPage) {
    let app = TestApp::start_held(App::builder()).await;
    let waiter = Waiter { clock: app.get::<Clock>(), spawner: app.get::<Spawner>() };
    (app, LoggersPage::new(stack.levels(), waiter))
}

#[tokio::test]
async fn levels_change_while_running() {
    let (memory, output, counts, stack) = stack("info,sqlx=warn", &Memory::default());
    let (_app, page) = page(&stack).await;
    let subscriber: Arc<dyn Subscriber + Send + Sync> = stack.into_subscriber().into();
    let _one = ONE_AT_A_TIME.lock().await;
    let _default = tracing::subscriber::set_default(subscriber);
    let say = |what: &str| {
        info!(target: "sqlx::query", "{what} sqlx");
        debug!(target: "orders", "{what} orders");
    };
    say("first");
    let shown = page.act("set", json!({ "target": "sqlx", "level": "info" })).await.unwrap();
    assert_eq!(
        shown,
        json!({
            "default": "info",
            "targets": { "sqlx": "info" },
            "temporary": [],
            "configured": "info,sqlx=warn",
        })
    );
    page.act("set", json!({ "level": "debug" })).await.unwrap();
    say("then");
    page.act("reset", Value::Null).await.unwrap();
    say("last");
    output.flush(LIMIT).unwrap();
    let text = memory.text();
    assert!(text.contains("then sqlx") && text.contains("then orders"), "{text}");
    assert!(!text.contains("first") && !text.contains("last"), "{text}");
    assert_eq!(text.matches("log levels were changed").count(), 3);
    let counted: Vec<_> = counts.read().collect();
    assert_eq!(counted, [("error", 0), ("warn", 0), ("info", 4), ("debug", 1), ("trace", 0)]);
}

#[test]
fn only_an_error_that_says_so_is_fatal() {
    let fatal = Memory::default();
    let (_, _, _, stack) = stack("info", &fatal);
    let _one = ONE_AT_A_TIME.blocking_lock();
    tracing::subscriber::with_default(stack.into_subscriber(), || {
        error!(fatal = false, "not this one");
        warn!(fatal = true, "nor this");
        error!("nor that");
        error!(fatal = true, code = 7, "but {}", "this");
    });
    assert_eq!(fatal.text(), "but this");
}

#[tokio::test]
async fn a_wrong_change_of_levels_is_explained_and_changes_nothing() {
    let (_, _, _, stack) = stack("info", &Memory::default());
    let (_app, page) = page(&stack).await;
    for (input, said) in [
        (json!({ "level": "loud" }), "`loud` is no level"),
        (json!({ "target": " ", "level": "info" }), "the target is empty"),
        (json!({ "target": "sqlx" }), "missing field `level`"),
        (json!({ "level": "info", "ttl": 3 }), "unknown field `ttl`"),
        (json!({ "level": "info", "for": "soon" }), "`soon` is no time for a change"),
        (json!({ "level": "info", "for": "0s" }), "`0s` is no time for a change"),
        (json!({ "level": "info", "for": "25h" }), "at most 24h"),
    ] {
        let error = page.act("set", input).await.unwrap_err();
        assert!(matches!(&error, ActError::Invalid(text) if text.contains(said)), "{error}");
    }
    assert!(
        matches!(page.act("mute", Value::Null).await, Err(ActError::Unknown(action)) if action == "mute")
    );
    assert_eq!(page.read().await.unwrap()["default"], "info");
}

#[tokio::test]
async fn a_change_for_a_time_falls_back_by_itself() {
    let (_, _, _, stack) = stack("info,sqlx=warn", &Memory::default());
    let levels = stack.levels();
    let (app, page) = page(&stack).await;
    let set = async |target: Option<&str>, level: &str, time: Option<&str>| {
        let input = json!({ "target": target, "level": level, "for": time });
        page.act("set", input).await.unwrap()
    };
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let falls_back = async |to: &str| {
        eventually(async || levels.current().to_string() == to).await;
    };

    let shown = set(Some("sqlx"), "debug", Some("10m")).await;
    set(Some("h2"), "off", Some("20m")).await;
    set(None, "error", Some("30m")).await;
    assert_eq!(levels.current().to_string(), "error,h2=off,sqlx=debug");
    assert_eq!(shown["temporary"][0]["target"], "sqlx");
    assert!(shown["temporary"][0]["until"].as_str().unwrap().starts_with("2030-01-01T00:1"));

    // Set again, it lasts from then on, and falls back to what was there at first.
    app.hand().advance(minutes(9));
    set(Some("sqlx"), "trace", Some("10m")).await;
    app.hand().advance(minutes(9));
    assert_eq!(levels.current().to_string(), "error,h2=off,sqlx=trace");
    app.hand().advance(minutes(1));
    falls_back("error,h2=off,sqlx=warn").await;
    app.hand().advance(minutes(1));
    falls_back("error,sqlx=warn").await;

    // A change without a time is not undone by an earlier one.
    set(None, "debug", None).await;
    app.hand().advance(minutes(60));
    assert_eq!(page.read().await.unwrap()["default"], "debug");
    assert_eq!(page.read().await.unwrap()["temporary"], json!([]));
    assert!(app.stop().await.is_clean());
}

#[test]
fn noise_is_left_out_and_counted() {
    let memory = Memory::default();
    let output = Output::new(memory.clone(), 1000);
    let logger = Lines::new(Console::default()).layer(cx(&output, false));
    let ((clock, hand), left_out) = (Clock::held(), Counts::default());
    let rules = "debug=2,noise::polling=3".parse().unwrap();
    let sampler = Sampler::new(rules, clock, left_out.clone());
    let levels = "debug".parse().unwrap();
    let stack = Stack::new(vec![logger], None, sampler, levels, Counts::default(), |_| {});
    let _one = ONE_AT_A_TIME.blocking_lock();
    tracing::subscriber::with_default(stack.into_subscriber(), || {
        for _ in 0..2 {
            for _ in 0..10 {
                info!(target: "noise::polling", "polled");
                debug!(target: "quiet", "detail");
                debug!(target: "quiet", "another");
                info!(target: "quiet", "told");
                warn!(target: "noise::polling", "warned");
            }
            hand.advance(Duration::from_secs(1));
        }
    });
    output.flush(LIMIT).unwrap();
    let text = memory.text();
    let count = |what: &str| text.lines().filter(|line| line.ends_with(what)).count();
    assert_eq!((count("polled"), count("detail"), count("another")), (6, 4, 4), "{text}");
    assert_eq!((count("told"), count("warned")), (20, 20), "{text}");
    let counted: Vec<_> = left_out.read().collect();
    assert_eq!(counted, [("error", 0), ("warn", 0), ("info", 14), ("debug", 32), ("trace", 0)]);
}

#[test]
fn what_the_log_does_not_show_is_seen_by_the_traces() {
    #[derive(Clone, Default)]
    struct Spans(Arc<Mutex<Vec<&'static str>>>);

    impl<S: Subscriber> Layer<S> for Spans {
        fn on_new_span(
            &self,
            attributes: &tracing::span::Attributes<'_>,
            _: &tracing::span::Id,
            _: tracing_subscriber::layer::Context<'_, S>,
        ) {
            self.0.lock().unwrap().push(attributes.metadata().name());
        }
    }

    let memory = Memory::default();
    let output = Output::new(memory.clone(), 100);
    let logger = Lines::new(Console::default()).layer(cx(&output, false));
    let spans = Spans::default();
    let layer = spans.clone().with_filter(tracing::level_filters::LevelFilter::DEBUG).boxed();
    let levels = "warn".parse().unwrap();
    let stack = Stack::new(vec![logger], Some(layer), None, levels, Counts::default(), |_| {});
    let _one = ONE_AT_A_TIME.blocking_lock();
    tracing::subscriber::with_default(stack.into_subscriber(), || {
        let _request = info_span!("request").entered();
        let _query = tracing::debug_span!("query").entered();
        info!("not told");
        warn!("told");
    });
    output.flush(LIMIT).unwrap();
    assert_eq!(*spans.0.lock().unwrap(), ["request", "query"]);
    let text = memory.text();
    assert!(text.contains("told") && !text.contains("not told"), "{text}");
}

#[test]
fn rules_of_sampling_are_read_or_refused() {
    for wrong in ["debug", "=3", "warn=3", "error=1", "debug=-1", "debug=many"] {
        let error = wrong.parse::<Sampling>().unwrap_err();
        assert!(error.to_string().starts_with(&format!("`{wrong}` is no rule")), "{error}");
    }
    assert_eq!("".parse::<Sampling>().unwrap(), Sampling::default());
}

/// A pipe of which somebody takes a line whenever the test says so.
struct Pipe(mpsc::Receiver<()>, Memory);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An error means that the test lets everything through.
        let _ = self.0.recv();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_that_find_no_room_are_counted_and_nobody_waits() {
    let (free, stuck) = mpsc::channel();
    let memory = Memory::default();
    let output = Output::new(Pipe(stuck, memory.clone()), 2);
    for _ in 0..50 {
        output.write(b"line\n");
    }
    let lost = output.lost();
    assert!((46..=48).contains(&lost), "two may be in the hands of the thread: {lost}");
    drop(free);
    output.flush(LIMIT).unwrap();
    assert_eq!(memory.text().lines().count() as u64, 50 - lost);
    output.write(b"late\n");
    assert!(memory.text().ends_with("late\n"));
}

#[test]
fn nobody_waits_for_ever_for_a_log_that_is_not_read() {
    let (free, stuck) = mpsc::channel();
    let memory = Memory::default();
    let output = Output::new(Pipe(stuck, memory.clone()), 100);
    let short = Duration::from_millis(50);
    (0..7).for_each(|_| output.write(b"line\n"));
    let unwritten = output.flush(short).unwrap_err();
    assert_eq!(unwritten, Unwritten { lines: 7, limit: short });
    assert_eq!(
        unwritten.to_string(),
        "7 log lines are lost: whoever reads the log did not take them within 50ms \
         (logger.flush_timeout)"
    );
    output.write(b"nobody waits for this one\n");
    assert_eq!((output.lost(), memory.text()), (8, String::new()));
    drop(free);
}

#[test]
fn what_two_wait_for_is_lost_once() {
    let (free, stuck) = mpsc::channel();
    let output = Output::new(Pipe(stuck, Memory::default()), 100);
    (0..7).for_each(|_| output.write(b"line\n"));
    let patient = std::thread::spawn({
        let output = output.clone();
        move || output.flush(LIMIT)
    });
    let impatient = output.flush(Duration::from_millis(50));
    assert_eq!(impatient.unwrap_err().lines, 7);
    patient.join().unwrap().unwrap();
    assert_eq!(output.lost(), 7);
    drop(free);
}

/// The lines fill four chunks, of which two are taken.
#[test]
fn what_a_slow_reader_took_is_not_lost() {
    let (taken, pipe) = mpsc::channel();
    let memory = Memory::default();
    let output = Output::new(Pipe(pipe, memory.clone()), 1000);
    output.write(b"first\n");
    let line = [vec![b'x'; 1023], b"\n".to_vec()].concat();
    (0..200).for_each(|_| output.write(&line));
    (0..2).for_each(|_| taken.send(()).unwrap());
    let unwritten = output.flush(Duration::from_millis(300)).unwrap_err();
    let written = memory.text().lines().count() as u64;
    assert_eq!((written + unwritten.lines, output.lost()), (201, unwritten.lines));
    assert!((2..=200).contains(&written), "{written}");
    drop(taken);
}

#[test]
fn lines_that_cannot_be_written_are_counted() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let output = Output::new(Full, 100);
    (0..3).for_each(|_| output.write(b"line\n"));
    output.flush(LIMIT).unwrap();
    assert_eq!(output.lost(), 3);
}

/// What is written while the log is flushed is neither before nor after: it must not fall in between.
#[test]
fn no_line_is_lost_to_a_flush() {
    const WRITERS: usize = 8;
    const LINES: usize = 50;
    for _ in 0..1000 {
        let memory = Memory::default();
        let output = Output::new(memory.clone(), WRITERS * LINES);
        let begin = Arc::new(Barrier::new(WRITERS + 1));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (output, begin) = (output.clone(), begin.clone());
                std::thread::spawn(move || {
                    begin.wait();
                    (0..LINES).for_each(|_| output.write(b"said\n"));
                })
            })
            .collect();
        begin.wait();
        std::thread::yield_now();
        output.flush(LIMIT).unwrap();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert_eq!((memory.text().lines().count(), output.lost()), (WRITERS * LINES, 0));
    }
}
