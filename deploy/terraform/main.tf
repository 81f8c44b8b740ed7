resource "google_service_account" "exporter" {
  for_each     = local.accounts
  project      = var.project
  account_id   = each.value
  display_name = "Prometheus exporters of Footprint: ${each.value}"
  description  = "Reads states and metadata; may neither run queries nor read data"
}

# A role of its own in each project: predefined ones hold more (roles/composer.user also triggers DAGs).
resource "google_project_iam_custom_role" "exporter" {
  for_each    = local.grants
  project     = each.value.project
  role_id     = "footprint_${each.value.exporter}"
  title       = "Footprint ${each.value.exporter} exporter"
  description = "What ${each.value.exporter}-exporter asks for, and nothing else"
  permissions = each.value.permissions
}

resource "google_project_iam_member" "exporter" {
  for_each = local.grants
  project  = each.value.project
  role     = google_project_iam_custom_role.exporter[each.key].name
  member   = google_service_account.exporter[each.value.account].member
}

# Lets the Kubernetes service accounts that the Helm chart makes act as them.
resource "google_service_account_iam_member" "workload_identity" {
  for_each           = var.workload_identity == null ? {} : local.exporters
  service_account_id = google_service_account.exporter[each.value[0]].name
  role               = "roles/iam.workloadIdentityUser"
  member = format("serviceAccount:%s.svc.id.goog[%s/%s-%s]",
  var.workload_identity.project, var.workload_identity.namespace, var.workload_identity.fullname, each.key)
}
