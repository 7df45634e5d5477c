//! `berth run`: a container in a pod of its own.

mod config;
mod foreground;
mod name;
mod port;
mod volume;

use std::{collections::HashMap, fs, io, path::Path};

use port::Port;
use proto::cri::{
    CreateContainerRequest, ImageSpec, ImageStatusRequest, PodSandboxConfig, RemovePodSandboxRequest,
    RunPodSandboxRequest, StartContainerRequest,
};
use volume::Volume;

use super::{Node, pull, stop::stop_pod};
use crate::{
    client::Client,
    failure::{Doing, Failure, OrTry, Result},
    find, output, size, terminal,
};

pub(crate) use config::{Interaction, is_ours};

/// Run an image in a pod of its own
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth run --rm alpine echo hello             its exit code is ours
  berth run -it --rm alpine sh                 a shell; Ctrl-P Ctrl-Q leaves it
  berth run -d --name web -p 8080:80 nginx     a server; see berth logs -f web
  berth run --rm -v $PWD:/src:ro -w /src rust cargo test

Where kubelet runs, too, it stops pods it does not know: use kubectl there.")]
pub(crate) struct Args {
    /// Do not wait for the end; print the container's id
    #[arg(short, long)]
    detach: bool,
    /// Pass standard input on
    #[arg(short, long)]
    interactive: bool,
    /// Give the program a terminal
    #[arg(short, long)]
    tty: bool,
    /// Remove everything when the program has ended
    #[arg(long, conflicts_with = "detach")]
    rm: bool,
    /// Name of pod and container [default: made from the image's]
    #[arg(long, value_parser = name::parse)]
    name: Option<String>,
    /// Host port to container port: [IP:]HOST:CONTAINER[/udp]
    #[arg(short, long = "publish", value_name = "PORTS", value_parser = Port::parse)]
    publish: Vec<Port>,
    /// Environment variable: KEY=VALUE, or KEY to pass ours on
    #[arg(short, long, value_name = "VARIABLE")]
    env: Vec<String>,
    /// Directory or file of the node: HOST:CONTAINER[:ro]
    #[arg(short, long, value_name = "MOUNT", value_parser = Volume::parse)]
    volume: Vec<Volume>,
    /// Working directory
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
    /// User: a name, or UID[:GID]
    #[arg(short, long)]
    user: Option<String>,
    /// Program in place of the image's entry point
    #[arg(long, value_name = "PROGRAM")]
    entrypoint: Option<String>,
    /// Host name in the pod [default: its name]
    #[arg(long)]
    hostname: Option<String>,
    /// Use the node's network
    #[arg(long, conflicts_with = "publish")]
    host_network: bool,
    /// Memory limit, such as 512m
    #[arg(short, long, value_name = "SIZE", value_parser = size::memory)]
    memory: Option<i64>,
    /// CPUs, such as 1.5
    #[arg(long, value_name = "NUMBER", value_parser = size::cpu_quota)]
    cpus: Option<i64>,
    /// Let the program change nothing in the image's files
    #[arg(long)]
    read_only: bool,
    /// Give the program the node's devices and all capabilities
    #[arg(long)]
    privileged: bool,
    /// When to pull the image
    #[arg(long, value_enum, default_value_t = Pull::Missing)]
    pull: Pull,
    /// The image, and what to run in it
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "IMAGE [COMMAND]"
    )]
    image_and_command: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Pull {
    /// If it is not here
    Missing,
    /// Even if it is here
    Always,
    Never,
}

impl Args {
    fn image(&self) -> &str {
        self.image_and_command.first().map_or("", String::as_str)
    }

    pub(super) fn words(&self) -> &[String] {
        self.image_and_command.get(1..).unwrap_or_default()
    }
}

/// A pod with one container, as `berth run` makes them.
#[derive(Debug)]
struct Made {
    name: String,
    pod_id: String,
    container_id: String,
    logs: String,
}

pub(crate) async fn run(node: &Node, args: Args) -> Result<i32> {
    if args.tty && !args.detach {
        terminal::require()?;
    }
    let mut client = node.connect().await?;
    let image = image(&mut client, args.image(), args.pull).await?;
    let name = match &args.name {
        Some(name) => free(&mut client, name).await?,
        None => name::made_from(args.image())?,
    };
    let pod = config::pod(&args, &name)?;
    let container = config::container(&args, &name, image)?;
    make_log_directory(&pod.log_directory)?;
    let pod_id = run_pod(&mut client, &pod).await?;
    let logs = pod.log_directory.clone();
    let request = CreateContainerRequest {
        pod_sandbox_id: pod_id.clone(),
        config: Some(container),
        sandbox_config: Some(pod),
    };
    let mut made = Made { name, pod_id, container_id: String::new(), logs };
    match Box::pin(start(&mut client, request, &mut made)).await {
        Ok(()) if args.detach => output::line(&made.container_id).map(|()| 0),
        Ok(()) => foreground::follow(&mut client, &made, &args).await,
        Err(failure) => {
            // A pod without its container is of no use; why it failed matters more than why it cannot go.
            let _ = remove(&mut client, &made).await;
            Err(failure)
        }
    }
}

/// `name`, if no pod of ours has it. CRI would allow a second one, with another uid; people would not.
async fn free(client: &mut Client, name: &str) -> Result<String> {
    let pods = find::pods(client).await?;
    if pods.iter().any(|pod| is_ours(&pod.labels) && find::pod_name(pod.metadata.as_ref()) == name) {
        return Err(Failure::new(format!("there is a pod {name} already"))
            .or_try(format!("another --name, or `berth rm -f {name}` first")));
    }
    Ok(name.to_owned())
}

/// The id of the image, pulled if that is wanted.
async fn image(client: &mut Client, name: &str, when: Pull) -> Result<ImageSpec> {
    let spec = ImageSpec { image: name.to_owned(), ..ImageSpec::default() };
    let find = async |client: &mut Client| {
        let request = ImageStatusRequest { image: Some(spec.clone()), verbose: false };
        let answer = client.images.image_status(request).await.doing(format_args!("find image {name}"))?;
        Ok::<_, Failure>(answer.into_inner().image)
    };
    let mut found = if when == Pull::Always { None } else { find(client).await? };
    if found.is_none() && when != Pull::Never {
        pull::pull(client, name, None).await?;
        found = find(client).await?;
    }
    let image = found.ok_or_else(|| {
        Failure::new(format!("image {name} is not here")).or_try(format!("`berth pull {name}`"))
    })?;
    Ok(ImageSpec { image: image.id, user_specified_image: name.to_owned(), ..ImageSpec::default() })
}

async fn run_pod(client: &mut Client, pod: &PodSandboxConfig) -> Result<String> {
    let name = pod.metadata.as_ref().map_or("", |metadata| metadata.name.as_str());
    let request = RunPodSandboxRequest { config: Some(pod.clone()), runtime_handler: String::new() };
    let answer = client.runtime.run_pod_sandbox(request).await;
    let answer = answer.doing(format_args!("run pod {name}")).map_err(|failure| {
        // The directory is empty: it was made for this pod.
        let _ = fs::remove_dir(&pod.log_directory);
        if failure.is(tonic::Code::AlreadyExists) { failure.or_try("another --name") } else { failure }
    })?;
    Ok(answer.into_inner().pod_sandbox_id)
}

async fn start(client: &mut Client, request: CreateContainerRequest, made: &mut Made) -> Result {
    let created = client.runtime.create_container(request).await;
    made.container_id =
        created.doing(format_args!("create container {}", made.name))?.into_inner().container_id;
    let request = StartContainerRequest { container_id: made.container_id.clone() };
    client.runtime.start_container(request).await.doing(format_args!("start container {}", made.name))?;
    Ok(())
}

/// Takes away pod, container and log.
async fn remove(client: &mut Client, made: &Made) -> Result {
    stop_pod(client, &made.pod_id, &made.name).await?;
    let request = RemovePodSandboxRequest { pod_sandbox_id: made.pod_id.clone() };
    client.runtime.remove_pod_sandbox(request).await.doing(format_args!("remove pod {}", made.name))?;
    remove_log_directory(Path::new(&made.logs))
}

fn make_log_directory(directory: &str) -> Result {
    fs::create_dir_all(directory)
        .doing(format_args!("make {directory}"))
        .or_try("as root: the log is a file of the node")
}

/// Removes the log of a pod that `berth run` made.
pub(super) fn remove_logs(annotations: &HashMap<String, String>) -> Result {
    match annotations.get(config::LOGS) {
        Some(directory) if config::is_log_directory(Path::new(directory)) => {
            remove_log_directory(Path::new(directory))
        }
        Some(_) | None => Ok(()),
    }
}

fn remove_log_directory(directory: &Path) -> Result {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).doing(format_args!("remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}
