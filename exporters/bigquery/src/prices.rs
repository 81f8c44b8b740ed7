//! What BigQuery costs: list prices by location and edition, each with its date and source.
//!
//! Built in are the prices of the location `US` that Google publishes. Prices of other places, and
//! what was agreed with Google, are configuration: a price that is not known is never guessed.

use std::collections::BTreeMap;

use footprint_common::config::ConfigError;
use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The editions, as BigQuery spells them.
pub const EDITIONS: [&str; 3] = ["STANDARD", "ENTERPRISE", "ENTERPRISE_PLUS"];
/// The commitment plans that editions know, as BigQuery spells them.
pub const PLANS: [&str; 2] = ["ANNUAL", "THREE_YEAR"];

/// The prices of one location, in US dollars.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawPrice {
    pub location: Spanned<String>,
    pub on_demand_usd_per_tib: Option<Spanned<f64>>,
    pub standard_usd_per_slot_hour: Option<Spanned<f64>>,
    pub enterprise_usd_per_slot_hour: Option<Spanned<f64>>,
    pub enterprise_plus_usd_per_slot_hour: Option<Spanned<f64>>,
    #[serde(default)]
    pub commitments: Vec<RawCommitmentPrice>,
    pub as_of: Spanned<String>,
    pub source: Spanned<String>,
}

/// What a committed slot costs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawCommitmentPrice {
    pub edition: Spanned<String>,
    pub plan: Spanned<String>,
    pub usd_per_slot_hour: Spanned<f64>,
}

/// All known prices, by location.
#[derive(Debug, Clone)]
pub struct Prices(BTreeMap<String, Price>);

/// The prices of one location.
#[derive(Debug, Clone, Default)]
struct Price {
    on_demand_tib: Option<Quote>,
    /// By edition.
    slot_hour: BTreeMap<String, Quote>,
    /// By edition and plan.
    commitment: BTreeMap<(String, String), Quote>,
}

/// US dollars, and the day on which they were the price.
#[derive(Debug, Clone)]
struct Quote {
    usd: f64,
    as_of: String,
}

impl Default for Prices {
    fn default() -> Self {
        Self(BTreeMap::from([("US".to_owned(), Price::of_us())]))
    }
}

impl Prices {
    /// The built-in prices, with those of the configuration in the place of theirs.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn new(raw: &[RawPrice]) -> Result<Self, ConfigError> {
        let (mut prices, mut given) = (Self::default(), BTreeMap::new());
        for (index, raw) in raw.iter().enumerate() {
            let location = canonical(&raw.location.value);
            let price = Price::new(index, raw)?;
            if given.insert(location, price).is_some() {
                let problem = format!("`{}` has prices already", raw.location.value);
                let fix = "write all prices of a location into one entry";
                return Err(ConfigError::new(format!("prices[{index}].location"), problem, fix).at(&raw.location));
            }
        }
        prices.0.extend(given);
        Ok(prices)
    }

    /// US dollars per TiB on demand.
    pub fn on_demand(&self, location: &str) -> Option<f64> {
        self.of(location)?.on_demand_tib.as_ref().map(|quote| quote.usd)
    }

    /// US dollars for a slot during an hour without commitment; `edition` as in [`EDITIONS`].
    pub fn slot_hour(&self, location: &str, edition: &str) -> Option<f64> {
        self.of(location)?.slot_hour.get(edition).map(|quote| quote.usd)
    }

    /// US dollars for a committed slot during an hour; `plan` as in [`PLANS`].
    pub fn commitment_slot_hour(&self, location: &str, edition: &str, plan: &str) -> Option<f64> {
        self.of(location)?.commitment.get(&(edition.to_owned(), plan.to_owned())).map(|quote| quote.usd)
    }

    /// Every price without commitment: location as BigQuery spells it, what it is for, US dollars, date.
    pub fn list(&self) -> impl Iterator<Item = (&str, String, f64, &str)> {
        self.0.iter().flat_map(|(location, price)| {
            let on_demand = price.on_demand_tib.iter().map(|quote| ("on_demand_tib".to_owned(), quote));
            let slots = price.slot_hour.iter();
            let slots = slots.map(|(edition, quote)| (format!("{}_slot_hour", edition.to_lowercase()), quote));
            on_demand.chain(slots).map(|(sku, quote)| (location.as_str(), sku, quote.usd, quote.as_of.as_str()))
        })
    }

    fn of(&self, location: &str) -> Option<&Price> {
        self.0.get(&canonical(location))
    }
}

impl Price {
    /// On demand and Standard: Google's product page of BigQuery, read on 2026-08-05. The others: the
    /// list prices of May 2026, as cost tools carry them; three years of Enterprise at 0.036 are also
    /// the example of BigQuery's "Committed use discounts".
    fn of_us() -> Self {
        let (page, list) = ("2026-08-05", "2026-05-01");
        let slot_hour = [("STANDARD", 0.04, page), ("ENTERPRISE", 0.06, list), ("ENTERPRISE_PLUS", 0.10, list)];
        let commitment = [
            ("ENTERPRISE", "ANNUAL", 0.048),
            ("ENTERPRISE", "THREE_YEAR", 0.036),
            ("ENTERPRISE_PLUS", "ANNUAL", 0.08),
            ("ENTERPRISE_PLUS", "THREE_YEAR", 0.06),
        ];
        let quote = |usd, as_of: &str| Quote { usd, as_of: as_of.to_owned() };
        let committed =
            |(edition, plan, usd): (&str, &str, f64)| ((edition.to_owned(), plan.to_owned()), quote(usd, list));
        Self {
            on_demand_tib: Some(quote(6.25, page)),
            slot_hour: slot_hour.map(|(edition, usd, as_of)| (edition.to_owned(), quote(usd, as_of))).into(),
            commitment: commitment.map(committed).into(),
        }
    }

    fn new(index: usize, raw: &RawPrice) -> Result<Self, ConfigError> {
        let key = |name: &str| format!("prices[{index}].{name}");
        let as_of = raw.dated(&key)?;
        let quote = |usd| Quote { usd, as_of: as_of.clone() };
        let given = [
            ("standard_usd_per_slot_hour", "STANDARD", &raw.standard_usd_per_slot_hour),
            ("enterprise_usd_per_slot_hour", "ENTERPRISE", &raw.enterprise_usd_per_slot_hour),
            ("enterprise_plus_usd_per_slot_hour", "ENTERPRISE_PLUS", &raw.enterprise_plus_usd_per_slot_hour),
        ];
        let mut slot_hour = BTreeMap::new();
        for (name, edition, value) in given {
            slot_hour.extend(price(&key(name), value.as_ref())?.map(|usd| (edition.to_owned(), quote(usd))));
        }
        let on_demand = price(&key("on_demand_usd_per_tib"), raw.on_demand_usd_per_tib.as_ref())?;
        let commitment = raw.committed(&key)?.into_iter().map(|(what, usd)| (what, quote(usd))).collect();
        Ok(Self { on_demand_tib: on_demand.map(quote), slot_hour, commitment })
    }
}

impl RawPrice {
    /// The date, where the prices say when and from where they are.
    fn dated(&self, key: &impl Fn(&str) -> String) -> Result<String, ConfigError> {
        let fail = |name: &str, value: &Spanned<String>, problem: &str, fix: &str| {
            Err(ConfigError::new(key(name), problem, fix).at(value))
        };
        if self.location.value.trim().is_empty() {
            return fail("location", &self.location, "is empty", "write US, EU or a region such as asia-northeast1");
        }
        if self.source.value.trim().is_empty() {
            return fail("source", &self.source, "is empty", "say where the price stands: a page, a contract");
        }
        self.as_of.value.parse::<Date>().map(|date| date.to_string()).or_else(|_| {
            let problem = format!("`{}` is no date", self.as_of.value);
            fail("as_of", &self.as_of, &problem, "write the day on which the price was read, such as 2026-11-01")
        })
    }

    /// US dollars by edition and plan.
    fn committed(&self, key: &impl Fn(&str) -> String) -> Result<BTreeMap<(String, String), f64>, ConfigError> {
        let mut all = BTreeMap::new();
        for (at, raw) in self.commitments.iter().enumerate() {
            let key = key(&format!("commitments[{at}]"));
            let (what, usd) = raw.read(&key)?;
            if all.insert(what, usd).is_some() {
                let problem = format!("{} {} has a price already", raw.edition.value, raw.plan.value);
                return Err(ConfigError::new(key, problem, "keep one price of an edition and plan").at(&raw.plan));
            }
        }
        Ok(all)
    }
}

impl RawCommitmentPrice {
    fn read(&self, key: &str) -> Result<((String, String), f64), ConfigError> {
        let fail = |name: &str, value: &Spanned<String>, what: &str, fix: &str| {
            Err(ConfigError::new(format!("{key}.{name}"), format!("`{}` {what}", value.value), fix).at(value))
        };
        let (edition, plan) = (self.edition.value.to_uppercase(), self.plan.value.to_uppercase());
        if !EDITIONS[1..].contains(&edition.as_str()) {
            return fail("edition", &self.edition, "has no commitments", "write ENTERPRISE or ENTERPRISE_PLUS");
        }
        if !PLANS.contains(&plan.as_str()) {
            return fail("plan", &self.plan, "is no commitment plan", "write ANNUAL or THREE_YEAR");
        }
        let usd = price(&format!("{key}.usd_per_slot_hour"), Some(&self.usd_per_slot_hour))?.unwrap_or_default();
        Ok(((edition, plan), usd))
    }
}

/// A location as BigQuery spells it: regions small, multi-regions large.
fn canonical(location: &str) -> String {
    if location.contains('-') { location.to_lowercase() } else { location.to_uppercase() }
}

fn price(key: &str, value: Option<&Spanned<f64>>) -> Result<Option<f64>, ConfigError> {
    match value {
        Some(value) if !value.value.is_finite() || value.value < 0.0 => {
            let problem = format!("`{}` is no price", value.value);
            Err(ConfigError::new(key, problem, "write US dollars, such as 6.25").at(value))
        }
        value => Ok(value.map(|value| value.value)),
    }
}

#[cfg(test)]
mod tests;
