//! Ten thousand connections at a time: what they cost, whom they keep waiting, and how they end.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test by panicking")]

extern crate purlin_core as purlin;

mod client;
#[path = "../rolling/process.rs"]
mod process;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use purlin::clock::Clock;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::task::JoinSet;

use self::{client::Client, process::Service};

const CONNECTIONS: usize = 10_000;

/// So many are opened at a time.
const AT_A_TIME: usize = 200;

/// Those who use the service meanwhile, and how many of their requests are measured.
const CLIENTS: usize = 8;
const REQUESTS: u64 = 2_000;

/// What a process has open besides: libraries, pipes, the other clients.
const OTHER_FILES: u64 = 200;

/// No request of the others takes so long, on a machine that has other things to do, too.
const SLOWEST: Duration = Duration::from_secs(5);

/// How long requests took, from the fastest to the slowest.
struct Figures(Vec<Duration>);

/// Who asks one thing after the other, until there is enough.
struct Load {
    clients: JoinSet<(Client, Vec<Duration>)>,
    answered: Arc<AtomicU64>,
    enough: Arc<AtomicBool>,
}

/// Each is kept after an answer, and costs memory alone; a stop closes them all in order.
///
/// Server and clients are processes of their own, since each end of a connection is an open file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_are_kept_and_drained() {
    let files = CONNECTIONS as u64 + OTHER_FILES;
    allow_open_files(files);
    let settings = [
        "http.layers.access_log=false",
        &format!("http.max_connections={files}"),
        "http.idle_timeout=10m",
        "http.drain=60s",
        "lifecycle.stop_timeout=90s",
    ];
    let mut service = Service::start("127.0.0.1:0", &settings).await;
    service.is_asked_for_something().await;
    let (clock, address) = (Clock::system(), service.address.clone());
    let memory = resident(&service);

    let began = clock.now();
    let beside = Load::start(&address);
    let opened = stream::iter(0..CONNECTIONS).map(|_| async {
        let mut client = Client::connect(&address).await;
        client.ask().await;
        client
    });
    let mut clients: Vec<_> = opened.buffer_unordered(AT_A_TIME).collect().await;
    let took = clock.now().since(began);
    let (others, opening) = beside.stop().await;
    clients.extend(others);

    let each = (resident(&service) - memory) / CONNECTIONS as f64;
    let beside = Load::start(&address);
    beside.has_asked(REQUESTS).await;
    let (others, held) = beside.stop().await;
    clients.extend(others);
    // Those that were kept are kept still.
    for client in clients.iter_mut().step_by(1000) {
        client.ask().await;
    }

    let open = clients.len();
    let began = clock.now();
    service.signal(Signal::TERM);
    let closed = stream::iter(clients).for_each_concurrent(None, Client::closed_in_order);
    let ((code, report), ()) = tokio::join!(service.end(), closed);
    let stopped = clock.now().since(began);

    println!(
        "{open} connections · opened in {took:.2?} · {each:.1} KiB each · closed in {stopped:.2?}\n\
         beside it, while they are opened: {opening}\n\
         beside it, while they are kept: {held}"
    );
    assert_eq!(code, 0, "{report}");
    let told = format!("{open} connections closed, 0 requests finished");
    assert!(report.contains(&told), "no {told:?} in:\n{report}");
    assert!(each < 100.0, "a connection that is kept takes {each} KiB");
    assert!(opening.slowest() < SLOWEST && held.slowest() < SLOWEST, "somebody had to wait");
}

/// Lets this process, and those that it starts, open so many files.
fn allow_open_files(count: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= count) {
        return;
    }
    if let Some(hard) = limit.maximum.filter(|hard| *hard < count) {
        panic!(
            "this test needs {count} open files in each of two processes, and the hard limit of \
             this machine is {hard} (`ulimit -Hn`): raise it, in a container by \
             `--ulimit nofile={count}`"
        );
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(count), ..limit }).unwrap();
}

/// The resident memory of a service, in KiB.
fn resident(service: &Service) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

// === impl Load ===

impl Load {
    fn start(address: &str) -> Self {
        let (answered, enough) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (answered, enough) = (answered.clone(), enough.clone());
            let (address, clock) = (address.to_owned(), Clock::system());
            clients.spawn(async move {
                let (mut client, mut took) = (Client::connect(&address).await, Vec::new());
                while !enough.load(Relaxed) {
                    let began = clock.now();
                    client.ask().await;
                    took.push(clock.now().since(began));
                    answered.fetch_add(1, Relaxed);
                    clock.sleep(Duration::from_millis(1)).await;
                }
                (client, took)
            });
        }
        Self { clients, answered, enough }
    }

    async fn has_asked(&self, times: u64) {
        let enough = async {
            while self.answered.load(Relaxed) < times {
                Clock::system().sleep(Duration::from_millis(1)).await;
            }
        };
        client::within(enough).await;
    }

    /// The connections, which remain open, and what was measured.
    async fn stop(self) -> (Vec<Client>, Figures) {
        self.enough.store(true, Relaxed);
        let (clients, took): (Vec<_>, Vec<_>) = self.clients.join_all().await.into_iter().unzip();
        let mut took = took.concat();
        took.sort_unstable();
        (clients, Figures(took))
    }
}

// === impl Figures ===

impl Figures {
    fn quantile(&self, part: f64) -> Duration {
        self.0[((self.0.len() - 1) as f64 * part) as usize]
    }

    fn slowest(&self) -> Duration {
        self.quantile(1.0)
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (p50, p99) = (self.quantile(0.5), self.quantile(0.99));
        let (count, slowest) = (self.0.len(), self.slowest());
        write!(f, "{count} requests, p50 {p50:.2?}, p99 {p99:.2?}, slowest {slowest:.2?}")
    }
}
