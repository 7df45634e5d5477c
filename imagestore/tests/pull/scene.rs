//! A store in a temporary directory, and what every test asks of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use imagestore::{Config, Credentials, Error, Image, Kind, PullHooks, Store};

pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) dir: tempfile::TempDir,
}

/// A configuration whose waits are short.
pub(crate) fn config(root: PathBuf) -> Config {
    let mut config = Config::new(root);
    config.timeouts.connect = Duration::from_secs(2);
    config.timeouts.answer = Duration::from_millis(700);
    config.timeouts.idle = Duration::from_millis(700);
    config.timeouts.rate_span = Duration::from_millis(900);
    config.timeouts.min_bytes = 20;
    config.timeouts.backoff = Duration::from_millis(5);
    config.timeouts.retry_after_max = Duration::from_secs(1);
    config
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path().join("images"));
        change(&mut config);
        Self { store: Store::open(config).unwrap(), dir }
    }

    /// With a certs.d of (host directory, hosts.toml).
    pub(crate) fn with_hosts(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let certs = dir.path().join("certs.d");
        for (host, text) in files {
            std::fs::create_dir_all(certs.join(host)).unwrap();
            std::fs::write(certs.join(host).join("hosts.toml"), text).unwrap();
        }
        let mut config = config(dir.path().join("images"));
        config.certs_dir = Some(certs);
        Self { store: Store::open(config).unwrap(), dir }
    }

    pub(crate) async fn pull(&self, name: &str) -> Result<Arc<Image>, Error> {
        self.pull_as(name, None).await
    }

    pub(crate) async fn pull_as(&self, name: &str, auth: Option<Credentials>) -> Result<Arc<Image>, Error> {
        let pull = self.store.pull(name, auth, PullHooks::default());
        tokio::time::timeout(Duration::from_secs(60), pull).await.expect("the pull ends in time")
    }

    /// Pulls, expects this failure, and that nothing is left of it.
    pub(crate) async fn refused(&self, name: &str, kind: Kind) -> String {
        let error = self.pull(name).await.expect_err("the pull is refused");
        assert_eq!(error.kind(), kind, "{}", chain(&error));
        self.assert_clean();
        chain(&error)
    }

    /// Nothing is half done: no ingest directory, no image.
    pub(crate) fn assert_clean(&self) {
        assert!(self.store.list().is_empty(), "no image is visible");
        assert_eq!(self.ingests(), 0, "no ingest directory is left");
    }

    pub(crate) fn ingests(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("images/ingest")).unwrap().count()
    }

    pub(crate) fn layers(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("images/layers")).unwrap().count()
    }

    pub(crate) fn read(&self, image: &Image, path: &str) -> Option<Vec<u8>> {
        self.store.read_file(image, path, 1 << 20).unwrap()
    }
}

/// An error with all its sources, as a log shows it.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
