//! How often the verdict errs at the thresholds of [`super::THRESHOLDS`]: counts, and what they were counted on.

/// The two ways in which a verdict errs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mistake {
    /// An imprint of the registered seal is not said to match.
    FalseRefusal,
    /// An imprint of another seal is said to match.
    FalseAcceptance,
}

/// What the imprints of a count are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The project's model of seals, stamping, scanning and forging: its seals, inks and forgeries are drawn by a program,
    /// and imprints of other seals, inks and scanners may err more often.
    Model,
    /// Imprints of two real name seals, 300 dpi.
    Real,
}

/// So many errors in so many trials, at the thresholds as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorRate {
    /// Which way it errs.
    pub mistake: Mistake,
    /// What the imprints are.
    pub source: Source,
    /// What was tried, in words.
    pub trial: &'static str,
    /// The coverage of these imprints: from, and below.
    pub coverage: (f64, f64),
    /// How often the verdict was wrong.
    pub errors: u32,
    /// How often it was tried.
    pub trials: u32,
}

/// When the rates were counted.
pub const RATES_DATE: &str = "2026-11-28";

/// What they were counted on. `make accuracy PART="forgeries others real"` counts again, on more seals.
pub const RATES_SET: &str = "120 seals of seeds B of the model of seals, on which no limit was set, 300 dpi, black print over \
                             60% of the imprints, 10% and 25% of the ink lost; and the real imprints kept for development";

const fn rate(
    mistake: Mistake,
    source: Source,
    trial: &'static str,
    coverage: (f64, f64),
    errors: u32,
    trials: u32,
) -> ErrorRate {
    ErrorRate { mistake, source, trial, coverage, errors, trials }
}

use Mistake::{FalseAcceptance, FalseRefusal};
use Source::{Model, Real};

const FULL: (f64, f64) = (0.85, 1.01);
const FAINT: (f64, f64) = (0.5, 0.85);
const ANY: (f64, f64) = (0.0, 1.01);
const CLEAR: (f64, f64) = (0.5, 1.01);

/// The counts. An imprint without a verdict (insufficient) is neither refused nor accepted.
pub const ERROR_RATES: [ErrorRate; 11] = [
    rate(FalseRefusal, Model, "genuine imprints", FULL, 4, 277),
    rate(FalseRefusal, Model, "genuine imprints", FAINT, 16, 669),
    rate(FalseRefusal, Real, "genuine imprints", CLEAR, 2, 151),
    rate(FalseAcceptance, Real, "a seal of another name", ANY, 0, 153),
    rate(FalseAcceptance, Model, "a seal of another company", ANY, 0, 3_000),
    rate(FalseAcceptance, Model, "the same company, another purpose and code", ANY, 25, 240),
    rate(
        FalseAcceptance,
        Model,
        "characters placed anew: by 0.085 mm or more, or spaced by 2 % or more",
        ANY,
        23,
        1412,
    ),
    rate(FalseAcceptance, Model, "characters placed anew: by 0.04 to 0.06 mm, or spaced by 1 %", ANY, 327, 706),
    rate(FalseAcceptance, Model, "another typeface of the family", ANY, 124, 234),
    rate(FalseAcceptance, Model, "star, border or weight of the strokes changed", ANY, 55, 880),
    rate(FalseAcceptance, Model, "traced from a scan of 150 dpi", ANY, 61, 240),
];

impl ErrorRate {
    /// The share of the trials that erred.
    pub fn rate(&self) -> f64 {
        f64::from(self.errors) / f64::from(self.trials.max(1))
    }

    /// The interval that holds the true rate with 95% confidence.
    ///
    /// # Source
    /// Clopper and Pearson 1934: exact, from the tails of the binomial distribution.
    pub fn interval(&self) -> (f64, f64) {
        if self.trials == 0 {
            return (0.0, 1.0);
        }
        let (k, n) = (self.errors.min(self.trials), self.trials);
        // Both tails fall as the rate leaves the count.
        let low = if k == 0 { 0.0 } else { root(|p| 1.0 - at_most(k - 1, n, p) < TAIL) };
        let high = if k == n { 1.0 } else { root(|p| at_most(k, n, p) > TAIL) };
        (low, high)
    }

    /// Whether it was counted on imprints of this coverage.
    pub(super) fn holds_at(&self, coverage: f64) -> bool {
        (self.coverage.0..self.coverage.1).contains(&coverage)
    }
}

/// Half of what a 95% interval leaves out.
const TAIL: f64 = 0.025;

/// Where a condition that holds from 0 on ends, 0 to 1.
fn root(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if holds(middle) { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The probability of at most `k` of `n` at a rate of `p`: terms by their logarithms, so that none underflows early.
fn at_most(k: u32, n: u32, p: f64) -> f64 {
    let (p, n) = (p.clamp(1e-15, 1.0 - 1e-15), f64::from(n));
    let mut term = n * (-p).ln_1p();
    let mut sum = term.exp();
    for i in 0..k {
        let i = f64::from(i);
        term += ((n - i) / (i + 1.0)).ln() + p.ln() - (-p).ln_1p();
        sum += term.exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_tables() {
        let interval = |errors, trials| rate(FalseRefusal, Model, "", ANY, errors, trials).interval();
        // Clopper and Pearson; 0 of n has the closed form 1 - 0.025^(1/n), and 5 of 100 and 2 of 151 are R's binom.test.
        let close = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() < 5e-5 && (b - d).abs() < 5e-5;
        assert!(close(interval(0, 300), (0.0, 1.0 - 0.025f64.powf(1.0 / 300.0))), "{:?}", interval(0, 300));
        assert!(close(interval(300, 300), (0.025f64.powf(1.0 / 300.0), 1.0)));
        assert!(close(interval(5, 100), (0.016432, 0.112835)), "{:?}", interval(5, 100));
        assert!(close(interval(2, 151), (0.001608, 0.047025)), "{:?}", interval(2, 151));
        assert_eq!(interval(0, 0), (0.0, 1.0));
    }

    #[test]
    fn every_coverage_has_its_rates() {
        for coverage in [0.0, 0.3, 0.5, 0.84, 0.85, 1.0] {
            let rates = || ERROR_RATES.iter().filter(|rate| rate.holds_at(coverage));
            assert!(rates().filter(|rate| rate.mistake == FalseAcceptance).count() >= 8);
            let refusals = rates().filter(|rate| rate.mistake == FalseRefusal).count();
            assert_eq!(refusals, if coverage < 0.5 { 0 } else { 2 }, "{coverage}");
        }
        assert!(ERROR_RATES.iter().all(|rate| rate.errors <= rate.trials && rate.trials > 0));
    }
}
