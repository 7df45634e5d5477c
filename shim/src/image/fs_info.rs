//! ImageFsInfo: what images take of their file system, and what containers take of theirs.
use std::{path::Path, sync::Arc};

use imagestore::FsUsage;
use proto::cri;

use crate::{
    blocking,
    container::layer,
    ctx::{Ctx, now_ns},
    error::Result,
};

pub(crate) async fn fs_info(cx: &Arc<Ctx>) -> Result<cri::ImageFsInfoResponse> {
    let cx = cx.clone();
    blocking::run("measure images and containers", move || {
        let images = cx.images.fs_usage()?;
        // An ended container's layer takes space until the container is removed.
        let containers = cx.store.containers().iter().map(|container| layer::usage(&cx, container).1).sum();
        Ok(cri::ImageFsInfoResponse {
            image_filesystems: vec![taken(&cx.layout.images(), images)],
            container_filesystems: vec![taken(&cx.layout.containers(), containers)],
        })
    })
    .await
}

/// kubelet finds the file system, and whether the two are one, by the directory.
fn taken(directory: &Path, usage: FsUsage) -> cri::FilesystemUsage {
    cri::FilesystemUsage {
        timestamp: now_ns(),
        fs_id: Some(cri::FilesystemIdentifier { mountpoint: directory.display().to_string() }),
        used_bytes: Some(cri::UInt64Value { value: usage.bytes }),
        inodes_used: Some(cri::UInt64Value { value: usage.inodes }),
    }
}
