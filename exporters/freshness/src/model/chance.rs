//! How likely a find is to be chance.

/// Probability of `hits` or more in `tries` (an upper bound that is close where it matters).
pub fn at_least(tries: usize, hits: usize, chance: f64) -> f64 {
    let ways = (0..hits).map(|at| (tries - at) as f64 / (at + 1) as f64).product::<f64>();
    ways * chance.powi(hits as i32)
}
