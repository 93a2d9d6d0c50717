use std::{
    str,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use purlin_core::{
    app::{App, AppBuilder},
    config::NoConfig,
    error::Result,
    init::Init,
    module::Module,
};

/// How many modules there are.
pub(super) const COUNT: usize = 100;

/// The slow modules: how many there are, how many of them are on the longest path, and how long each
/// takes to start.
pub(super) struct Slow {
    pub(super) count: u32,
    pub(super) depth: u32,
    pub(super) each: Duration,
}

/// See [`slow`].
pub(super) const SLOW: Slow = Slow { count: 12, depth: 3, each: Duration::from_millis(20) };

/// How many are started and not stopped.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

pub(super) fn alive() -> usize {
    ALIVE.load(Ordering::Relaxed)
}

/// What module `N` gives.
struct Thing<const N: usize>;

/// Module `N`, which needs what modules `A` and `B` give, and takes a while to start.
struct Node<const N: usize, const A: usize, const B: usize>(Duration);

/// Module 0, which needs nothing.
struct Root;

// === impl Node ===

impl<const N: usize, const A: usize, const B: usize> Node<N, A, B> {
    const NAME: &'static [u8] = &[b'm', digit(N, 10), digit(N, 1)];
}

const fn digit(number: usize, place: usize) -> u8 {
    b'0' + (number / place % 10) as u8
}

impl<const N: usize, const A: usize, const B: usize> Module for Node<N, A, B> {
    const NAME: &'static str = match str::from_utf8(Self::NAME) {
        Ok(name) => name,
        Err(_) => panic!("a letter and two digits are UTF-8"),
    };
    type Config = NoConfig;
    type Needs = (Arc<Thing<A>>, Arc<Thing<B>>);
    type Gives = Arc<Thing<N>>;

    async fn init(&self, _: NoConfig, _: Self::Needs, cx: &mut Init) -> Result<Self::Gives> {
        if !self.0.is_zero() {
            cx.clock().sleep(self.0).await;
        }
        Ok(start(cx))
    }
}

impl Module for Root {
    const NAME: &'static str = "m00";
    type Config = NoConfig;
    type Needs = ();
    type Gives = Arc<Thing<0>>;

    async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<Self::Gives> {
        Ok(start(cx))
    }
}

fn start<const N: usize>(cx: &mut Init) -> Arc<Thing<N>> {
    let thing = Arc::new(Thing);
    ALIVE.fetch_add(1, Ordering::Relaxed);
    cx.undo("stop", &thing, |_| async {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    });
    thing
}

/// An application without modules of its own.
pub(super) fn none() -> AppBuilder {
    // A release build waits for load balancers before it stops; there are none.
    let builder = App::builder().package(purlin_core::package!());
    builder.set("lifecycle.drain_delay", "0s")
}

/// The same with 100 modules: module n needs modules n-1 and n/2.
pub(super) fn all() -> AppBuilder {
    macro_rules! add {
        ($builder:expr, $($n:literal)*) => {
            $builder$(.module(Node::<$n, { $n - 1 }, { $n / 2 }>(Duration::ZERO)))*
        };
    }
    let builder = none().module(Root);
    add!(builder,
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
        35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65
        66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96
        97 98 99
    )
}

/// The same with 12 modules that take a while to start: module n needs module n-4.
pub(super) fn slow() -> AppBuilder {
    macro_rules! add {
        ($builder:expr, $($n:literal on $on:literal)*) => {
            $builder$(.module(Node::<$n, $on, $on>(SLOW.each)))*
        };
    }
    let builder = none().module(Root);
    add!(builder,
        1 on 0  2 on 0  3 on 0   4 on 0
        5 on 1  6 on 2  7 on 3   8 on 4
        9 on 5  10 on 6 11 on 7  12 on 8
    )
}
