//! Asks the running machine about devices and AppArmor profiles; does I/O.

use std::{io, path::Path};

use crate::host::{Found, Host, HostDevice};

/// The machine we run on.
#[derive(Clone, Copy, Debug, Default)]
pub struct LiveHost;

// === impl LiveHost ===

impl Host for LiveHost {
    fn device(&self, _path: &Path) -> io::Result<Found> {
        Err(io::Error::other("not built yet"))
    }

    fn all_devices(&self) -> io::Result<Vec<HostDevice>> {
        Err(io::Error::other("not built yet"))
    }

    fn apparmor_loaded(&self, _profile: &str) -> io::Result<bool> {
        Err(io::Error::other("not built yet"))
    }
}
