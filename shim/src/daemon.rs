//! The life of the daemon: open everything, recover, serve, leave the pods running.
use std::{fs, os::unix::fs::DirBuilderExt, path::Path, sync::Arc};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    blocking,
    config::{self, Config},
    ctx::Ctx,
    events::Events,
    layout::Layout,
    network::Network,
    records::recover,
    server::{self, StreamingBackend},
    steps::Steps,
    store::Store,
};

/// What the process was started with besides its configuration.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// The step that is to go wrong, for tests.
    pub(crate) fault: Option<String>,
    /// How registries are reached.
    pub(crate) proxy: imagestore::ProxySettings,
    /// Take bridge, table and cgroup root away at a clean end.
    pub(crate) remove_node_state: bool,
}

/// The whole life of one daemon.
pub(crate) async fn run(config: Config, surroundings: Surroundings) -> Result<()> {
    let remove_node_state = surroundings.remove_node_state;
    let layout = Layout::new(config.root.clone(), config.run_dir.clone());
    directories(&layout)?;
    // Two daemons on one root would each undo what the other makes.
    let _lock = sys::lock::exclusive(&layout.lock())
        .with_context(|| format!("{}: another berthd runs on this run directory", layout.lock().display()))?;
    let streaming = Arc::new(streaming_server(&config.streaming).await?);
    let shutdown = CancellationToken::new();
    let cx = Arc::new(open(config, layout, surroundings, streaming, Events::new(shutdown.clone()))?);
    recover::recover(&cx).await.map_err(|error| anyhow::anyhow!(error.chain())).context("recover")?;
    let listener = server::bind(&cx.config.socket)?;
    tokio::spawn(cx.streaming.clone().serve(Arc::new(StreamingBackend::new(cx.clone())), shutdown.clone()));
    tokio::spawn(stop_on_signal(shutdown.clone()));
    tokio::spawn(look_after_the_network(cx.clone()));
    tracing::info!(socket = %cx.config.socket.display(), version = env!("CARGO_PKG_VERSION"), "serving");
    // Not under systemd there is nobody to tell, which is no error.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let served = server::serve(cx.clone(), listener, shutdown).await;
    let _ = fs::remove_file(&cx.config.socket);
    if remove_node_state {
        clear_node(&cx);
    }
    tracing::info!("stopped; pods run on");
    served
}

async fn streaming_server(config: &config::Streaming) -> Result<streaming::Server> {
    let address = (config.address, config.port).into();
    let server = streaming::Server::bind(address).await.with_context(|| format!("listen on {address}"))?;
    if config.tls_cert.as_os_str().is_empty() {
        return Ok(server);
    }
    let read = |path: &Path| fs::read(path).with_context(|| format!("read {}", path.display()));
    let tls =
        streaming::tls::server(&read(&config.tls_cert)?, &read(&config.tls_key)?).with_context(|| {
            format!("streaming.tls_cert {}, tls_key {}", config.tls_cert.display(), config.tls_key.display())
        })?;
    Ok(server.with_tls(tls))
}

async fn stop_on_signal(shutdown: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    shutdown.cancel();
}

/// Pods are few and far between on a quiet node: what another program flushed must not wait for the next one.
async fn look_after_the_network(cx: Arc<Ctx>) {
    let Some(period) = cx.network.repair_period() else { return };
    loop {
        tokio::time::sleep(period).await;
        let context = cx.clone();
        let repaired = blocking::run("look after the pod network", move || context.network.repair());
        if let Err(error) = repaired.await {
            tracing::warn!(
                error = error.chain(),
                "the built-in network could not be repaired; trying again later"
            );
        }
    }
}

fn directories(layout: &Layout) -> Result<()> {
    for directory in [layout.root(), layout.run()] {
        make(directory, 0o711)?;
    }
    for directory in [layout.pods(), layout.run_pods(), layout.images()] {
        make(&directory, 0o700)?;
    }
    make(&layout.empty(), 0o555)?;
    make(&layout.containers(), 0o700)
}

/// Makes a directory, or repairs the mode of one that is there: image files with set-uid bits lie below.
fn make(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .with_context(|| format!("make {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("restrict {}", path.display()))
}

fn open(
    config: Config,
    layout: Layout,
    surroundings: Surroundings,
    streaming: Arc<streaming::Server>,
    events: Events,
) -> Result<Ctx> {
    let program = fs::read(&config.monitor).with_context(|| {
        format!(
            "read the monitor {}; install berth-monitor beside berthd or set `monitor`",
            config.monitor.display()
        )
    })?;
    let certs_dir = Some(config.images.certs_dir.clone());
    let proxy = surroundings.proxy;
    let settings = imagestore::Config { certs_dir, proxy, ..imagestore::Config::new(layout.images()) };
    let images = imagestore::Store::open(settings).context("open the image store")?;
    let cgroups = cgroup::Manager::open(config.cgroup_driver.into()).context("open the cgroup hierarchy")?;
    cgroups.driver().own(&config.cgroup_root).context("cgroup_root")?;
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("read the boot id")?;
    Ok(Ctx {
        network: Network::new(config.network.clone(), &layout)
            .map_err(|error| anyhow::anyhow!(error.chain()))?,
        store: Store::default(),
        images,
        cgroups,
        steps: Steps::with_fault(surroundings.fault.as_deref()),
        events,
        node: spec::NodeFacts::detect().context("find out what this node can do")?,
        policy: policy(&config),
        host: spec::LiveHost,
        filters: spec::Cache::default(),
        monitor_program: sys::memfd::sealed_executable("berth-monitor", &program)
            .context("seal the monitor")?,
        boot_id: boot_id.trim().to_owned(),
        streaming,
        layout,
        config,
    })
}

/// What an administrator decides about every container.
fn policy(config: &Config) -> spec::Policy {
    let pids_limit = (config.pids_limit != 0).then_some(config.pids_limit.into());
    spec::Policy { pids_limit, allow_socketcall: config.allow_socketcall, ..spec::Policy::default() }
}

/// For tests and uninstalling: bridge, table and cgroup root go, unless pods still need them.
fn clear_node(cx: &Ctx) {
    if !cx.store.pods().is_empty() {
        tracing::warn!("pods are left, so bridge, nftables table and cgroup root stay");
        return;
    }
    if let Err(error) = cx.network.remove_node_state() {
        tracing::warn!(error = error.chain(), "the bridge or the nftables table could not be removed");
    }
    let root = cx.cgroups.driver().own(&cx.config.cgroup_root);
    if let Err(error) = root.and_then(|root| cx.cgroups.remove(&root)) {
        tracing::warn!(%error, "the cgroup root could not be removed");
    }
}
