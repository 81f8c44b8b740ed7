output "service_accounts" {
  description = "Address of the service account of each exporter, for serviceAccount.annotations of the Helm chart"
  value       = { for exporter, accounts in local.exporters : exporter => google_service_account.exporter[accounts[0]].email }
}

output "grants" {
  description = "What was granted where, as a table to read"
  value       = local.grants
}
