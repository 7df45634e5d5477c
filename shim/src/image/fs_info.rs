//! ImageFsInfo: what images and containers take of their file systems.
use std::sync::Arc;

use proto::cri;

use crate::{
    blocking,
    ctx::{Ctx, now_ns},
    error::Result,
};

pub(crate) async fn fs_info(cx: &Arc<Ctx>) -> Result<cri::ImageFsInfoResponse> {
    let cx = cx.clone();
    blocking::run("measure the image store", move || {
        let usage = cx.images.fs_usage()?;
        let images = cri::FilesystemUsage {
            timestamp: now_ns(),
            fs_id: Some(cri::FilesystemIdentifier { mountpoint: cx.layout.images().display().to_string() }),
            used_bytes: Some(cri::UInt64Value { value: usage.bytes }),
            inodes_used: Some(cri::UInt64Value { value: usage.inodes }),
        };
        Ok(cri::ImageFsInfoResponse {
            image_filesystems: vec![images.clone()],
            container_filesystems: vec![images],
        })
    })
    .await
}
