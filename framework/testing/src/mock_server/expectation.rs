use std::{
    fmt,
    ops::{RangeFrom, RangeInclusive, RangeToInclusive},
    sync::{Arc, Mutex},
};

use tokio::sync::watch;

use super::{Answer, Received, Reply, When, lock, when::Mismatch};

/// An expectation of a [`MockServer`](super::MockServer).
#[derive(Clone)]
#[must_use = "by itself it is expected once at least; say `times`, or bind it to look at its calls"]
pub struct Mock(pub(super) Arc<Expectation>);

/// How often something is expected: `2`, `1..`, `0..=3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    least: usize,
    most: usize,
}

pub(super) struct Expectation {
    when: When,
    answer: Box<dyn Answer>,
    state: Mutex<State>,
    /// Whether its answers go out.
    open: watch::Sender<bool>,
}

struct State {
    times: Times,
    received: Vec<Received>,
}

// === impl Mock ===

impl Mock {
    /// Expects it so often: neither more nor less.
    ///
    /// ```
    /// # use purlin_testing::{MockServer, Reply, When};
    /// let bank = MockServer::start();
    /// bank.mock(When::get("/rates"), Reply::status(200)).times(0..);
    /// ```
    pub fn times(&self, times: impl Into<Times>) {
        lock(&self.0.state).times = times.into();
    }

    /// From now on requests wait for their answers, until they are [released](Self::release).
    ///
    /// ```
    /// # use purlin_testing::{Client, MockServer, Reply, When, eventually};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let bank = MockServer::start();
    /// let rates = bank.mock(When::get("/rates"), Reply::status(200));
    /// rates.hold();
    /// let meanwhile = async {
    ///     eventually(async || rates.calls() == 1).await;
    ///     // Here the request is under way.
    ///     rates.release();
    /// };
    /// let client = Client::new(bank.address());
    /// let (answer, ()) = tokio::join!(async { client.get("/rates").await }, meanwhile);
    /// answer.expect(200);
    /// # }
    /// ```
    pub fn hold(&self) {
        self.0.open.send_replace(false);
    }

    /// Lets the answers go that were [held](Self::hold), and those to come.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    /// How often it came.
    pub fn calls(&self) -> usize {
        lock(&self.0.state).received.len()
    }

    /// The requests that it answered, in order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.0.state).received.clone()
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock").field("when", &self.0.when).finish_non_exhaustive()
    }
}

// === impl Expectation ===

impl Expectation {
    pub(super) fn new(when: When, answer: Box<dyn Answer>) -> Self {
        let state = State { times: Times::default(), received: Vec::new() };
        Self { when, answer, state: Mutex::new(state), open: watch::Sender::new(true) }
    }

    /// Answers the request, or says what does not match.
    pub(super) fn take(&self, request: &Received) -> Result<Reply, Mismatch> {
        let mut mismatch = self.when.compare(request);
        let mut state = lock(&self.state);
        let calls = state.received.len();
        if calls >= state.times.most {
            mismatch.wrong.push(format!("it was expected {}, and this is one more", state.times));
        }
        if !mismatch.wrong.is_empty() {
            return Err(mismatch);
        }
        state.received.push(request.clone());
        drop(state);
        let reply = self.answer.answer(calls, request);
        Ok(Reply { gate: Some(self.open.subscribe()), ..reply })
    }

    /// What is wrong with how often it came.
    pub(super) fn shortfall(&self) -> Option<String> {
        let state = lock(&self.state);
        let (times, calls) = (state.times, state.received.len());
        let came = match calls {
            0 => "it never came".to_owned(),
            calls => format!("it came {}", Count(calls)),
        };
        (calls < times.least).then(|| format!("{} was expected {times}, and {came}", self.when))
    }

    pub(super) fn when(&self) -> &When {
        &self.when
    }
}

// === impl Times ===

impl Default for Times {
    fn default() -> Self {
        Self::from(1..)
    }
}

impl From<usize> for Times {
    fn from(times: usize) -> Self {
        Self { least: times, most: times }
    }
}

impl From<RangeFrom<usize>> for Times {
    fn from(times: RangeFrom<usize>) -> Self {
        Self { least: times.start, most: usize::MAX }
    }
}

impl From<RangeInclusive<usize>> for Times {
    fn from(times: RangeInclusive<usize>) -> Self {
        Self { least: *times.start(), most: *times.end() }
    }
}

impl From<RangeToInclusive<usize>> for Times {
    fn from(times: RangeToInclusive<usize>) -> Self {
        Self { least: 0, most: times.end }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { least, most } if least == most => Count(least).fmt(f),
            Self { least: 0, most: usize::MAX } => f.write_str("any number of times"),
            Self { least, most: usize::MAX } => write!(f, "{} at least", Count(least)),
            Self { least: 0, most } => write!(f, "{} at most", Count(most)),
            Self { least, most } => write!(f, "{least} to {most} times"),
        }
    }
}

/// `once`, `3 times`.
struct Count(usize);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("never"),
            1 => f.write_str("once"),
            many => write!(f, "{many} times"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_one_would_say_them() {
        let said = |times: Times| times.to_string();
        assert_eq!(said(0.into()), "never");
        assert_eq!(said(1.into()), "once");
        assert_eq!(said(2.into()), "2 times");
        assert_eq!(said((1..).into()), "once at least");
        assert_eq!(said((0..).into()), "any number of times");
        assert_eq!(said((..=3).into()), "3 times at most");
        assert_eq!(said((2..=3).into()), "2 to 3 times");
    }
}
