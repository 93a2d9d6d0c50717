use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use purlin::{
    app::{App, AppBuilder},
    async_trait,
    config::{Config, DataDir, Listen},
    error::{Context, Result},
    init::Init,
    module::Module,
    runnable::{Run, RunCx, Runnable},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

/// An application of one server and one worker.
pub(crate) fn app(log: Log) -> AppBuilder {
    App::builder()
        .package(purlin::package!())
        .supply(Arc::new(log))
        .supply(Arc::new(Heart::default()))
        .module(Echo)
        .runnable(Run::new("heart", |heart: Arc<Heart>| Beating { heart }))
}

/// What was done, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn add(&self, line: &'static str) {
        self.lock().push(line);
    }

    pub(crate) fn lines(&self) -> Vec<&'static str> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers every request with the path of its data.
struct Echo;

#[derive(Config)]
struct EchoConfig {
    /// Where it listens.
    #[config(default = "7")]
    listen: Listen,
    /// Where its data lies.
    #[config(default = "data/echo")]
    data: DataDir,
}

impl Module for Echo {
    const NAME: &'static str = "echo";
    type Config = EchoConfig;
    type Needs = Arc<Log>;
    type Gives = ();

    async fn init(&self, config: EchoConfig, log: Arc<Log>, cx: &mut Init) -> Result<()> {
        let address = config.listen.addr();
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("could not bind {address}"))?;
        log.add("bound");
        cx.undo("close the listener", &log, |log| async move { log.add("closed") });
        cx.listening(listener.local_addr()?);
        let (listener, data) = (Arc::new(listener), config.data);
        cx.run("echo", move || Accepting { listener: listener.clone(), data: data.clone() });
        Ok(())
    }
}

struct Accepting {
    listener: Arc<TcpListener>,
    data: DataDir,
}

#[async_trait]
impl Runnable for Accepting {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        loop {
            let accepted = tokio::select! {
                () = cx.stopping() => return Ok(()),
                accepted = self.listener.accept() => accepted,
            };
            let (mut stream, _) = accepted?;
            let mut line = String::new();
            BufReader::new(&mut stream).read_line(&mut line).await?;
            let body = self.data.join("echo").display().to_string();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}

/// Beats once an hour.
#[derive(Default)]
pub(crate) struct Heart(AtomicU64);

impl Heart {
    pub(crate) fn beats(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Beating {
    heart: Arc<Heart>,
}

#[async_trait]
impl Runnable for Beating {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let mut tick = cx.interval(Duration::from_secs(3600));
        cx.ready();
        while tick.next().await.is_some() {
            self.heart.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}
