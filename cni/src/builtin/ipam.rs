//! Who has which address of the pod subnet: in memory only, so that a crash cannot leak an address.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::{
    address::Subnet,
    error::{Error, Result},
};

/// Allocator over a subnet. The daemon rebuilds it at start from its pod records with [`Ipam::reserve`].
///
/// Next-fit: an address comes again only after all others had their turn, so that packets and caches meant for the last
/// owner die before there is a next one. Network, broadcast and gateway (first) address are never given out.
///
/// ```
/// let mut ipam = cni::Ipam::new("10.88.0.0/29".parse()?)?;
/// let first = ipam.allocate()?;
/// assert_eq!(first.to_string(), "10.88.0.2");
/// ipam.release(first);
/// assert_eq!(ipam.allocate()?.to_string(), "10.88.0.3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Ipam {
    subnet: Subnet,
    /// One bit for each address of the pods' range, lowest first.
    used: Vec<u64>,
    size: usize,
    taken: usize,
    /// Where the next search begins.
    next: usize,
}

impl Ipam {
    /// An allocator with every address free.
    pub fn new(subnet: Ipv4Net) -> Result<Self> {
        let subnet = Subnet::new(subnet)?;
        let (first, last) = subnet.range();
        let size = (last.to_bits() - first.to_bits()) as usize + 1;
        Ok(Self { subnet, used: vec![0; size.div_ceil(64)], size, taken: 0, next: 0 })
    }

    /// Takes the next free address.
    pub fn allocate(&mut self) -> Result<Ipv4Addr> {
        let free = self.free_from(self.next, self.size).or_else(|| self.free_from(0, self.next));
        let Some(index) = free else {
            return Err(Error::Exhausted { subnet: self.subnet.net(), size: self.size });
        };
        self.take(index);
        Ok(self.address(index))
    }

    /// Takes `address`, which a pod has already or asks for.
    pub fn reserve(&mut self, address: Ipv4Addr) -> Result<()> {
        let Some(index) = self.index(address) else {
            let rule = format!("an address for pods of {}", self.subnet.net());
            return Err(Error::invalid("pod address", &address.to_string(), &rule));
        };
        if self.is_used(index) {
            return Err(Error::AddressTaken { address, subnet: self.subnet.net() });
        }
        self.take(index);
        Ok(())
    }

    /// Gives `address` back; false if it was not taken.
    pub fn release(&mut self, address: Ipv4Addr) -> bool {
        match self.index(address) {
            Some(index) if self.is_used(index) => {
                self.used[index / 64] &= !(1 << (index % 64));
                self.taken -= 1;
                true
            }
            _ => false,
        }
    }

    /// Number of addresses that are free.
    #[must_use]
    pub fn available(&self) -> usize {
        self.size - self.taken
    }

    /// Number of addresses for pods in all.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.size
    }

    /// The subnet.
    #[must_use]
    pub fn subnet(&self) -> Ipv4Net {
        self.subnet.net()
    }

    fn take(&mut self, index: usize) {
        self.used[index / 64] |= 1 << (index % 64);
        self.taken += 1;
        self.next = (index + 1) % self.size;
    }

    /// First free index in `from..to`, a word of 64 at a time.
    fn free_from(&self, from: usize, to: usize) -> Option<usize> {
        let mut index = from;
        while index < to {
            let free = !self.used[index / 64] >> (index % 64);
            if free != 0 {
                let found = index + free.trailing_zeros() as usize;
                return (found < to).then_some(found);
            }
            index = (index / 64 + 1) * 64;
        }
        None
    }

    fn is_used(&self, index: usize) -> bool {
        self.used[index / 64] & (1 << (index % 64)) != 0
    }

    fn index(&self, address: Ipv4Addr) -> Option<usize> {
        self.subnet.holds_pod(address).then(|| (address.to_bits() - self.subnet.range().0.to_bits()) as usize)
    }

    fn address(&self, index: usize) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.subnet.range().0.to_bits() + index as u32)
    }
}

#[cfg(test)]
mod tests;
