//! Memory, its limits, and huge pages.
use cgroup::metrics::{HugePages, MemoryMetrics};

use super::{samples::Samples, table as metric};

pub(super) fn add(samples: &mut Samples, memory: &MemoryMetrics) {
    samples.plain(metric::MEMORY_USAGE, memory.usage);
    samples.plain(metric::MEMORY_WORKING_SET, memory.working_set);
    samples.plain(metric::MEMORY_RSS, memory.rss);
    samples.plain(metric::MEMORY_CACHE, memory.cache);
    samples.plain(metric::MEMORY_MAPPED_FILE, memory.mapped_file);
    samples.plain(metric::MEMORY_SWAP, memory.swap);
    samples.plain(metric::MEMORY_KERNEL, memory.kernel);
    samples.plain(metric::MEMORY_MAX_USAGE, memory.max_usage);
    samples.plain(metric::MEMORY_LIMIT_HITS, memory.limit_hits);
    samples.plain(metric::OOM_EVENTS, memory.oom_kills);
    for (scope, faults) in [("container", memory.own_faults), ("hierarchy", memory.all_faults)] {
        for (kind, count) in [("pgfault", faults.any), ("pgmajfault", faults.major)] {
            if let Some(count) = count {
                samples.add(metric::MEMORY_FAILURES, &[kind, scope], count);
            }
        }
    }
    // Where memory is counted, no limit is an answer too.
    if memory.usage.is_some() {
        samples.add(metric::SPEC_MEMORY_LIMIT, &[], memory.limit.unwrap_or(0));
        samples.add(metric::SPEC_MEMORY_RESERVATION, &[], memory.reservation.unwrap_or(0));
        samples.add(metric::SPEC_MEMORY_SWAP_LIMIT, &[], memory.swap_limit.unwrap_or(0));
    }
}

pub(super) fn add_huge_pages(samples: &mut Samples, sizes: &[HugePages]) {
    for pages in sizes {
        samples.add(metric::HUGE_PAGES_USAGE, &[&pages.size], pages.usage);
        if let Some(max) = pages.max_usage {
            samples.add(metric::HUGE_PAGES_MAX_USAGE, &[&pages.size], max);
        }
    }
}
