use super::*;

#[test]
fn only_the_kernels_records_are_shown() {
    assert_eq!(of_kernel("6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n"), Some("NET: Registered"));
    assert_eq!(of_kernel("12,340,5140901,-;oom-kill: says a process\n"), None);
    assert_eq!(of_kernel("nonsense"), None);
}

#[test]
fn privileged_the_newest_record_is_found() {
    let mut seen = 0;
    let last = newest(|text| {
        seen += 1;
        Some(text.to_owned())
    });
    assert_eq!(last.unwrap().is_some(), seen > 0);
}
