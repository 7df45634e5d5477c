//! A container's OCI runtime spec, put together from the parts the other modules decide.

mod namespaces;

use std::collections::HashMap;

use oci_spec::runtime::{
    Capabilities, Linux, LinuxCapabilities, LinuxCapabilitiesBuilder, LinuxResources, PosixRlimit,
    PosixRlimitBuilder, PosixRlimitType, Process, Root, RootBuilder, Spec, User,
};
use proto::cri;

use crate::{
    capabilities::{self, CapabilitySet, ProcessCapabilities},
    cdi, devices,
    error::{Result, SpecError, quoted},
    input::Input,
    mounts, pod, process, resources, seccomp, security, user,
};

/// The version of the OCI runtime specification whose fields are used.
const OCI_VERSION: &str = "1.2.0";

/// Decides everything about a container.
///
/// # Errors
/// Whatever the request, the image or the node makes impossible; see [`SpecError::kind`](crate::SpecError::kind).
pub fn build(input: &Input<'_>) -> Result<Spec> {
    let linux = input.container.linux.clone().unwrap_or_default();
    let security = linux.security_context.unwrap_or_default();
    let namespaces = pod::PodNamespaces::of(input.pod)?;
    let options = security.namespace_options.as_ref();
    pod::check_user_namespace(options.and_then(|options| options.userns_options.as_ref()))?;
    let privileged = security::privileged(input, &security)?;
    cdi::refuse_the_rest(input.cdi)?;
    let mut account = user::resolve(Some(&security), &input.image.user, &input.image.name, input.users)?;
    cdi::groups(input.cdi, &mut account.additional_gids);
    let capabilities = capabilities::resolve(
        security.capabilities.as_ref(),
        privileged,
        input.policy.default_capabilities,
        input.node.bounding,
    )?;
    let labels = security::selinux_labels(security.selinux_options.as_ref(), privileged, input.node.selinux)?;
    let mounts = mounts::mounts(input, namespaces, privileged)?;
    let devices = devices::devices(input, privileged)?;

    let mut process = program(input, &account)?;
    process
        .set_capabilities(Some(capability_section(capabilities)?))
        .set_no_new_privileges(Some(security::no_new_privileges(
            &security,
            account.uid,
            privileged,
            input.policy,
        )))
        .set_apparmor_profile(security::apparmor_profile(input, &security, privileged)?)
        .set_selinux_label(labels.as_ref().map(|labels| labels.process.clone()))
        .set_rlimits(rlimits(input)?);
    let mut limits = resources::empty();
    if let Some(request) = &linux.resources {
        limits = resources::resources(request, input.node)?;
        process.set_oom_score_adj(Some(resources::oom_score_adj(request, input.node)?));
    }
    if let Some(limit) = input.policy.pids_limit {
        resources::limit_pids(&mut limits, limit)?;
    }
    limits.set_devices(Some(devices.rules));

    let (masked, readonly) = security::hidden_paths(&security, privileged, input.node)?;
    let mut linux = linux_section(input, limits);
    linux
        .set_namespaces(Some(namespaces::list(input, namespaces, options, privileged)?))
        .set_devices(Some(devices.nodes).filter(|nodes| !nodes.is_empty()))
        .set_seccomp(seccomp::section(input, capabilities.bounding)?)
        .set_rootfs_propagation(Some(mounts.root_propagation.to_owned()))
        .set_masked_paths(Some(masked).filter(|paths| !paths.is_empty()))
        .set_readonly_paths(Some(readonly).filter(|paths| !paths.is_empty()))
        .set_mount_label(labels.map(|labels| labels.mount));

    let mut spec = Spec::default();
    spec.set_version(OCI_VERSION.to_owned())
        .set_root(Some(root(input, security.readonly_rootfs)?))
        .set_mounts(Some(mounts.list))
        .set_process(Some(process))
        .set_hostname(None)
        .set_annotations(Some(annotations(input)))
        .set_linux(Some(linux));
    Ok(spec)
}

/// What is run, by whom, where and with which environment.
fn program(input: &Input<'_>, account: &user::Account) -> Result<Process> {
    let mut user = User::default();
    user.set_uid(account.uid).set_gid(account.gid).set_additional_gids(Some(account.additional_gids.clone()));
    let env = environment(input, account.home.as_deref())?;
    // The OCI document is text. Values that are not stay whole in the plan; see `lower`.
    let env: Vec<String> =
        env.iter().map(|variable| String::from_utf8_lossy(&variable.entry()).into_owned()).collect();
    let mut process = Process::default();
    process
        .set_terminal(Some(input.container.tty))
        .set_user(user)
        .set_args(Some(process::args(input.container, input.image)?))
        .set_env(Some(env))
        .set_cwd(process::working_dir(input.container, input.image)?.into());
    Ok(process)
}

fn environment(input: &Input<'_>, home: Option<&str>) -> Result<Vec<process::Variable>> {
    let hostname = match input.pod.hostname.as_str() {
        "" => &input.node.hostname,
        name => name,
    };
    let around = process::Surroundings { hostname, home, tty: input.container.tty, devices: input.cdi };
    process::environment(input.container, input.image, around)
}

fn capability_section(sets: ProcessCapabilities) -> Result<LinuxCapabilities> {
    LinuxCapabilitiesBuilder::default()
        .bounding(capability_names(sets.bounding)?)
        .effective(capability_names(sets.effective)?)
        .permitted(capability_names(sets.permitted)?)
        .inheritable(capability_names(sets.inheritable)?)
        .ambient(capability_names(sets.ambient)?)
        .build()
        .map_err(internal)
}

fn capability_names(set: CapabilitySet) -> Result<Capabilities> {
    set.names()
        .map(|name| {
            name.parse().map_err(|_| SpecError::internal("capabilities", format!("{name} has no OCI name")))
        })
        .collect()
}

fn rlimits(input: &Input<'_>) -> Result<Option<Vec<PosixRlimit>>> {
    let mut limits = Vec::new();
    for limit in &input.policy.rlimits {
        let typ: PosixRlimitType = limit.name.parse().map_err(|_| {
            SpecError::invalid(
                format!("resource limit {}", quoted(&limit.name)),
                "the OCI runtime specification has no such limit",
                "use a name such as \"RLIMIT_NOFILE\" in the configuration",
            )
        })?;
        let built = PosixRlimitBuilder::default().typ(typ).soft(limit.soft).hard(limit.hard).build();
        limits.push(built.map_err(internal)?);
    }
    Ok(Some(limits).filter(|limits| !limits.is_empty()))
}

fn linux_section(input: &Input<'_>, limits: LinuxResources) -> Linux {
    let mut linux = Linux::default();
    linux.set_resources(Some(limits)).set_cgroups_path(Some(input.paths.cgroup.clone()));
    linux
}

fn root(input: &Input<'_>, readonly: bool) -> Result<Root> {
    RootBuilder::default().path(&input.paths.rootfs).readonly(readonly).build().map_err(internal)
}

/// What plugins and other runtimes look up, under the names containerd made common. Annotations of the pod and the
/// container are not passed on: they would be orders to whoever reads them (CVE-2023-6476).
fn annotations(input: &Input<'_>) -> HashMap<String, String> {
    let pod = input.pod.metadata.clone().unwrap_or_default();
    let container: cri::ContainerMetadata = input.container.metadata.clone().unwrap_or_default();
    [
        ("container-type", "container"),
        ("sandbox-id", input.pod_id),
        ("sandbox-name", pod.name.as_str()),
        ("sandbox-namespace", pod.namespace.as_str()),
        ("sandbox-uid", pod.uid.as_str()),
        ("container-name", container.name.as_str()),
        ("image-name", input.image.name.as_str()),
    ]
    .into_iter()
    .map(|(key, value)| (format!("io.kubernetes.cri.{key}"), value.to_owned()))
    .collect()
}

fn internal(error: oci_spec::OciSpecError) -> SpecError {
    SpecError::internal("the OCI spec", error.to_string())
}

#[cfg(test)]
mod tests;
