//! Objects scenarios make, written as a person would, without what every one of them repeats.

use serde_json::{Value, json};

/// The image of every workload: the test registry's busybox, under the name a person would write.
pub(crate) const IMAGE: &str = "docker.io/library/busybox:latest";

/// A shell that ends at once when asked, as PID 1 does only with a handler.
pub(crate) const SLEEP: &str = "trap 'exit 0' TERM; while :; do sleep 1; done";

/// A container that runs a shell line.
pub(crate) fn shell(name: &str, line: &str) -> Value {
    json!({
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", line],
    })
}

/// A container that serves `/www`, with a page of these words, on `port`.
pub(crate) fn server(name: &str, port: u16, page: &str) -> Value {
    let line = format!(
        "trap 'exit 0' TERM; mkdir -p /www; echo '{page}' >/www/index.html; httpd -p {port} -h /www; {SLEEP}"
    );
    let mut container = shell(name, &line);
    container["ports"] = json!([{ "containerPort": port }]);
    container
}

/// The value with more fields.
pub(crate) fn with(mut value: Value, fields: Value) -> Value {
    if let (Some(all), Value::Object(more)) = (value.as_object_mut(), fields) {
        all.extend(more);
    }
    value
}

/// What a pod of these containers is, alone or in a template.
pub(crate) fn spec(containers: &[Value]) -> Value {
    json!({ "containers": containers, "terminationGracePeriodSeconds": 5 })
}

/// A pod.
pub(crate) fn pod(name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": { "app": name } }, "spec": spec })
}

/// A Deployment, StatefulSet or DaemonSet: what selects its pods, and their template.
pub(crate) fn workload(kind: &str, name: &str, pod: &Value, fields: Value) -> Value {
    let labels = json!({ "app": name });
    let template = json!({ "metadata": { "labels": labels }, "spec": pod });
    let spec = json!({ "selector": { "matchLabels": labels }, "template": template });
    json!({ "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name }, "spec": with(spec, fields) })
}

/// The condition's status is "True".
pub(crate) fn condition(object: &Value, kind: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| one["type"] == kind && one["status"] == "True")
}

/// The status of a container of a pod, of whatever kind it is.
pub(crate) fn container<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    let lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
    let all = lists.into_iter().filter_map(|list| pod["status"][list].as_array()).flatten();
    all.into_iter().find(|status| status["name"] == name)
}

/// How often the containers of a pod were started again.
pub(crate) fn restarts(pod: &Value) -> u64 {
    let all = pod["status"]["containerStatuses"].as_array();
    all.into_iter().flatten().filter_map(|status| status["restartCount"].as_u64()).sum()
}
