//! Capacity: what is reserved, what it costs, and who may use it.

use super::{BY_RESERVATION, per_interval, per_second};
use crate::{Panel, Row};

const PAID: &str = "reservation, edition, capacity";

/// What is paid beside what is used.
pub(super) fn capacity() -> Row {
    Row { title: "Reservations", panels: vec![table(), paid_and_used(), use_of_paid(), cost(), autoscaling()] }
}

fn table() -> Panel {
    let gauge = |metric: &str| format!("max by (reservation) ({metric}{{@reservation}})");
    Panel::table("Reservations", "What each reservation is and has now. Autoscaled that stands at its maximum all day: a larger baseline is cheaper with a commitment.", "short")
        .sized(24, 8)
        .query("", "max by (reservation, edition, idle_slots, scaling_mode, bq_location) (bigquery_reservation_info{@reservation})")
        .query("", &gauge("bigquery_reservation_baseline_slots"))
        .query("", &gauge("bigquery_reservation_autoscale_current_slots"))
        .query("", &gauge("bigquery_reservation_autoscale_max_slots"))
        .query("", &gauge("bigquery_reservation_concurrency"))
        .column("reservation", "Reservation", "")
        .column("bq_location", "Location", "")
        .column("edition", "Edition", "")
        .column("idle_slots", "Idle slots", "")
        .column("scaling_mode", "Scaling mode", "")
        .column("Value #B", "Baseline", "short")
        .column("Value #C", "Autoscaled now", "short")
        .column("Value #D", "Autoscaled at most", "short")
        .column("Value #E", "Jobs at once", "short")
        .alert("BigQueryReservationSaturated")
}

fn paid_and_used() -> Panel {
    let paid = per_second("reservation", PAID, "bigquery_reservation_slot_seconds_total{@reservation}");
    let used = per_second("reservation", BY_RESERVATION, "bigquery_slot_seconds_total{@reservation}");
    Panel::lines("Slots paid and slots used", "What lies between the lines is paid for and idle. Autoscaling pays for at least a minute, so short bursts waste most: bundle them.", "short")
        .query("{{reservation}} paid", &paid)
        .query("{{reservation}} used", &used)
}

fn use_of_paid() -> Panel {
    let paid = "sum by (reservation) (max by (reservation, edition, capacity) (increase(bigquery_reservation_slot_seconds_total{@reservation}[$__range])))";
    let used = "sum by (reservation) (max by (gcp_project, bq_location, job_type, reservation) (increase(bigquery_slot_seconds_total{@reservation}[$__range])))";
    Panel::gauges("Share of paid slots that was used", "Over the time range. Below half: the baseline is too large for this work, or bursts are short. Above 1: it borrowed idle slots of others.", "percentunit")
        .query("{{reservation}}", &format!("{used} / on (reservation) ({paid} > 0)"))
}

fn cost() -> Panel {
    let cost = per_interval("reservation, capacity", PAID, "bigquery_reservation_cost_usd_total{@reservation}");
    let own = "gcp_project, bq_location, edition, plan";
    let committed = per_interval("edition, plan", own, "bigquery_commitment_cost_usd_total{@job}");
    Panel::bars("What capacity costs", "At list price, used or not. Baseline slots that a commitment covers are in the commitment. Much autoscale: compare with the what-if below.", "currencyUSD")
        .query("{{reservation}} {{capacity}}", &format!("{cost} > 0"))
        .query("commitment {{edition}} {{plan}}", &format!("{committed} > 0"))
        .alert("BigQueryCommitmentEnds")
}

fn autoscaling() -> Panel {
    let unobserved = "bigquery_reservation_unobserved_seconds_total{@reservation}";
    Panel::lines("Autoscaled slots, and time not observed", "Slots that autoscaling has added. Where seconds were not observed, autoscaled slots and their cost are too low for that time.", "short")
        .query("{{reservation}} autoscaled", "max by (reservation) (bigquery_reservation_autoscale_current_slots{@reservation})")
        .query("{{reservation}} seconds of a minute not observed", &format!("60 * {} > 0", per_second("reservation", "reservation", unobserved)))
}

/// Who may use what, and until when it is paid.
pub(super) fn contracts() -> Row {
    Row { title: "Assignments and commitments", panels: vec![assignments(), commitments(), quota()] }
}

fn assignments() -> Panel {
    Panel::table("Who may use a reservation", "Projects, folders and organisations, by kind of job. A project that is in none of them runs on demand.", "none")
        .query("", "max by (reservation, assignee, assignment_job_type, assignment_state) (bigquery_reservation_assignment_info{@reservation})")
        .column("reservation", "Reservation", "")
        .column("assignee", "Assignee", "")
        .column("assignment_job_type", "Jobs", "")
        .column("assignment_state", "State", "")
}

fn commitments() -> Panel {
    let labels = "gcp_project, bq_location, edition, plan, commitment_state";
    Panel::table("Commitments", "Slots bought for a year or longer, and when the first of each kind ends. Decide before the end whether to renew: the what-if below has the figures.", "short")
        .query("", &format!("max by ({labels}) (bigquery_commitment_slots{{@job}})"))
        .query("", &format!("1000 * max by ({labels}) (bigquery_commitment_end_timestamp_seconds{{@job}})"))
        .column("gcp_project", "Project", "")
        .column("bq_location", "Location", "")
        .column("edition", "Edition", "")
        .column("plan", "Plan", "")
        .column("commitment_state", "State", "")
        .column("Value #A", "Slots", "short")
        .column("Value #B", "First end", "dateTimeFromNow")
        .alert("BigQueryCommitmentEnds")
}

fn quota() -> Panel {
    Panel::lines("Reservation API quota used by the exporter", "Of 100 requests a minute, project and location, which your own tools share. Above a half: lengthen poll.reservations.", "percentunit")
        .query("{{gcp_project}} {{bq_location}}", "max by (gcp_project, bq_location) (bigquery_reservation_api_quota_used_ratio{@job})")
}
