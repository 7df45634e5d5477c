#![expect(unsafe_code, reason = "mmap(2), madvise(2)")]
//! Anonymous memory straight from the kernel: a big buffer costs only the pages that were touched, and can give
//! them back.
use std::{
    ops::{Deref, DerefMut},
    ptr::{self, NonNull},
    slice,
};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::{Errno, Error, Result, error::Named};

/// A zeroed buffer of fixed length.
#[derive(Debug)]
pub struct Pages {
    start: NonNull<u8>,
    length: usize,
}

impl Pages {
    /// # Errors
    /// EINVAL for no bytes, ENOMEM.
    pub fn new(length_bytes: usize) -> Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new private mapping at an address of the kernel's choice touches no memory in use.
        let mapped = unsafe { mmap_anonymous(ptr::null_mut(), length_bytes, protection, MapFlags::PRIVATE) };
        let start = mapped.named("mmap", || format!("{length_bytes}, anonymous"))?;
        let start = NonNull::new(start.cast()).ok_or_else(|| Error::new("mmap", "null", Errno::ENOMEM))?;
        Ok(Self { start, length: length_bytes })
    }

    /// Gives the pages back; the content is zero afterwards.
    pub fn release(&mut self) -> Result<()> {
        // SAFETY: the whole mapping is ours, and nobody borrows it while `self` is borrowed mutably. Private
        // anonymous pages read as zero after MADV_DONTNEED, which is a valid content.
        unsafe { madvise(self.start.as_ptr().cast(), self.length, Advice::LinuxDontNeed) }
            .named("madvise", || format!("{}, MADV_DONTNEED", self.length))
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping is readable, zero-initialised, `length` long, and lives as long as `self`.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, writable, and `self` is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping was made in `new` and nobody can borrow it any more.
        unsafe { munmap(self.start.as_ptr().cast(), self.length) }.ok();
    }
}

#[cfg(test)]
mod tests;
