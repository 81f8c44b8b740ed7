//! A contract to try: a reservation of an edition, with its baseline and its maximum.

use serde::Deserialize;

use super::autoscaler::STEP;
use crate::prices::{EDITIONS, PLANS, Prices};

/// The `whatif` of what holds without a reservation.
pub const ON_DEMAND: &str = "on_demand";
/// Slots that a reservation of Standard edition may have at most (BigQuery, "Introduction to editions").
const STANDARD_MAX_SLOTS: u32 = 1600;

/// A reservation to try.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name in metrics.
    pub name: String,
    /// STANDARD, ENTERPRISE or ENTERPRISE_PLUS.
    pub edition: String,
    /// Slots that are always there.
    #[serde(default)]
    pub baseline_slots: u32,
    /// Slots with autoscaling, the baseline among them.
    pub max_slots: u32,
    /// The plan under which the baseline is paid, ANNUAL or THREE_YEAR; without one it costs what
    /// autoscaled slots cost.
    pub commitment: Option<String>,
}

impl Scenario {
    /// What is compared unless the configuration says otherwise.
    pub fn usual() -> Vec<Self> {
        let of = |edition: &str, baseline_slots: u32, max_slots: u32| Self {
            name: format!("{}_{baseline_slots}_{max_slots}", edition.to_lowercase()),
            edition: edition.to_owned(),
            baseline_slots,
            max_slots,
            commitment: None,
        };
        let mut usual: Vec<Self> = EDITIONS.iter().map(|edition| of(edition, 0, 400)).collect();
        usual.push(of("ENTERPRISE", 100, 400));
        usual
    }

    /// US dollars for autoscaled slot-seconds and for the baseline over the observed seconds; `None`
    /// where a price is unknown.
    pub fn cost(&self, prices: &Prices, location: &str, autoscaled: f64, observed: f64) -> Option<f64> {
        let scaled_price = prices.slot_hour(location, &self.edition)?;
        let baseline_price = match &self.commitment {
            Some(plan) => prices.commitment_slot_hour(location, &self.edition, plan)?,
            None => scaled_price,
        };
        let baseline = f64::from(self.baseline_slots) * observed;
        Some((autoscaled * scaled_price + baseline * baseline_price) / 3600.0)
    }

    /// Whether Google sells it.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn check(&self) -> Result<(), (String, String)> {
        let fail = |problem: &str, fix: &str| Err((format!("`{}` {problem}", self.name), fix.to_owned()));
        if self.name.is_empty() || self.name == ON_DEMAND {
            return fail("is no name for a reservation", "give it a name of its own");
        }
        if !EDITIONS.contains(&self.edition.as_str()) {
            return fail("has an edition that does not exist", "write STANDARD, ENTERPRISE or ENTERPRISE_PLUS");
        }
        if self.max_slots == 0 || self.max_slots < self.baseline_slots {
            return fail("has a maximum below its baseline, or none", "count the baseline in max_slots");
        }
        if !self.baseline_slots.is_multiple_of(STEP) || !self.max_slots.is_multiple_of(STEP) {
            return fail("is not in steps of 50 slots", "write multiples of 50");
        }
        if self.edition == "STANDARD" && (self.baseline_slots > 0 || self.max_slots > STANDARD_MAX_SLOTS) {
            return fail("is more than Standard edition offers", "Standard has no baseline and at most 1600 slots");
        }
        self.check_commitment().map_or(Ok(()), |(problem, fix)| fail(problem, fix))
    }

    fn check_commitment(&self) -> Option<(&'static str, &'static str)> {
        let plan = self.commitment.as_deref()?;
        if !PLANS.contains(&plan) {
            return Some(("has a commitment plan that does not exist", "write ANNUAL or THREE_YEAR"));
        }
        let nothing = self.baseline_slots == 0;
        nothing.then_some(("commits to nothing", "a commitment pays the baseline: give baseline_slots or leave it out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(edition: &str, baseline_slots: u32, max_slots: u32, commitment: Option<&str>) -> Scenario {
        let commitment = commitment.map(str::to_owned);
        Scenario { name: "try".into(), edition: edition.into(), baseline_slots, max_slots, commitment }
    }

    #[test]
    fn only_what_google_sells_passes() {
        assert!(Scenario::usual().iter().all(|usual| usual.check().is_ok()));
        assert_eq!(scenario("STANDARD", 0, 1600, None).check(), Ok(()));
        assert_eq!(scenario("ENTERPRISE", 100, 100, Some("ANNUAL")).check(), Ok(()));
        for (bad, fix) in [
            (scenario("GOLD", 0, 100, None), "write STANDARD"),
            (scenario("ENTERPRISE", 0, 0, None), "count the baseline"),
            (scenario("ENTERPRISE", 200, 100, None), "count the baseline"),
            (scenario("ENTERPRISE", 0, 120, None), "multiples of 50"),
            (scenario("ENTERPRISE", 20, 100, None), "multiples of 50"),
            (scenario("STANDARD", 50, 100, None), "Standard has no baseline"),
            (scenario("STANDARD", 0, 1650, None), "at most 1600"),
            (scenario("ENTERPRISE", 50, 100, Some("FLEX")), "ANNUAL or THREE_YEAR"),
            (scenario("ENTERPRISE", 0, 100, Some("ANNUAL")), "give baseline_slots"),
            (Scenario { name: ON_DEMAND.into(), ..scenario("ENTERPRISE", 0, 100, None) }, "a name of its own"),
        ] {
            let found = bad.check().unwrap_err();
            assert!(found.1.contains(fix), "{bad:?}: {found:?}");
        }
    }

    #[test]
    fn a_commitment_makes_the_baseline_cheaper_and_nothing_else() {
        let prices = Prices::default();
        let (scaled, observed) = (7200.0, 1800.0);
        let cost = |plan| scenario("ENTERPRISE", 100, 400, plan).cost(&prices, "US", scaled, observed);
        assert!((cost(None).unwrap() - (2.0 + 50.0) * 0.06).abs() < 1e-9);
        assert!((cost(Some("ANNUAL")).unwrap() - (2.0 * 0.06 + 50.0 * 0.048)).abs() < 1e-9);
        assert_eq!(scenario("ENTERPRISE", 100, 400, None).cost(&prices, "EU", scaled, observed), None);
    }
}
