{{- define "footprint.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "footprint.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "footprint.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "footprint.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "footprint.labels" -}}
app.kubernetes.io/name: {{ include "footprint.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The switched-on exporters as JSON, by name: the defaults, what is said of each one, and the names of its objects. */}}
{{- define "footprint.exporters" -}}
{{- $all := dict -}}
{{- range $name, $own := .Values.exporters -}}
{{- if $own.enabled -}}
{{- $x := mergeOverwrite (deepCopy $.Values.defaults) (deepCopy $own) -}}
{{- $_ := set $x "name" $name -}}
{{- $_ := set $x "fullname" (printf "%s-%s" (include "footprint.fullname" $) $name) -}}
{{- $_ := set $x "component" (printf "%s-exporter" $name) -}}
{{- $_ := set $x "account" (default (ternary $x.fullname "default" $x.serviceAccount.create) $x.serviceAccount.name) -}}
{{- $_ := set $x "secret" (default (printf "%s-config" $x.fullname) $x.existingSecret.name) -}}
{{- $_ := set $x "key" (default (printf "%s.yaml" $name) $x.existingSecret.key) -}}
{{- $_ := set $x "pods" (mul $x.shards $x.replicas) -}}
{{- if not (or $x.config $x.existingSecret.name) -}}
{{- fail (printf "exporters.%s needs config or existingSecret.name" $name) -}}
{{- end -}}
{{- if and $x.config $x.existingSecret.name -}}
{{- fail (printf "exporters.%s has both config and existingSecret.name" $name) -}}
{{- end -}}
{{- $_ := set $all $name $x -}}
{{- end -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{/* Labels by which an exporter's pods are found: (list $ $exporter). */}}
{{- define "footprint.selector" -}}
app.kubernetes.io/name: {{ include "footprint.name" (index . 0) }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ (index . 1).component }}
{{- end -}}

{{/* Labels of an exporter's objects: (list $ $exporter). */}}
{{- define "footprint.componentLabels" -}}
{{ include "footprint.labels" (index . 0) }}
app.kubernetes.io/component: {{ (index . 1).component }}
{{- end -}}

{{- define "footprint.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Namespaces in which the Embulk exporter reads pods, as JSON: what is said, else what its configuration names. */}}
{{- define "footprint.podNamespaces" -}}
{{- $kubernetes := default dict .config.kubernetes -}}
{{- ternary (default .rbac.namespaces $kubernetes.namespaces) .rbac.namespaces (empty .rbac.namespaces) | toJson -}}
{{- end -}}

{{/* A probe: (list $exporter path settings). Where there is TLS or a password, the kubelet knows neither. */}}
{{- define "footprint.probe" -}}
{{- if (index . 0).webConfig.existingSecret -}}
tcpSocket: {port: metrics}
{{- else -}}
httpGet: {path: {{ index . 1 }}, port: metrics}
{{- end }}
{{ toYaml (index . 2) }}
{{- end -}}

{{/* The groups of rules without the absence of exporters that are switched off. */}}
{{- define "footprint.ruleGroups" -}}
{{- $off := list -}}
{{- range $name, $alert := dict "airflow" "AirflowExporterAbsent" "bigquery" "BigQueryExporterAbsent" "embulk" "EmbulkExporterAbsent" "freshness" "FreshnessExporterAbsent" -}}
{{- if not (get $.Values.exporters $name).enabled -}}
{{- $off = append $off $alert -}}
{{- end -}}
{{- end -}}
{{- $groups := list -}}
{{- range (.Files.Get "files/footprint.rules.yaml" | fromYaml).groups -}}
{{- $rules := list -}}
{{- range .rules -}}
{{- if not (has (default "" .alert) $off) -}}
{{- $rules = append $rules . -}}
{{- end -}}
{{- end -}}
{{- $groups = append $groups (set . "rules" $rules) -}}
{{- end -}}
{{- toYaml $groups -}}
{{- end -}}
