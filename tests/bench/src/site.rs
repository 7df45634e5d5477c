//! An endpoint with all that it takes to measure it.
use std::sync::Arc;

use anyhow::{Context, Result};
use proto::cri::{ImageStatusRequest, PullImageRequest};

use crate::args::Args;
use crate::cgroupfs;
use crate::endpoint::Endpoint;
use crate::family::{Family, Role};
use crate::ground::{Ground, RUN_PREFIX};
use crate::meter::{Meter, Reading};
use crate::procfs;
use crate::request::{Work, image};

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) endpoint: Endpoint,
    pub(crate) work: Arc<Work>,
    pub(crate) ground: Ground,
    /// What this runtime calls the image.
    pub(crate) image_id: String,
    pub(crate) meter: Meter,
}

/// Memory by PSS, in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) daemon: u64,
    pub(crate) helpers: u64,
    pub(crate) helper_count: usize,
}

impl Site {
    pub(crate) fn new(endpoint: Endpoint, work: Arc<Work>, image_id: String, args: &Args) -> Result<Self> {
        let hierarchies = cgroupfs::hierarchies()?;
        let parent = match args.cgroup_parent.as_str() {
            path if path.is_empty() || path.ends_with(".slice") => path.to_owned(),
            path => format!("{}/{RUN_PREFIX}{}", path.trim_end_matches('/'), work.run),
        };
        let logs = args.log_directory.join(format!("{RUN_PREFIX}{}", work.run));
        let ground = Ground::make(&parent, &logs, &endpoint.name, &hierarchies)?;
        let meter = Meter::new(&endpoint, &ground, &hierarchies)?;
        Ok(Self { endpoint, work, ground, image_id, meter })
    }

    pub(crate) fn read_cpu(&self) -> Result<Reading> {
        self.meter.read(&self.endpoint, &self.work.command)
    }

    /// None if the daemon is not known.
    pub(crate) fn memory(&self) -> Result<Option<Memory>> {
        let Some(daemon) = self.endpoint.daemon else { return Ok(None) };
        let all = procfs::processes()?;
        let ids = self.endpoint.ids();
        let mut found = Memory::default();
        for (process, role) in (Family { daemon, ids: &ids, command: &self.work.command }).members(&all) {
            // It may have ended by now.
            let Some(pss) = procfs::pss_kib(process.pid) else { continue };
            match role {
                Role::Daemon => found.daemon += pss,
                Role::Helper => {
                    found.helpers += pss;
                    found.helper_count += 1;
                }
                Role::Workload => {}
            }
        }
        Ok(Some(found))
    }
}

impl Memory {
    pub(crate) fn total(&self) -> u64 {
        self.daemon + self.helpers
    }
}

/// The id of the image, which is pulled if it is not there.
pub(crate) async fn image_id(endpoint: &Endpoint, name: &str) -> Result<String> {
    let mut client = endpoint.image_client();
    let request = ImageStatusRequest { image: image(name), verbose: false };
    let status = client.image_status(request).await.with_context(|| format!("look for {name}"))?;
    if let Some(found) = status.into_inner().image {
        return Ok(found.id);
    }
    let request = PullImageRequest { image: image(name), ..PullImageRequest::default() };
    let pulled = client.pull_image(request).await.with_context(|| format!("pull {name}"))?;
    Ok(pulled.into_inner().image_ref)
}
