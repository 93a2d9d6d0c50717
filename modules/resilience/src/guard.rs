use std::{fmt, future::Future, sync::Arc, time::Duration};

use purlin::{
    clock::{Clock, Instant},
    error::ServiceError,
    needs::Handle,
};

use crate::{
    breaker::{Breaker, Permit},
    budget::RetryBudget,
    builder::GuardBuilder,
    bulkhead::{Bulkhead, Slot},
    error::{Error, Stop},
    metrics::Instruments,
    retry::Retry,
    verdict::{Outcome, Verdict, by_code},
};

/// Deadline, bulkhead, retry, breaker and timeout around the calls to one upstream.
///
/// It is a handle; all clones are one guard. See the [crate] for the order of its parts, and
/// [`GuardBuilder`] for how it is made.
#[derive(Clone)]
pub struct Guard(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) name: Arc<str>,
    pub(crate) clock: Clock,
    pub(crate) deadline: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Option<Retry>,
    pub(crate) budget: Option<RetryBudget>,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) bulkhead: Option<Bulkhead>,
    pub(crate) instruments: Instruments,
}

/// How an attempt ended, within its own limits.
enum Reply<T, E> {
    Returned(Result<T, E>),
    TimedOut(Duration),
}

/// The deadline of the call came before the end of the attempt.
struct Cut;

/// An ended attempt, and what was made of it.
struct Attempt<T, E> {
    reply: Reply<T, E>,
    verdict: Verdict,
    number: u32,
}

// === impl Guard ===

impl Guard {
    /// Begins a guard whose errors and metrics say `name`: the upstream, as operators call it.
    pub fn builder(name: impl Into<Arc<str>>) -> GuardBuilder {
        GuardBuilder::new(name.into())
    }

    /// Calls `work`, and repeats it while its error is `Unavailable` or it runs into the timeout.
    ///
    /// ```
    /// # use purlin_resilience::{Error, Guard};
    /// # async fn example<E: purlin_core::error::ServiceError>(
    /// #     guard: Guard,
    /// #     fetch: impl AsyncFn(u64) -> Result<String, E>,
    /// # ) -> Result<String, Error<E>> {
    /// guard.call(|| fetch(7)).await
    /// # }
    /// ```
    /// `work` must be idempotent; [`once`](Self::once) is for what is not. The verdict on each
    /// outcome is that of [`by_code`]. Dropping the call at any point gives back what it holds.
    ///
    /// # Errors
    /// [`Error`], which wraps the error of the last attempt.
    pub async fn call<T, E, F, Fut>(&self, work: F) -> Result<T, Error<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: ServiceError,
    {
        self.call_with(by_code, work).await
    }

    /// Calls `work`, and repeats it while `judge` finds its outcome transient.
    ///
    /// ```
    /// # use std::io;
    /// # use purlin_resilience::{Guard, Outcome, Verdict};
    /// # async fn example(guard: Guard, get: impl AsyncFn() -> io::Result<u16>) {
    /// let status = guard
    ///     .call_with(
    ///         |outcome| match outcome {
    ///             Outcome::Done(503) | Outcome::Failed(_) => Verdict::Transient,
    ///             Outcome::Done(500..) | Outcome::TimedOut(_) => Verdict::Fault,
    ///             Outcome::Done(_) => Verdict::Fine,
    ///         },
    ///         || get(),
    ///     )
    ///     .await;
    /// # }
    /// ```
    /// A value that is found at fault is returned as a value when it is not repeated (any more).
    ///
    /// # Errors
    /// [`Error`], which wraps the error of the last attempt.
    pub async fn call_with<T, E, J, F, Fut>(&self, judge: J, work: F) -> Result<T, Error<E>>
    where
        J: Fn(Outcome<'_, T, E>) -> Verdict,
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.counted(judge, work, true).await
    }

    /// Calls `work` once, under all parts but the retry.
    ///
    /// # Errors
    /// [`Error`], which wraps the error of `work`.
    pub async fn once<T, E, F, Fut>(&self, work: F) -> Result<T, Error<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: ServiceError,
    {
        self.once_with(by_code, work).await
    }

    /// Calls `work` once, under all parts but the retry; `judge` tells the breaker what came of it.
    ///
    /// # Errors
    /// [`Error`], which wraps the error of `work`.
    pub async fn once_with<T, E, J, F, Fut>(&self, judge: J, work: F) -> Result<T, Error<E>>
    where
        J: Fn(Outcome<'_, T, E>) -> Verdict,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let mut work = Some(work);
        let work = || work.take().expect("what is not repeated is called once")();
        self.counted(judge, work, false).await
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The breaker, if there is one: for health, and for workers that pause with it.
    pub fn breaker(&self) -> Option<&Breaker> {
        self.0.breaker.as_ref()
    }

    /// The bulkhead, if there is one.
    pub fn bulkhead(&self) -> Option<&Bulkhead> {
        self.0.bulkhead.as_ref()
    }

    async fn counted<T, E, J, F, Fut>(&self, judge: J, work: F, repeat: bool) -> Result<T, Error<E>>
    where
        J: Fn(Outcome<'_, T, E>) -> Verdict,
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let count = self.0.instruments.call();
        match self.0.run(judge, work, repeat).await {
            Ok((value, verdict)) => {
                count.ended(if verdict.is_fault() { "failed" } else { "ok" });
                Ok(value)
            }
            Err(error) => {
                count.ended(error.label());
                Err(error)
            }
        }
    }
}

impl Handle for Guard {}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { name, deadline, timeout, retry, budget, breaker, bulkhead, .. } = &*self.0;
        f.debug_struct("Guard")
            .field("name", name)
            .field("deadline", deadline)
            .field("timeout", timeout)
            .field("retry", retry)
            .field("budget", budget)
            .field("breaker", breaker)
            .field("bulkhead", bulkhead)
            .finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    async fn run<T, E, J, F, Fut>(
        &self,
        judge: J,
        mut work: F,
        repeat: bool,
    ) -> Result<(T, Verdict), Error<E>>
    where
        J: Fn(Outcome<'_, T, E>) -> Verdict,
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let until = self.deadline.map(|deadline| self.clock.now() + deadline);
        let _slot = self.enter().await?;
        if let Some(budget) = &self.budget {
            budget.deposit();
        }
        let mut last: Option<Attempt<T, E>> = None;
        for number in 1.. {
            let permit = match self.breaker.as_ref().map(Breaker::acquire).transpose() {
                Ok(permit) => permit,
                Err(open) => {
                    return match last {
                        Some(last) => self.end(last, Stop::Breaker),
                        None => Err(open.into()),
                    };
                }
            };
            let Ok(reply) = self.attempt(work(), until).await else {
                self.blame_for_cut(permit);
                return Err(self.late(number, last.and_then(Attempt::into_error)));
            };
            let verdict = judge(reply.outcome());
            match permit {
                Some(permit) if verdict.is_fault() => permit.failed(),
                Some(permit) => permit.succeeded(),
                None => {}
            }
            let attempt = Attempt { reply, verdict, number };
            let pause = match self.pause(&attempt, until, repeat) {
                Ok(pause) => pause,
                Err(stop) => return self.end(attempt, stop),
            };
            last = Some(attempt);
            self.clock.sleep(pause).await;
        }
        unreachable!("the last attempt returns")
    }

    async fn enter<E>(&self) -> Result<Option<Slot>, Error<E>> {
        let Some(bulkhead) = &self.bulkhead else { return Ok(None) };
        let slot = match self.deadline {
            None => bulkhead.acquire().await,
            Some(deadline) => self
                .clock
                .timeout(deadline, bulkhead.acquire())
                .await
                .map_err(|_| self.late(0, None))?,
        };
        Ok(Some(slot?))
    }

    async fn attempt<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>>,
        until: Option<Instant>,
    ) -> Result<Reply<T, E>, Cut> {
        let left = until.map(|until| until - self.clock.now());
        let limit = match (self.timeout, left) {
            (Some(timeout), Some(left)) => Some(timeout.min(left)),
            (timeout, left) => timeout.or(left),
        };
        let Some(limit) = limit else { return Ok(Reply::Returned(work.await)) };
        match self.clock.timeout(limit, work).await {
            Ok(result) => Ok(Reply::Returned(result)),
            Err(_) if self.timeout == Some(limit) => Ok(Reply::TimedOut(limit)),
            Err(_) => Err(Cut),
        }
    }

    /// The pause before the next attempt, or why there is none.
    fn pause<T, E>(
        &self,
        attempt: &Attempt<T, E>,
        until: Option<Instant>,
        repeat: bool,
    ) -> Result<Duration, Stop> {
        let least = match attempt.verdict {
            Verdict::Transient if repeat => Duration::ZERO,
            Verdict::TransientAfter(least) if repeat => least,
            _ => return Err(Stop::Verdict),
        };
        let pause = self.retry.as_ref().and_then(|retry| retry.pause(attempt.number));
        let pause = pause.ok_or(Stop::Attempts)?.max(least);
        if until.is_some_and(|until| self.clock.now() + pause >= until) {
            return Err(Stop::Deadline);
        }
        if self.budget.as_ref().is_some_and(|budget| !budget.withdraw()) {
            self.instruments.retry("no_budget");
            return Err(Stop::Budget);
        }
        self.instruments.retry("made");
        Ok(pause)
    }

    /// An attempt that had less time than its timeout, because others had used it up, says nothing
    /// about the upstream. Without a timeout the deadline takes its place.
    fn blame_for_cut(&self, permit: Option<Permit>) {
        if let Some(permit) = permit
            && self.timeout.is_none()
        {
            permit.failed();
        }
    }

    fn end<T, E>(&self, attempt: Attempt<T, E>, stop: Stop) -> Result<(T, Verdict), Error<E>> {
        let Attempt { reply, verdict, number: attempts } = attempt;
        match reply {
            Reply::Returned(Ok(value)) => Ok((value, verdict)),
            Reply::Returned(Err(source)) => Err(Error::Failed { source, attempts, stop }),
            Reply::TimedOut(limit) => {
                Err(Error::TimedOut { guard: self.name.clone(), limit, attempts, stop })
            }
        }
    }

    fn late<E>(&self, attempts: u32, last: Option<E>) -> Error<E> {
        let limit = self.deadline.unwrap_or_default();
        Error::DeadlineExceeded { guard: self.name.clone(), limit, attempts, last }
    }
}

// === impl Reply ===

impl<T, E> Reply<T, E> {
    fn outcome(&self) -> Outcome<'_, T, E> {
        match self {
            Self::Returned(Ok(value)) => Outcome::Done(value),
            Self::Returned(Err(error)) => Outcome::Failed(error),
            Self::TimedOut(limit) => Outcome::TimedOut(*limit),
        }
    }
}

// === impl Attempt ===

impl<T, E> Attempt<T, E> {
    fn into_error(self) -> Option<E> {
        match self.reply {
            Reply::Returned(result) => result.err(),
            Reply::TimedOut(_) => None,
        }
    }
}
