//! Detach: hostPorts away, the pod cut off; the kernel destroys the rest when the pod's namespace goes.

use sys::Errno;

use super::Builtin;
use crate::{
    error::Result,
    ids::{AttachmentId, host_interface},
    netlink::{is_absent, link},
    port::PortMapping,
};

impl Builtin {
    /// Takes the hostPorts away and cuts the pod off the bridge. Idempotent; right for an attachment that never was.
    pub fn detach(&self, id: &AttachmentId, _ports: &[PortMapping]) -> Result<()> {
        self.firewall().withdraw(id)?;
        let name = host_interface(id);
        let mut links = self.links();
        match links.connection.all(&[link::seal_port(&name)]) {
            Err(error) if error.errno().is_some_and(is_absent) => Ok(()),
            // The interface is down: nothing passes.
            Err(error) if error.errno() == Some(ENETDOWN) => Ok(()),
            // It is no port of a bridge (any more).
            Err(error) if matches!(error.errno(), Some(Errno::ENOTSUP | Errno::EINVAL)) => {
                links.delete(&[name])
            }
            done => done,
        }
    }
}

const ENETDOWN: Errno = Errno(100);
