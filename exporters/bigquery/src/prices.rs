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

/// All known prices.
#[derive(Debug, Clone)]
pub struct Prices(BTreeMap<String, Price>);

/// The prices of one location, in US dollars.
#[derive(Debug, Clone, Default)]
struct Price {
    on_demand_tib: Option<f64>,
    slot_hour: BTreeMap<String, f64>,
    /// By edition and plan.
    commitment: BTreeMap<(String, String), f64>,
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
            let location = raw.location.value.to_uppercase();
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
        self.of(location)?.on_demand_tib
    }

    /// US dollars for a slot during an hour without commitment; `edition` as in [`EDITIONS`].
    pub fn slot_hour(&self, location: &str, edition: &str) -> Option<f64> {
        self.of(location)?.slot_hour.get(edition).copied()
    }

    /// US dollars for a committed slot during an hour; `plan` such as `ANNUAL` or `THREE_YEAR`.
    pub fn commitment_slot_hour(&self, location: &str, edition: &str, plan: &str) -> Option<f64> {
        self.of(location)?.commitment.get(&(edition.to_owned(), plan.to_owned())).copied()
    }

    /// Every price without commitment: location, what it is for, US dollars, date.
    pub fn list(&self) -> impl Iterator<Item = (&str, String, f64, &str)> {
        self.0.iter().flat_map(|(location, price)| {
            let on_demand = price.on_demand_tib.map(|usd| ("on_demand_tib".to_owned(), usd));
            let slots =
                price.slot_hour.iter().map(|(edition, usd)| (format!("{}_slot_hour", edition.to_lowercase()), *usd));
            on_demand.into_iter().chain(slots).map(|(sku, usd)| (location.as_str(), sku, usd, price.as_of.as_str()))
        })
    }

    fn of(&self, location: &str) -> Option<&Price> {
        self.0.get(&location.to_uppercase())
    }
}

impl Price {
    /// On demand and Standard: Google's product page of BigQuery (2026-08-05). The other editions and
    /// commitments: Google's price list as of 2026-05.
    fn of_us() -> Self {
        let slot_hour = [("STANDARD", 0.04), ("ENTERPRISE", 0.06), ("ENTERPRISE_PLUS", 0.10)];
        let commitment = [
            ("ENTERPRISE", "ANNUAL", 0.048),
            ("ENTERPRISE", "THREE_YEAR", 0.036),
            ("ENTERPRISE_PLUS", "ANNUAL", 0.08),
            ("ENTERPRISE_PLUS", "THREE_YEAR", 0.06),
        ];
        Self {
            on_demand_tib: Some(6.25),
            slot_hour: slot_hour.map(|(edition, usd)| (edition.to_owned(), usd)).into(),
            commitment: commitment.map(|(edition, plan, usd)| ((edition.to_owned(), plan.to_owned()), usd)).into(),
            as_of: "2026-08-05".to_owned(),
        }
    }

    fn new(index: usize, raw: &RawPrice) -> Result<Self, ConfigError> {
        let key = |name: &str| format!("prices[{index}].{name}");
        let as_of = raw.as_of.value.parse::<Date>().map_err(|_| {
            let problem = format!("`{}` is no date", raw.as_of.value);
            ConfigError::new(key("as_of"), problem, "write the day on which the price was read, such as 2026-11-01")
                .at(&raw.as_of)
        })?;
        if raw.source.value.trim().is_empty() {
            let fix = "say where the price stands: a page, a contract";
            return Err(ConfigError::new(key("source"), "is empty", fix).at(&raw.source));
        }
        let given = [
            ("standard_usd_per_slot_hour", "STANDARD", &raw.standard_usd_per_slot_hour),
            ("enterprise_usd_per_slot_hour", "ENTERPRISE", &raw.enterprise_usd_per_slot_hour),
            ("enterprise_plus_usd_per_slot_hour", "ENTERPRISE_PLUS", &raw.enterprise_plus_usd_per_slot_hour),
        ];
        let mut slot_hour = BTreeMap::new();
        for (name, edition, value) in given {
            slot_hour.extend(price(&key(name), value.as_ref())?.map(|usd| (edition.to_owned(), usd)));
        }
        Ok(Self {
            on_demand_tib: price(&key("on_demand_usd_per_tib"), raw.on_demand_usd_per_tib.as_ref())?,
            slot_hour,
            commitment: raw
                .commitments
                .iter()
                .enumerate()
                .map(|(at, one)| one.read(&key(&format!("commitments[{at}]"))))
                .collect::<Result<_, _>>()?,
            as_of: as_of.to_string(),
        })
    }
}

impl RawCommitmentPrice {
    fn read(&self, key: &str) -> Result<((String, String), f64), ConfigError> {
        let edition = self.edition.value.to_uppercase();
        if !EDITIONS.contains(&edition.as_str()) {
            let problem = format!("`{}` is no edition", self.edition.value);
            let fix = "write STANDARD, ENTERPRISE or ENTERPRISE_PLUS";
            return Err(ConfigError::new(format!("{key}.edition"), problem, fix).at(&self.edition));
        }
        let usd = price(&format!("{key}.usd_per_slot_hour"), Some(&self.usd_per_slot_hour))?.unwrap_or_default();
        Ok(((edition, self.plan.value.to_uppercase()), usd))
    }
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
mod tests {
    use super::*;
    use footprint_common::config::parse;

    fn read(yaml: &str) -> Result<Prices, ConfigError> {
        Prices::new(&parse::<Vec<RawPrice>>(yaml)?)
    }

    #[test]
    fn a_configured_location_replaces_the_built_in_one_and_unknown_ones_have_no_price() {
        let prices = read("[{location: us, on_demand_usd_per_tib: 5, as_of: 2026-11-01, source: contract}]").unwrap();
        assert_eq!((prices.on_demand("US"), prices.slot_hour("US", "ENTERPRISE")), (Some(5.0), None));
        assert_eq!(Prices::default().on_demand("us"), Some(6.25));
        assert_eq!(Prices::default().commitment_slot_hour("US", "ENTERPRISE", "ANNUAL"), Some(0.048));
        assert_eq!(Prices::default().on_demand("asia-northeast1"), None);
    }

    #[test]
    fn errors_name_key_and_fix() {
        let entry = "location: EU, as_of: 2026-11-01, source: page";
        for (yaml, key) in [
            (format!("[{{{entry}, on_demand_usd_per_tib: -1}}]"), "prices[0].on_demand_usd_per_tib"),
            (format!("[{{{entry}}}, {{{entry}}}]"), "prices[1].location"),
            ("[{location: EU, as_of: May, source: page}]".to_owned(), "prices[0].as_of"),
            ("[{location: EU, as_of: 2026-11-01, source: ''}]".to_owned(), "prices[0].source"),
            (
                format!("[{{{entry}, commitments: [{{edition: GOLD, plan: ANNUAL, usd_per_slot_hour: 1}}]}}]"),
                "prices[0].commitments[0].edition",
            ),
        ] {
            let error = read(&yaml).unwrap_err();
            assert_eq!(error.key, key, "{error}");
            assert!(!error.fix.is_empty() && error.at.is_some(), "{error}");
        }
        assert!(read("[{location: EU}]").is_err(), "a price has a date and a source");
    }
}
