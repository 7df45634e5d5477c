//! The kernel's log: /dev/kmsg (the kernel's ABI/testing/dev-kmsg).
use rustix::{
    fs::{self, Mode, OFlags},
    io::Errno as Raw,
};

use crate::{Result, error::Named};

/// One record: the kernel gives no longer one.
const RECORD: usize = 8 << 10;
/// More records than any kernel's ring holds; somebody may log while we read.
const RECORDS_MAX: usize = 1 << 17;

/// What `find` makes of the newest record for which it makes anything. Only records of the kernel itself are shown:
/// whoever may write to the device can write what he likes, but not in the kernel's name.
///
/// # Errors
/// ENOENT without the device, EPERM without CAP_SYSLOG where dmesg is restricted.
pub fn newest<T>(mut find: impl FnMut(&str) -> Option<T>) -> Result<Option<T>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let log = fs::open("/dev/kmsg", flags, Mode::empty()).named("open", || "/dev/kmsg")?;
    let (mut newest, mut buffer) = (None, vec![0; RECORD]);
    for _ in 0..RECORDS_MAX {
        match rustix::io::read(&log, &mut buffer[..]) {
            Ok(0) | Err(Raw::AGAIN) => break,
            Ok(length) => {
                let record = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
                if let Some(found) = of_kernel(&record).and_then(&mut find) {
                    newest = Some(found);
                }
            }
            // The next records were overwritten before we came to them; reading goes on behind the gap.
            Err(Raw::PIPE | Raw::INTR) => {}
            Err(errno) => return Err(errno).named("read", || "/dev/kmsg"),
        }
    }
    Ok(newest)
}

/// The text of a record "priority,sequence,time,flags;text", with lines " KEY=value" below. The facility, in the priority's
/// upper bits, is 0 for the kernel alone.
fn of_kernel(record: &str) -> Option<&str> {
    let (prefix, text) = record.split_once(';')?;
    let priority: u32 = prefix.split(',').next()?.parse().ok()?;
    (priority >> 3 == 0).then(|| text.lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
