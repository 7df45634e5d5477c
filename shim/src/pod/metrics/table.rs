//! Every metric there is: one table, from which descriptors are answered and which samples refer to.
use proto::cri::{
    self,
    MetricType::{Counter, Gauge},
};

/// Labels of every metric, as cAdvisor names them: dashboards written for it keep working.
pub(super) const LABELS: [&str; 6] = ["container", "id", "image", "name", "namespace", "pod"];

/// One metric.
#[derive(Debug)]
pub(super) struct Descriptor {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: cri::MetricType,
    /// Labels beyond `LABELS`.
    pub(super) labels: &'static [&'static str],
}

impl Descriptor {
    pub(super) fn cri(&self) -> cri::MetricDescriptor {
        cri::MetricDescriptor {
            name: self.name.into(),
            help: self.help.into(),
            label_keys: LABELS.iter().chain(self.labels).map(|&label| label.to_owned()).collect(),
        }
    }
}

macro_rules! table {
    ($($constant:ident $kind:ident $name:literal [$($label:literal),*] $help:literal)*) => {
        $(pub(super) const $constant: &Descriptor =
            &Descriptor { name: $name, help: $help, kind: $kind, labels: &[$($label),*] };)*
        pub(super) const TABLE: &[&Descriptor] = &[$($constant),*];
    };
}

table! {
    CPU_USAGE Counter "container_cpu_usage_seconds_total" []
        "Processor time used, in whole seconds."
    CPU_USER Counter "container_cpu_user_seconds_total" []
        "Processor time used by programs, in whole seconds."
    CPU_SYSTEM Counter "container_cpu_system_seconds_total" []
        "Processor time used by the kernel on their behalf, in whole seconds."
    CPU_PERIODS Counter "container_cpu_cfs_periods_total" []
        "Scheduling periods in which there was something to run."
    CPU_THROTTLED_PERIODS Counter "container_cpu_cfs_throttled_periods_total" []
        "Scheduling periods in which the quota was used up."
    CPU_THROTTLED Counter "container_cpu_cfs_throttled_seconds_total" []
        "Time spent waiting for the next period's quota, in whole seconds."
    SPEC_CPU_PERIOD Gauge "container_spec_cpu_period" []
        "Length of a scheduling period, in microseconds."
    SPEC_CPU_QUOTA Gauge "container_spec_cpu_quota" []
        "Processor time allowed in a period, in microseconds; absent without a limit."
    SPEC_CPU_SHARES Gauge "container_spec_cpu_shares" []
        "Weight against others when processors are short; 1024 is the usual."

    MEMORY_USAGE Gauge "container_memory_usage_bytes" []
        "Memory charged, page cache included, in bytes."
    MEMORY_WORKING_SET Gauge "container_memory_working_set_bytes" []
        "Memory charged without file pages that were not used lately, in bytes: what evictions go by."
    MEMORY_RSS Gauge "container_memory_rss" []
        "Anonymous memory, in bytes."
    MEMORY_CACHE Gauge "container_memory_cache" []
        "Page cache, in bytes."
    MEMORY_MAPPED_FILE Gauge "container_memory_mapped_file" []
        "Files mapped into memory, in bytes."
    MEMORY_SWAP Gauge "container_memory_swap" []
        "Memory swapped out, in bytes."
    MEMORY_KERNEL Gauge "container_memory_kernel_usage" []
        "Memory of the kernel on their behalf, in bytes."
    MEMORY_MAX_USAGE Gauge "container_memory_max_usage_bytes" []
        "The most memory that was ever charged, in bytes."
    MEMORY_LIMIT_HITS Counter "container_memory_failcnt" []
        "Times the memory limit was met."
    MEMORY_FAILURES Counter "container_memory_failures_total" ["failure_type", "scope"]
        "Page faults; pgmajfault are those that needed the disk."
    OOM_EVENTS Counter "container_oom_events_total" []
        "Processes killed for want of memory."
    SPEC_MEMORY_LIMIT Gauge "container_spec_memory_limit_bytes" []
        "Memory limit, in bytes; 0 without one."
    SPEC_MEMORY_RESERVATION Gauge "container_spec_memory_reservation_limit_bytes" []
        "Memory spared when memory is short, in bytes; 0 if none."
    SPEC_MEMORY_SWAP_LIMIT Gauge "container_spec_memory_swap_limit_bytes" []
        "Limit of memory and swap together, in bytes; 0 without one."

    HUGE_PAGES_USAGE Gauge "container_hugetlb_usage_bytes" ["pagesize"]
        "Huge pages in use, in bytes."
    HUGE_PAGES_MAX_USAGE Gauge "container_hugetlb_max_usage_bytes" ["pagesize"]
        "The most huge pages that were ever in use, in bytes; not counted on cgroup v2."

    PRESSURE_CPU_WAITING Counter "container_pressure_cpu_waiting_seconds_total" []
        "Time in which somebody waited for a processor, in whole seconds."
    PRESSURE_CPU_STALLED Counter "container_pressure_cpu_stalled_seconds_total" []
        "Time in which nobody got on for want of a processor, in whole seconds."
    PRESSURE_MEMORY_WAITING Counter "container_pressure_memory_waiting_seconds_total" []
        "Time in which somebody waited for memory, in whole seconds."
    PRESSURE_MEMORY_STALLED Counter "container_pressure_memory_stalled_seconds_total" []
        "Time in which nobody got on for want of memory, in whole seconds."
    PRESSURE_IO_WAITING Counter "container_pressure_io_waiting_seconds_total" []
        "Time in which somebody waited for a disk, in whole seconds."
    PRESSURE_IO_STALLED Counter "container_pressure_io_stalled_seconds_total" []
        "Time in which nobody got on for want of a disk, in whole seconds."

    BLOCK_USAGE Counter "container_blkio_device_usage_total" ["device", "major", "minor", "operation"]
        "Bytes moved to and from a block device."
    FS_READ_BYTES Counter "container_fs_reads_bytes_total" ["device"]
        "Bytes read from a block device."
    FS_READS Counter "container_fs_reads_total" ["device"]
        "Reads from a block device."
    FS_WRITE_BYTES Counter "container_fs_writes_bytes_total" ["device"]
        "Bytes written to a block device."
    FS_WRITES Counter "container_fs_writes_total" ["device"]
        "Writes to a block device."
    FS_USAGE Gauge "container_fs_usage_bytes" ["device"]
        "Size of the writable layer, in bytes."
    FS_LIMIT Gauge "container_fs_limit_bytes" ["device"]
        "Size of the file system the writable layer lies on, in bytes."
    FS_INODES Gauge "container_fs_inodes_total" ["device"]
        "Inodes of the file system the writable layer lies on."
    FS_INODES_FREE Gauge "container_fs_inodes_free" ["device"]
        "Inodes left on the file system the writable layer lies on."

    NETWORK_RX_BYTES Counter "container_network_receive_bytes_total" ["interface"]
        "Bytes received."
    NETWORK_RX_PACKETS Counter "container_network_receive_packets_total" ["interface"]
        "Packets received."
    NETWORK_RX_DROPPED Counter "container_network_receive_packets_dropped_total" ["interface"]
        "Packets dropped on receipt."
    NETWORK_RX_ERRORS Counter "container_network_receive_errors_total" ["interface"]
        "Errors on receipt."
    NETWORK_TX_BYTES Counter "container_network_transmit_bytes_total" ["interface"]
        "Bytes sent."
    NETWORK_TX_PACKETS Counter "container_network_transmit_packets_total" ["interface"]
        "Packets sent."
    NETWORK_TX_DROPPED Counter "container_network_transmit_packets_dropped_total" ["interface"]
        "Packets dropped on sending."
    NETWORK_TX_ERRORS Counter "container_network_transmit_errors_total" ["interface"]
        "Errors on sending."

    PROCESSES Gauge "container_processes" []
        "Processes."
    THREADS Gauge "container_threads" []
        "Processes and their threads."
    THREADS_MAX Gauge "container_threads_max" []
        "Limit of processes and threads; 0 without one."
    FILE_DESCRIPTORS Gauge "container_file_descriptors" []
        "Open file descriptors."
    SOCKETS Gauge "container_sockets" []
        "Open sockets."
    ULIMITS_SOFT Gauge "container_ulimits_soft" ["ulimit"]
        "Soft limits of the container's first process; absent if unlimited."

    START_TIME Gauge "container_start_time_seconds" []
        "When it was started, in seconds since 1970."
    LAST_SEEN Gauge "container_last_seen" []
        "When it was last seen running, in seconds since 1970."
}
