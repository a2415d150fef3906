{{- define "datashare.labels" -}}
app.kubernetes.io/name: datashare
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: datashare
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* Which pods: a component's name. */ -}}
{{- define "datashare.selector" -}}
app.kubernetes.io/name: datashare
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- define "datashare.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* How RBAC and admission call one of our service accounts. */ -}}
{{- define "datashare.operator" -}}
system:serviceaccount:{{ .Release.Namespace }}:datashare-operator
{{- end }}
{{- define "datashare.guard" -}}
system:serviceaccount:{{ .Release.Namespace }}:datashare-guard
{{- end }}
