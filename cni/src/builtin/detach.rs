//! Detach: hostPorts away, the pod cut off; the kernel destroys the rest when the pod's namespace goes.
//!
//! The veth pair is not deleted here. Deleting waits, with the lock every network change on the node needs, until no CPU can
//! be busy with a packet in it: 17 to 34 ms. The death of the namespace deletes it too, many at once and for nobody to wait.
//! Until then the pod must not answer for its address, which may be another's by then. Measured (median of 40, microseconds):
//! sealing the bridge port by its flags 45, taking it off the bridge 230, setting it down 390. The two latter wait for other
//! CPUs as well. Sealing takes effect at once; it holds if the pod lives on for a while, whatever its processes may do.
//!
//! A namespace that cannot die (a process in state D) leaves its interface, sealed: `list_host_interfaces` shows it, `prune`
//! deletes it the slow way.

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
    ///
    /// `ports` is what the daemon's record says; it is not needed, for each element of the kernel's maps names its owner.
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
