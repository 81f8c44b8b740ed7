variable "project" {
  description = "Project in which the exporters' service accounts live"
  type        = string
}

variable "airflow_projects" {
  description = "Projects whose Cloud Composer environments airflow-exporter watches"
  type        = set(string)
  default     = []
}

variable "bigquery_projects" {
  description = "Projects whose jobs bigquery-exporter watches"
  type        = set(string)
  default     = []
}

variable "reservation_projects" {
  description = "Admin projects whose reservations and commitments bigquery-exporter watches"
  type        = set(string)
  default     = []
}

variable "freshness_projects" {
  description = "Projects whose tables freshness-exporter watches"
  type        = set(string)
  default     = []
}

variable "freshness_job_projects" {
  description = "Projects whose jobs write those tables; freshness_projects are always among them"
  type        = set(string)
  default     = []
}

variable "embulk_composer_projects" {
  description = "Projects whose Composer environments embulk-exporter asks for Airflow's verdict; pods and logs need no role of Google's"
  type        = set(string)
  default     = []
}

variable "shared_account" {
  description = "One service account for all exporters, for a VM, which can have only one; otherwise each exporter has its own"
  type        = bool
  default     = false
}

variable "workload_identity" {
  description = "For GKE: the cluster's project, and the namespace and fullname of the Helm release. Null elsewhere"
  type = object({
    project   = string
    namespace = string
    fullname  = optional(string, "footprint")
  })
  default = null
}
