//! What the same work would have cost under other contracts.

use crate::{Panel, Row};

/// Cost beside waiting, for each contract that is tried.
pub(super) fn answer() -> Row {
    Row {
        title: "What would another contract cost?",
        panels: vec![scenarios(), cost_of("24h"), cost_of("30d"), demand(), waits(), delayed(), observed(), late()],
    }
}

fn gauge(metric: &str, labels: &str, window: &str) -> String {
    format!(r#"max by ({labels}) ({metric}{{@job,window="{window}"}})"#)
}

fn scenarios() -> Panel {
    let labels = "bq_location, whatif, scaling";
    let cost = "max by (bq_location, whatif, edition, scaling)";
    Panel::table("Each contract over the last 30 days", "Cost and waiting of the observed work under each contract that the configuration tries. Choose the cheapest whose waiting you can bear; sixty_seconds is the autoscaler that keeps slots for a minute, fluid the one that does not.", "currencyUSD")
        .sized(24, 9)
        .query("", &format!(r#"{cost} (bigquery_whatif_capacity_cost_usd{{@job,window="30d"}})"#))
        .query("", &gauge("bigquery_whatif_wait_max_seconds", labels, "30d"))
        .query("", &gauge("bigquery_whatif_delayed_seconds", labels, "30d"))
        .query("", &gauge("bigquery_whatif_autoscale_slot_seconds", labels, "30d"))
        .column("bq_location", "Location", "")
        .column("whatif", "Contract", "")
        .column("edition", "Edition", "")
        .column("scaling", "Autoscaler", "")
        .column("Value #A", "Cost", "currencyUSD")
        .column("Value #B", "Longest wait", "s")
        .column("Value #C", "Time with waiting", "s")
        .column("Value #D", "Autoscaled slot-time", "s")
}

fn cost_of(window: &'static str) -> Panel {
    let title = if window == "24h" { "Cost of the last 24 hours" } else { "Cost of the last 30 days" };
    let capacity = "bigquery_whatif_capacity_cost_usd";
    Panel::gauges(title, "On demand beside each contract that is tried. Compare only where the observed time is about the whole window, and look at the waiting too.", "currencyUSD")
        .query("{{bq_location}} on demand", &gauge("bigquery_whatif_on_demand_cost_usd", "bq_location", window))
        .query("{{bq_location}} {{whatif}} {{edition}} {{scaling}}", &gauge(capacity, "bq_location, whatif, edition, scaling", window))
}

fn demand() -> Panel {
    let slots = gauge("bigquery_whatif_demand_slots", "bq_location, statistic", "24h");
    Panel::lines("Slots wanted, over the last 24 hours", "Median, 95th, 99th percentile and maximum over all seconds, of all watched projects. A baseline near the median and a maximum near p99 is where to start.", "short")
        .query("{{bq_location}} {{statistic}}", &slots)
}

fn waits() -> Panel {
    let wait = gauge("bigquery_whatif_wait_max_seconds", "bq_location, whatif, scaling", "24h");
    Panel::lines("Longest wait within 24 hours", "How long work would have waited for slots. If this is too long for your deadlines, the contract's maximum is too small.", "s")
        .query("{{bq_location}} {{whatif}} {{scaling}}", &wait)
}

fn delayed() -> Panel {
    let delayed = gauge("bigquery_whatif_delayed_seconds", "bq_location, whatif, scaling", "24h");
    Panel::lines("Time with waiting within 24 hours", "Seconds in which some work would have waited. Hours of it: this contract is too small for the work, however cheap.", "s")
        .query("{{bq_location}} {{whatif}} {{scaling}}", &delayed)
}

fn observed() -> Panel {
    let observed = |window| gauge("bigquery_whatif_observed_seconds", "bq_location, whatif", window);
    Panel::table("Observed time", "How much of each window the figures speak of. Much less than the window: the exporter is new, or was down, and costs are those of this time only.", "s")
        .query("", &observed("24h"))
        .query("", &observed("30d"))
        .column("bq_location", "Location", "")
        .column("whatif", "Contract", "")
        .column("Value #A", "Of 24 hours", "s")
        .column("Value #B", "Of 30 days", "s")
}

fn late() -> Panel {
    Panel::bars("Slot-time that came too late", "Slot-seconds that became known too late to be played. Above a hundredth of the demand the what-if is too cheap: is a project far behind?", "s")
        .query("{{bq_location}}", "max by (bq_location) (increase(bigquery_whatif_late_slot_seconds_total{@job}[$__rate_interval])) > 0")
        .alert("BigQueryExporterBehind")
}
