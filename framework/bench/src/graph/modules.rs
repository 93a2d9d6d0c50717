use std::{
    str,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
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

/// How many are started and not stopped.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

pub(super) fn alive() -> usize {
    ALIVE.load(Ordering::Relaxed)
}

/// What module `N` gives.
struct Thing<const N: usize>;

/// Module `N`, which needs what modules `A` and `B` give.
struct Node<const N: usize, const A: usize, const B: usize>;

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
        ($builder:expr, $($tens:literal)*) => { $builder$(.module(Node::<$tens, { $tens - 1 }, { $tens / 2 }>))* };
    }
    let builder = none().module(Root);
    add!(builder,
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
        35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65
        66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96
        97 98 99
    )
}
