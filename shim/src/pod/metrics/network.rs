//! Interfaces of a pod.
use super::{samples::Samples, table as metric};
use crate::pod::interfaces::Interface;

pub(super) fn add(samples: &mut Samples, interfaces: &[Interface]) {
    for interface in interfaces {
        let name = [interface.name.as_str()];
        let (received, sent) = (&interface.received, &interface.sent);
        samples.add(metric::NETWORK_RX_BYTES, &name, received.bytes);
        samples.add(metric::NETWORK_RX_PACKETS, &name, received.packets);
        samples.add(metric::NETWORK_RX_ERRORS, &name, received.errors);
        samples.add(metric::NETWORK_RX_DROPPED, &name, received.dropped);
        samples.add(metric::NETWORK_TX_BYTES, &name, sent.bytes);
        samples.add(metric::NETWORK_TX_PACKETS, &name, sent.packets);
        samples.add(metric::NETWORK_TX_ERRORS, &name, sent.errors);
        samples.add(metric::NETWORK_TX_DROPPED, &name, sent.dropped);
    }
}
