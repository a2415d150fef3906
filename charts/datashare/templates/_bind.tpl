{{- /* Gives a component's service account a ClusterRole: everywhere, or only where it watches. `root`, `component`, `role`. */ -}}
{{- define "datashare.bind" -}}
{{- $kind := empty .root.Values.watchNamespaces | ternary "ClusterRoleBinding" "RoleBinding" }}
{{- range .root.Values.watchNamespaces | default (list "") }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $.role }}
  {{- with . }}
  namespace: {{ . }}
  {{- end }}
  labels:
{{ include "datashare.labels" $.root | indent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ $.role }}}
subjects:
- {kind: ServiceAccount, name: datashare-{{ $.component }}, namespace: {{ $.root.Release.Namespace }}}
{{- end }}
{{- end }}
