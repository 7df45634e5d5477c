//! Who the process runs as, from the request, the image and the image's user database.

/// At most this much of `/etc/passwd` and `/etc/group` is read: containerd's limit, and far above real files.
pub const FILE_LIMIT: usize = 10 << 20;
