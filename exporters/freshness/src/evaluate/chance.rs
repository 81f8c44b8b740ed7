//! Random numbers of the kinds that waiting times have.

use fastrand::Rng;

/// Exponential with this mean.
pub fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    -mean * (1.0 - rng.f64()).ln()
}

/// Lognormal with this median; `sigma` is the standard deviation of the logarithm.
pub fn lognormal(rng: &mut Rng, median: f64, sigma: f64) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    median * (sigma * radius * (std::f64::consts::TAU * rng.f64()).cos()).exp()
}
