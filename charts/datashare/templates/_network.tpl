{{- /* Who may read a pod's metrics. */ -}}
{{- define "datashare.metrics-from" -}}
- ports: [{port: metrics}]
  from:
  - podSelector:
      matchLabels:
{{ include "datashare.selector" "test" | indent 8 }}
{{- with .monitoring }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}

{{- /* What operator and guard both need: names, and the API server. */ -}}
{{- define "datashare.egress" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
- ports:
  {{- range .apiServer.ports }}
  - {port: {{ . }}}
  {{- end }}
  {{- with .apiServer.cidrs }}
  to:
  {{- range . }}
  - ipBlock: {cidr: {{ . | quote }}}
  {{- end }}
  {{- end }}
{{- end }}
