//! Best, median and worst of a series.

use std::fmt;

/// What a series of measurements comes to; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) best: f64,
    pub(crate) median: f64,
    pub(crate) worst: f64,
}

// === impl Spread ===

impl Spread {
    /// Sums up a series; `None` if there is nothing to sum up.
    pub(crate) fn of(mut series: Vec<f64>) -> Option<Self> {
        series.sort_by(f64::total_cmp);
        let (&best, &worst) = (series.first()?, series.last()?);
        let (low, high) = ((series.len() - 1) / 2, series.len() / 2);
        Some(Self { best, median: f64::midpoint(series[low], series[high]), worst })
    }

    /// The difference of the medians; none where it is below the way from best to median, which is
    /// what the machine alone makes of it.
    pub(crate) fn over(self, other: Self) -> String {
        let noise = (self.median - self.best).max(other.median - other.best);
        if (self.median - other.median).abs() <= noise {
            return "indistinguishable".to_owned();
        }
        format!("{:+.1} %", (self.median / other.median - 1.0) * 100.0)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { best, median, worst } = self;
        write!(f, "best {best:7.1}   median {median:7.1}   worst {worst:7.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        let odd = Spread::of(vec![9.0, 1.0, 2.0]).unwrap();
        assert_eq!(odd, Spread { best: 1.0, median: 2.0, worst: 9.0 });
        let even = Spread::of(vec![4.0, 1.0, 2.0, 9.0]).unwrap();
        assert_eq!(even, Spread { best: 1.0, median: 3.0, worst: 9.0 });
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn a_difference_below_the_spread_is_none() {
        let one = Spread { best: 9.0, median: 10.0, worst: 30.0 };
        let near = Spread { best: 10.5, median: 11.0, worst: 12.0 };
        let far = Spread { best: 19.0, median: 20.0, worst: 21.0 };
        assert_eq!(one.over(near), "indistinguishable");
        assert_eq!(far.over(one), "+100.0 %");
        assert_eq!(one.over(far), "-50.0 %");
    }
}
