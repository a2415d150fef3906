{{- /* A binding that refuses. */ -}}
{{- define "datashare.enforce" -}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels:
{{ include "datashare.labels" .root | indent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
{{- end }}

{{- /* Those who clean up after a deletion: nothing may hang on a finalizer because of us. */ -}}
{{- define "datashare.is-cleaner" -}}
request.userInfo.username in ['system:serviceaccount:kube-system:generic-garbage-collector', 'system:serviceaccount:kube-system:namespace-controller', 'system:kube-controller-manager']
{{- end }}

{{- /* CEL: whether the object is, or was, something. The argument tells it of `it`. */ -}}
{{- define "datashare.is-or-was" -}}
(object != null && {{ . | replace "it." "object." }}) || (oldObject != null && {{ . | replace "it." "oldObject." }})
{{- end }}
