use std::future::Future;

use purlin::{error::Result, needs::Needs};

use crate::cx::JobCx;

/// A function that does the work of a job: its arguments are needs, and it returns a future of
/// `Result<()>`.
///
/// Implemented for closures and functions of up to eight needs, before which a [`JobCx`] may come.
/// It is called once for each attempt.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the work of a job",
    note = "a job is a function of up to eight needs, with a `JobCx` before them if you like, that returns a future of `Result<()>`"
)]
pub trait Work<Args>: Send + Sync + 'static {
    /// What it needs.
    type Needs: Needs + Clone + Sync;

    /// Does the work once.
    fn run(
        &self,
        cx: JobCx,
        needs: Self::Needs,
    ) -> impl Future<Output = Result<()>> + Send + 'static;
}

/// Marks a function whose first argument is a [`JobCx`].
#[derive(Debug)]
pub struct WithCx<Args>(std::marker::PhantomData<fn() -> Args>);

macro_rules! works {
    ($($name:ident)*) => {
        #[expect(non_snake_case, reason = "a macro has no other names for the arguments")]
        impl<Func, Fut, $($name),*> Work<($($name,)*)> for Func
        where
            Func: Fn($($name),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<()>> + Send + 'static,
            ($($name,)*): Needs + Clone + Sync,
        {
            type Needs = ($($name,)*);

            fn run(&self, _: JobCx, ($($name,)*): Self::Needs) -> impl Future<Output = Result<()>> + Send + 'static {
                self($($name),*)
            }
        }

        #[expect(non_snake_case, reason = "a macro has no other names for the arguments")]
        impl<Func, Fut, $($name),*> Work<WithCx<($($name,)*)>> for Func
        where
            Func: Fn(JobCx, $($name),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<()>> + Send + 'static,
            ($($name,)*): Needs + Clone + Sync,
        {
            type Needs = ($($name,)*);

            fn run(&self, cx: JobCx, ($($name,)*): Self::Needs) -> impl Future<Output = Result<()>> + Send + 'static {
                self(cx, $($name),*)
            }
        }
    };
}

impl<Func, Fut> Work<()> for Func
where
    Func: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    type Needs = ();

    fn run(&self, _: JobCx, (): ()) -> impl Future<Output = Result<()>> + Send + 'static {
        self()
    }
}

impl<Func, Fut> Work<WithCx<()>> for Func
where
    Func: Fn(JobCx) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    type Needs = ();

    fn run(&self, cx: JobCx, (): ()) -> impl Future<Output = Result<()>> + Send + 'static {
        self(cx)
    }
}

works!(A);
works!(A B);
works!(A B C);
works!(A B C D);
works!(A B C D E);
works!(A B C D E F);
works!(A B C D E F G);
works!(A B C D E F G H);
