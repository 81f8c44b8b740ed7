//! Who uses the slots.

use super::{BY_LABEL, BY_PRINCIPAL, BY_RESERVATION, BY_TASK, per_second, sum};
use crate::{Panel, Row};

/// Slots in use, by everything that can be told apart.
pub(super) fn used() -> Row {
    let mut panels = vec![by_reservation(), fullness(), by_project(), by_task(), tasks()];
    panels.extend(by_others());
    Row { title: "Who uses the slots", panels }
}

fn by_reservation() -> Panel {
    let used = per_second("reservation", BY_RESERVATION, "bigquery_slot_seconds_total{@job}");
    let now = "max by (reservation) (bigquery_reservation_baseline_slots{@reservation}) + on (reservation) max by (reservation) (bigquery_reservation_autoscale_current_slots{@reservation})";
    let most = "max by (reservation) (bigquery_reservation_baseline_slots{@reservation}) + on (reservation) max by (reservation) (bigquery_reservation_autoscale_max_slots{@reservation})";
    Panel::lines("Slots in use by reservation, and what it has", "In use, there now (baseline and autoscaled), and at most. In use along the maximum: jobs are slowed. In use far below what is there: paid and idle. none is on demand.", "short")
        .sized(24, 9)
        .query("{{reservation}} in use", &used)
        .query("{{reservation}} there now", now)
        .query("{{reservation}} at most", most)
        .alert("BigQueryReservationSaturated")
}

fn fullness() -> Panel {
    let used = sum("reservation", BY_RESERVATION, "rate(bigquery_slot_seconds_total{@reservation}[15m])");
    let most = "max by (reservation) (bigquery_reservation_baseline_slots{@reservation}) + on (reservation) max by (reservation) (bigquery_reservation_autoscale_max_slots{@reservation})";
    Panel::gauges("How full the reservations are", "Slots in use over baseline and autoscaling's maximum, over 15 minutes. Near 1 with jobs that wait: raise the maximum or move work. Above 1: it borrows idle slots.", "percentunit")
        .query("{{reservation}}", &format!("{used} / on (reservation) ({most} > 0)"))
        .red_from(0.95)
        .alert("BigQueryReservationSaturated")
}

fn by_project() -> Panel {
    let used = per_second("gcp_project, job_type", BY_RESERVATION, "bigquery_slot_seconds_total{@project}");
    Panel::lines("Slots in use by project", "By project and kind of job. The project that grows when the reservation is full is who slows the others: give it a reservation of its own.", "short")
        .query("{{gcp_project}} {{job_type}}", &used)
}

fn by_task() -> Panel {
    let used = per_second("dag_id", BY_TASK, "bigquery_workload_slot_seconds_total{@task}");
    Panel::lines(
        "Slots in use by DAG",
        "Jobs that Airflow labels. DAGs that peak together wait for each other: spread their schedules.",
        "short",
    )
    .query("{{dag_id}}", &format!("topk(15, {used} > 0)"))
}

fn tasks() -> Panel {
    let slots = sum(BY_TASK, BY_TASK, "increase(bigquery_workload_slot_seconds_total{@task}[$__range])");
    Panel::table("Tasks that use most slots in this time range", "Slot-time by task. On a reservation this is what each task costs the others; make the first lines cheaper first.", "s")
        .query("", &format!("topk(25, {slots} > 0)"))
        .column("gcp_project", "Project", "")
        .column("dag_id", "DAG", "")
        .column("task_id", "Task", "")
        .column("Value", "Slot-time", "s")
}

fn by_others() -> [Panel; 2] {
    let by_kind = per_second(BY_PRINCIPAL, BY_PRINCIPAL, "bigquery_principal_slot_seconds_total{@project}");
    let by_label = per_second("label_key, label_value", BY_LABEL, "bigquery_label_slot_seconds_total{@project}");
    [
        Panel::lines(
            "Slots in use by principal",
            "By who ran the job. People at the top while pipelines wait: give pipelines a reservation of their own.",
            "short",
        )
        .query("{{gcp_project}} {{principal_kind}} {{principal}}", &format!("topk(15, {by_kind} > 0)")),
        Panel::lines(
            "Slots in use by job label",
            "By the job labels that the configuration allows. Use it to share a reservation's cost among teams.",
            "short",
        )
        .query("{{label_key}}={{label_value}}", &format!("topk(15, {by_label} > 0)")),
    ]
}
