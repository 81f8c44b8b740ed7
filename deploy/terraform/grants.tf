# Who may do what, and where. Nothing here needs a provider. docs/permissions.md says what each permission is for.
locals {
  airflow      = ["composer.environments.get"]
  composer     = concat(local.airflow, ["composer.environments.list"])
  jobs         = ["bigquery.jobs.get", "bigquery.jobs.list", "bigquery.jobs.listAll", "resourcemanager.projects.get"]
  reservations = ["bigquery.capacityCommitments.list", "bigquery.reservationAssignments.list", "bigquery.reservations.list"]
  tables       = ["bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.list", "resourcemanager.projects.get"]

  wishes = concat(
    [for project in var.airflow_projects : { exporter = "airflow", project = project, permissions = local.composer }],
    [for project in var.bigquery_projects : { exporter = "bigquery", project = project, permissions = local.jobs }],
    [for project in var.reservation_projects : { exporter = "bigquery", project = project, permissions = local.reservations }],
    [for project in var.embulk_composer_projects : { exporter = "embulk", project = project, permissions = local.airflow }],
    [for project in var.freshness_projects : { exporter = "freshness", project = project, permissions = local.tables }],
    [for project in setunion(var.freshness_projects, var.freshness_job_projects) :
    { exporter = "freshness", project = project, permissions = local.jobs }],
  )

  # One role for each exporter in each project: the key is "exporter/project".
  wishes_by_place = { for wish in local.wishes : "${wish.exporter}/${wish.project}" => wish... }
  grants = {
    for place, wishes in local.wishes_by_place : place => {
      exporter    = wishes[0].exporter
      project     = wishes[0].project
      account     = var.shared_account ? "footprint" : "footprint-${wishes[0].exporter}"
      permissions = sort(distinct(flatten(wishes[*].permissions)))
    }
  }
  accounts  = toset([for grant in local.grants : grant.account])
  exporters = { for grant in local.grants : grant.exporter => grant.account... }
}
