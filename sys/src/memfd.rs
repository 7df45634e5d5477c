//! Sealed memory files: how a plan or a binary is handed to another process unchangeably (memfd_create(2)).
use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use crate::{Errno, Error, Result, error::Named, fd};

/// A memory file with `content` that nobody can change, positioned at its start.
pub fn sealed(name: &str, content: &[u8]) -> Result<OwnedFd> {
    fill(create(name, MemfdFlags::NOEXEC_SEAL)?, content)
}

/// The same, executable: a binary of ours that no container can overwrite through /proc/self/exe.
pub fn sealed_executable(name: &str, content: &[u8]) -> Result<OwnedFd> {
    fill(create(name, MemfdFlags::EXEC)?, content)
}

fn create(name: &str, mode: MemfdFlags) -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create(name, flags | mode) {
        // Before 6.3 the kernel knows neither NOEXEC_SEAL nor EXEC; files are executable then.
        Err(rustix::io::Errno::INVAL) => memfd_create(name, flags),
        other => other,
    }
    .named("memfd_create", || format!("{name:?}"))
}

fn fill(memfd: OwnedFd, content: &[u8]) -> Result<OwnedFd> {
    let failed = |error: std::io::Error| Error::new("write", "memfd", Errno::from_io(&error));
    let mut file = File::from(memfd);
    file.write_all(content).map_err(failed)?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&file, seals).named("fcntl", || "memfd, F_ADD_SEALS")?;
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0)).named("lseek", || "memfd, 0")?;
    Ok(OwnedFd::from(file))
}

/// Reads a whole memory file from its start.
///
/// # Errors
/// EFBIG when it is larger than `limit_bytes`.
pub fn read(memfd: impl AsFd, limit_bytes: usize) -> Result<Vec<u8>> {
    let size = usize::try_from(fd::identity(memfd.as_fd())?.size_bytes).unwrap_or(usize::MAX);
    if size > limit_bytes {
        return Err(Error::new(
            "read",
            format_args!("memfd of {size} bytes, limit {limit_bytes}"),
            Errno::EFBIG,
        ));
    }
    let mut content = Vec::with_capacity(size);
    let file = File::from(fd::duplicate(memfd)?);
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0)).named("lseek", || "memfd, 0")?;
    let failed = |error: std::io::Error| Error::new("read", "memfd", Errno::from_io(&error));
    file.take(size as u64).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

#[cfg(test)]
mod tests;
